"""Changes of the catalogue, for administrators; vendors may create products and change their own."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace

import strawberry

from kernel.errors import DomainError
from kernel.graphql import MoneyInput, UserError, user_errors
from kernel.identity import Caller, require
from subgraphs.products.api.classification import Category, Collection, ProductType
from subgraphs.products.api.context import Info
from subgraphs.products.api.inputs import (
    CategoryCreateInput,
    CategoryUpdateInput,
    CollectionCreateInput,
    ProductCreateInput,
    ProductTypeCreateInput,
    ProductUpdateInput,
    ProductVariantInput,
    ProductVariantUpdateInput,
    PromotionCreateInput,
)
from subgraphs.products.api.types import Product, ProductVariant, Promotion
from subgraphs.products.api.vouchers import VoucherMutation
from subgraphs.products.domain import products as domain
from subgraphs.products.service import taxonomy


@strawberry.type(description="A product after a change.")
class ProductPayload:
    """A product after a change."""

    product: Product | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="A variant after a change.")
class ProductVariantPayload:
    """A variant after a change."""

    variant: ProductVariant | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="A category after a change.")
class CategoryPayload:
    """A category after a change."""

    category: Category | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="A product type after a change.")
class ProductTypePayload:
    """A product type after a change."""

    product_type: ProductType | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="A collection after a change.")
class CollectionPayload:
    """A collection after a change."""

    collection: Collection | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="A promotion after a change.")
class PromotionPayload:
    """A promotion after a change."""

    promotion: Promotion | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class Mutation(VoucherMutation):
    """Changes of the catalogue."""

    @strawberry.mutation(description="Create a product with its variants.")
    async def product_create(self, info: Info, input: ProductCreateInput) -> ProductPayload:
        """Create a product."""
        context = info.context
        _require_seller(context.caller)
        try:
            variants = [each.to_domain() for each in input.variants]
            product_id = await context.service.create(context.caller, input.to_domain(), variants)
        except DomainError as error:
            return ProductPayload(errors=user_errors(error))
        return ProductPayload(product=await Product.load(info, product_id))

    @strawberry.mutation(description="Change a product.")
    async def product_update(
        self, info: Info, id: strawberry.ID, input: ProductUpdateInput, expected_version: int | None = None
    ) -> ProductPayload:
        """Change a product."""
        context = info.context
        _require_seller(context.caller)
        change = context.service.update(context.caller, id, input.apply, expected_version=expected_version)
        return await _product_changed(info, id, change)

    @strawberry.mutation(description="Give a product another variant.")
    async def product_variant_create(
        self,
        info: Info,
        product_id: strawberry.ID,
        input: ProductVariantInput,
        expected_version: int | None = None,
    ) -> ProductPayload:
        """Add a variant."""
        context = info.context
        _require_seller(context.caller)

        def add(product: domain.Product) -> domain.Product:
            return replace(product, variants=(*product.variants, input.to_domain()))

        change = context.service.update(context.caller, product_id, add, expected_version=expected_version)
        return await _product_changed(info, product_id, change)

    @strawberry.mutation(description="Change a variant.")
    async def product_variant_update(
        self, info: Info, sku: str, input: ProductVariantUpdateInput, expected_version: int | None = None
    ) -> ProductVariantPayload:
        """Change a variant."""
        context = info.context
        _require_seller(context.caller)
        change = context.service.change_variant(context.caller, sku, input.apply, expected_version=expected_version)
        return await _variant_changed(info, sku, change)

    @strawberry.mutation(description="Set a variant's list price in one currency.")
    async def variant_price_set(
        self, info: Info, sku: str, price: MoneyInput, expected_version: int | None = None
    ) -> ProductVariantPayload:
        """Set a price."""
        context = info.context
        _require_seller(context.caller)
        try:
            amount = price.to_domain("price")
        except DomainError as error:
            return ProductVariantPayload(errors=user_errors(error))
        change = context.service.set_price(context.caller, sku, amount, expected_version=expected_version)
        return await _variant_changed(info, sku, change)

    @strawberry.mutation(description="Create a product type.")
    async def product_type_create(self, info: Info, input: ProductTypeCreateInput) -> ProductTypePayload:
        """Create a product type."""
        require(info.context.caller, kinds={"admin"})
        attributes = [each.to_domain() for each in input.attributes]
        try:
            created = await taxonomy.create_product_type(
                info.context.service.database, input.name, attributes, slug=input.slug
            )
        except DomainError as error:
            return ProductTypePayload(errors=user_errors(error))
        return ProductTypePayload(product_type=ProductType.of(created))

    @strawberry.mutation(description="Create a category.")
    async def category_create(self, info: Info, input: CategoryCreateInput) -> CategoryPayload:
        """Create a category."""
        require(info.context.caller, kinds={"admin"})
        try:
            created = await taxonomy.create_category(
                info.context.service.database,
                input.name,
                slug=input.slug,
                description=input.description,
                parent_id=input.parent_id,
                position=input.position,
            )
        except DomainError as error:
            return CategoryPayload(errors=user_errors(error))
        return CategoryPayload(category=Category.of(created))

    @strawberry.mutation(description="Change a category.")
    async def category_update(self, info: Info, id: strawberry.ID, input: CategoryUpdateInput) -> CategoryPayload:
        """Change a category."""
        require(info.context.caller, kinds={"admin"})
        change = taxonomy.update_category(
            info.context.service.database,
            id,
            name=input.name,
            description=input.description,
            position=input.position,
        )
        return await _category_changed(info, id, change)

    @strawberry.mutation(description="Hang a category under another parent, or make it a root.")
    async def category_move(
        self, info: Info, id: strawberry.ID, parent_id: strawberry.ID | None = None
    ) -> CategoryPayload:
        """Move a category with all below it."""
        require(info.context.caller, kinds={"admin"})
        return await _category_changed(info, id, taxonomy.move_category(info.context.service.database, id, parent_id))

    @strawberry.mutation(description="Take an empty category away.")
    async def category_delete(self, info: Info, id: strawberry.ID) -> CategoryPayload:
        """Take a category away."""
        require(info.context.caller, kinds={"admin"})
        try:
            deleted = await taxonomy.delete_category(info.context.service.database, id)
        except DomainError as error:
            return CategoryPayload(errors=user_errors(error))
        return CategoryPayload(category=Category.of(deleted))

    @strawberry.mutation(description="Create an empty collection.")
    async def collection_create(self, info: Info, input: CollectionCreateInput) -> CollectionPayload:
        """Create a collection."""
        require(info.context.caller, kinds={"admin"})
        try:
            created = await taxonomy.create_collection(
                info.context.service.database, input.name, slug=input.slug, description=input.description
            )
        except DomainError as error:
            return CollectionPayload(errors=user_errors(error))
        return CollectionPayload(collection=Collection.of(created))

    @strawberry.mutation(description="Let a collection hold exactly these products, in this order.")
    async def collection_products_set(
        self, info: Info, id: strawberry.ID, product_ids: list[strawberry.ID]
    ) -> CollectionPayload:
        """Fill a collection."""
        require(info.context.caller, kinds={"admin"})
        try:
            await taxonomy.set_collection_products(info.context.service.database, id, product_ids)
        except DomainError as error:
            return CollectionPayload(errors=user_errors(error))
        return CollectionPayload(collection=await Collection.load(info, id))

    @strawberry.mutation(description="Create a promotion.")
    async def promotion_create(self, info: Info, input: PromotionCreateInput) -> PromotionPayload:
        """Create a promotion."""
        require(info.context.caller, kinds={"admin"})
        try:
            promotion = input.to_domain()
            await taxonomy.create_promotion(info.context.service.database, promotion)
        except DomainError as error:
            return PromotionPayload(errors=user_errors(error))
        return PromotionPayload(promotion=Promotion.of(promotion))

    @strawberry.mutation(description="Let a promotion end now; one that has not started is taken away.")
    async def promotion_end(self, info: Info, id: strawberry.ID) -> PromotionPayload:
        """End a promotion."""
        require(info.context.caller, kinds={"admin"})
        service = info.context.service
        try:
            ended = await taxonomy.end_promotion(service.database, service.clock, id)
        except DomainError as error:
            return PromotionPayload(errors=user_errors(error))
        return PromotionPayload(promotion=Promotion.of(ended))


def _require_seller(caller: Caller) -> None:
    require(caller, roles={"vendor"})


async def _product_changed(info: Info, product_id: str, change: Awaitable[None]) -> ProductPayload:
    try:
        await change
    except DomainError as error:
        return ProductPayload(errors=user_errors(error))
    return ProductPayload(product=await Product.load(info, product_id))


async def _variant_changed(info: Info, sku: str, change: Awaitable[None]) -> ProductVariantPayload:
    try:
        await change
    except DomainError as error:
        return ProductVariantPayload(errors=user_errors(error))
    return ProductVariantPayload(variant=await ProductVariant.load(info, sku=sku))


async def _category_changed(info: Info, category_id: str, change: Awaitable[None]) -> CategoryPayload:
    try:
        await change
    except DomainError as error:
        return CategoryPayload(errors=user_errors(error))
    return CategoryPayload(category=await Category.load(info, category_id))
