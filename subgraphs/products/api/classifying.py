"""Changes of what orders the catalogue, for administrators: product types, categories, collections, brands."""

from __future__ import annotations

from collections.abc import Awaitable

import strawberry

from kernel.errors import DomainError
from kernel.graphql import UserError, user_errors
from kernel.identity import require
from subgraphs.products.api.classification import Brand, Category, Collection, ProductType
from subgraphs.products.api.classification_inputs import (
    BrandCreateInput,
    BrandUpdateInput,
    CategoryCreateInput,
    CategoryUpdateInput,
    CollectionCreateInput,
    CollectionUpdateInput,
    ProductTypeCreateInput,
)
from subgraphs.products.api.context import Info
from subgraphs.products.domain import categories as category_domain
from subgraphs.products.domain import collections as collection_domain
from subgraphs.products.service import brands, collections, taxonomy


@strawberry.type(description="A category after a change.")
class CategoryPayload:
    """A category after a change."""

    category: Category | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="The categories under a parent after a change, in their order.")
class CategoriesPayload:
    """Categories after a change."""

    categories: list[Category] = strawberry.field(default_factory=list)
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


@strawberry.type(description="The page of a brand after a change.")
class BrandPayload:
    """The page of a brand after a change."""

    brand: Brand | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class ClassificationMutation:
    """Changes of what orders the catalogue."""

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
        return await _category(
            taxonomy.create_category(
                info.context.service.database,
                input.name,
                slug=input.slug,
                description=input.description,
                parent_id=input.parent_id,
                position=input.position,
            )
        )

    @strawberry.mutation(description="Change a category; its old slug goes on leading to it.")
    async def category_update(self, info: Info, id: strawberry.ID, input: CategoryUpdateInput) -> CategoryPayload:
        """Change a category."""
        require(info.context.caller, kinds={"admin"})
        return await _category_changed(
            info, id, taxonomy.update_category(info.context.service.database, id, input.apply)
        )

    @strawberry.mutation(description="Hang a category under another parent, or make it a root.")
    async def category_move(
        self, info: Info, id: strawberry.ID, parent_id: strawberry.ID | None = None
    ) -> CategoryPayload:
        """Move a category with all below it."""
        require(info.context.caller, kinds={"admin"})
        return await _category_changed(info, id, taxonomy.move_category(info.context.service.database, id, parent_id))

    @strawberry.mutation(description="Put the categories under a parent, or the roots, into this order.")
    async def categories_reorder(
        self, info: Info, ids: list[strawberry.ID], parent_id: strawberry.ID | None = None
    ) -> CategoriesPayload:
        """Reorder siblings."""
        require(info.context.caller, kinds={"admin"})
        try:
            await taxonomy.reorder_categories(info.context.service.database, parent_id, ids)
        except DomainError as error:
            return CategoriesPayload(errors=user_errors(error))
        found = await info.context.loaders.category.load_many(ids)
        return CategoriesPayload(categories=[Category.of(each) for each in found if each is not None])

    @strawberry.mutation(description="Take an empty category away.")
    async def category_delete(self, info: Info, id: strawberry.ID) -> CategoryPayload:
        """Take a category away."""
        require(info.context.caller, kinds={"admin"})
        return await _category(taxonomy.delete_category(info.context.service.database, id))

    @strawberry.mutation(description="Create a collection: an empty one, or of what fits a rule.")
    async def collection_create(self, info: Info, input: CollectionCreateInput) -> CollectionPayload:
        """Create a collection."""
        require(info.context.caller, kinds={"admin"})
        try:
            created = await collections.create_collection(info.context.service.database, input.to_domain())
        except DomainError as error:
            return CollectionPayload(errors=user_errors(error))
        return CollectionPayload(collection=Collection.of(created))

    @strawberry.mutation(description="Change a collection; its old slug goes on leading to it.")
    async def collection_update(self, info: Info, id: strawberry.ID, input: CollectionUpdateInput) -> CollectionPayload:
        """Change a collection."""
        require(info.context.caller, kinds={"admin"})
        return await _collection(collections.update_collection(info.context.service.database, id, input.apply))

    @strawberry.mutation(description="Take a collection away; its products stay.")
    async def collection_delete(self, info: Info, id: strawberry.ID) -> CollectionPayload:
        """Take a collection away."""
        require(info.context.caller, kinds={"admin"})
        return await _collection(collections.delete_collection(info.context.service.database, id))

    @strawberry.mutation(description="Let a collection hold exactly these products, in this order.")
    async def collection_products_set(
        self, info: Info, id: strawberry.ID, product_ids: list[strawberry.ID]
    ) -> CollectionPayload:
        """Fill a collection."""
        require(info.context.caller, kinds={"admin"})
        try:
            await collections.set_collection_products(info.context.service.database, id, product_ids)
        except DomainError as error:
            return CollectionPayload(errors=user_errors(error))
        return CollectionPayload(collection=await Collection.load(info, id))

    @strawberry.mutation(description="Create the page of a brand.")
    async def brand_create(self, info: Info, input: BrandCreateInput) -> BrandPayload:
        """Create a brand."""
        require(info.context.caller, kinds={"admin"})
        try:
            created = await brands.create_brand(info.context.service.database, input.to_domain())
        except DomainError as error:
            return BrandPayload(errors=user_errors(error))
        return BrandPayload(brand=Brand.of(created))

    @strawberry.mutation(description="Change the page of a brand.")
    async def brand_update(self, info: Info, id: strawberry.ID, input: BrandUpdateInput) -> BrandPayload:
        """Change a brand."""
        require(info.context.caller, kinds={"admin"})
        try:
            changed = await brands.update_brand(info.context.service.database, id, input.apply)
        except DomainError as error:
            return BrandPayload(errors=user_errors(error))
        return BrandPayload(brand=Brand.of(changed))


async def _category(change: Awaitable[category_domain.Category]) -> CategoryPayload:
    try:
        changed = await change
    except DomainError as error:
        return CategoryPayload(errors=user_errors(error))
    return CategoryPayload(category=Category.of(changed))


async def _category_changed(info: Info, category_id: str, change: Awaitable[None]) -> CategoryPayload:
    try:
        await change
    except DomainError as error:
        return CategoryPayload(errors=user_errors(error))
    return CategoryPayload(category=await Category.load(info, category_id))


async def _collection(change: Awaitable[collection_domain.Collection]) -> CollectionPayload:
    try:
        changed = await change
    except DomainError as error:
        return CollectionPayload(errors=user_errors(error))
    return CollectionPayload(collection=Collection.of(changed))
