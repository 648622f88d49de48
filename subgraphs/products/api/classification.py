"""What orders the catalogue, as clients see it: product types with their attributes, categories, collections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import strawberry

from subgraphs.products.api.context import Info
from subgraphs.products.domain import categories as category_domain
from subgraphs.products.domain import products as product_domain
from subgraphs.products.domain.attributes import AttributeDefinition, AttributeKind, Attributes
from subgraphs.products.storage import catalogue

strawberry.enum(AttributeKind, description="How the values of an attribute are to be read.")


@strawberry.type(description="An attribute that a product type lets its products or variants have.")
class Attribute:
    """An attribute of a product type."""

    code: str
    label: str
    kind: AttributeKind
    unit: str | None
    choices: list[str]
    for_variants: bool
    required: bool

    @classmethod
    def of(cls, definition: AttributeDefinition) -> Self:
        """Show a definition."""
        return cls(
            code=definition.code,
            label=definition.label,
            kind=definition.kind,
            unit=definition.unit,
            choices=list(definition.choices),
            for_variants=definition.for_variants,
            required=definition.required,
        )


@strawberry.type(description="What a product or variant says about itself.")
class AttributeValue:
    """What a product or variant says about itself."""

    attribute: Attribute
    values: list[str] = strawberry.field(description="One text, or several where the kind allows it.")


def values_of(definitions: Sequence[AttributeDefinition], attributes: Attributes) -> list[AttributeValue]:
    """Show attribute values in the order of their definitions."""
    return [
        AttributeValue(attribute=Attribute.of(each), values=list(attributes[each.code]))
        for each in definitions
        if each.code in attributes
    ]


@strawberry.type(description="A kind of product and the attributes that it brings.")
class ProductType:
    """A kind of product."""

    id: strawberry.ID
    slug: str
    name: str
    attributes: list[Attribute]

    @classmethod
    def of(cls, product_type: product_domain.ProductType) -> Self:
        """Show a product type."""
        return cls(
            id=strawberry.ID(product_type.id),
            slug=product_type.slug,
            name=product_type.name,
            attributes=[Attribute.of(each) for each in product_type.attributes],
        )


@strawberry.federation.type(keys=["id", "slug"], description="A node of the category tree.")
class Category:
    """A node of the category tree."""

    path: strawberry.Private[tuple[str, ...]]
    parent_id: strawberry.Private[str | None]
    id: strawberry.ID
    slug: str
    name: str
    description: str = strawberry.field(description="HTML that is safe to show.")
    position: int = strawberry.field(description="Its place among its siblings.")

    @strawberry.field(description="The category above it; none for a root.")
    async def parent(self, info: Info) -> Category | None:
        """Load the category above."""
        return None if self.parent_id is None else await Category.load(info, self.parent_id)

    @strawberry.field(description="From the root down to its parent, as bread crumbs show it.")
    async def ancestors(self, info: Info) -> list[Category]:
        """Load the categories above."""
        found = await info.context.loaders.category.load_many(list(self.path[:-1]))
        return [Category.of(each) for each in found if each is not None]

    @strawberry.field(description="The categories right below it, in their order.")
    async def children(self, info: Info) -> list[Category]:
        """Load the categories below."""
        return [Category.of(each) for each in await info.context.loaders.children.load(self.id)]

    @classmethod
    async def resolve_reference(
        cls, info: Info, id: strawberry.ID | None = None, slug: str | None = None
    ) -> Self | None:
        """Find a category by either of its keys."""
        return await cls.load(info, id, slug)

    @classmethod
    async def load(cls, info: Info, category_id: str | None = None, slug: str | None = None) -> Self | None:
        """Load a category by its id or slug."""
        loaders = info.context.loaders
        if category_id is not None:
            found = await loaders.category.load(category_id)
        else:
            found = await loaders.category_by_slug.load(slug or "")
        return None if found is None else cls.of(found)

    @classmethod
    def of(cls, category: category_domain.Category) -> Self:
        """Show a category."""
        return cls(
            path=category.path,
            parent_id=category.parent_id,
            id=strawberry.ID(category.id),
            slug=category.slug,
            name=category.name,
            description=category.description,
            position=category.position,
        )


@strawberry.federation.type(keys=["id", "slug"], description="Products that belong together for some reason.")
class Collection:
    """Products that belong together; list them with `products(where: {collection: …})`."""

    id: strawberry.ID
    slug: str
    name: str
    description: str = strawberry.field(description="HTML that is safe to show.")

    @classmethod
    async def resolve_reference(
        cls, info: Info, id: strawberry.ID | None = None, slug: str | None = None
    ) -> Self | None:
        """Find a collection by either of its keys."""
        return await cls.load(info, id, slug)

    @classmethod
    async def load(cls, info: Info, collection_id: str | None = None, slug: str | None = None) -> Self | None:
        """Load a collection by its id or slug."""
        loaders = info.context.loaders
        if collection_id is not None:
            found = await loaders.collection.load(collection_id)
        else:
            found = await loaders.collection_by_slug.load(slug or "")
        return None if found is None else cls.of(found)

    @classmethod
    def of(cls, collection: catalogue.Collection) -> Self:
        """Show a collection."""
        return cls(
            id=strawberry.ID(collection.id),
            slug=collection.slug,
            name=collection.name,
            description=collection.description,
        )
