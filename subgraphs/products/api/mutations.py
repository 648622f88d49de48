"""Changes of the catalogue, for administrators; vendors may create products and change their own."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace

import strawberry

from kernel.errors import DomainError
from kernel.graphql import MoneyInput, UserError, user_errors
from kernel.identity import Caller, require
from subgraphs.products.api.classifying import ClassificationMutation
from subgraphs.products.api.context import Info
from subgraphs.products.api.documents import DocumentMutation
from subgraphs.products.api.inputs import (
    ProductCreateInput,
    ProductUpdateInput,
    ProductVariantInput,
    ProductVariantUpdateInput,
    PromotionCreateInput,
)
from subgraphs.products.api.media import MediaMutation
from subgraphs.products.api.transfers import TransferMutation
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


@strawberry.type(description="A promotion after a change.")
class PromotionPayload:
    """A promotion after a change."""

    promotion: Promotion | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class Mutation(ClassificationMutation, DocumentMutation, MediaMutation, TransferMutation, VoucherMutation):
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
