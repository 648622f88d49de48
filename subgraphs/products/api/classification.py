"""What orders the catalogue, as clients see it: product types with their attributes, categories, collections."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol, Self

import strawberry

from kernel.graphql import INHERITED, CacheControl
from subgraphs.products.api.context import Info
from subgraphs.products.domain import brands as brand_domain
from subgraphs.products.domain import categories as category_domain
from subgraphs.products.domain import collections as collection_domain
from subgraphs.products.domain import products as product_domain
from subgraphs.products.domain import wording
from subgraphs.products.domain.attributes import AttributeDefinition, AttributeKind, Attributes, ReferenceTarget
from subgraphs.products.service.files import url_of_file

CATEGORY_SECONDS = 300
"""How long caches between shop and reader may keep a category or collection."""

strawberry.enum(AttributeKind, description="How the values of an attribute are to be read.")
strawberry.enum(ReferenceTarget, description="What the values of an attribute refer to.")


@strawberry.type(
    description="What search engines of the web are told; empty, and name and description say enough.",
    directives=[INHERITED],
)
class Seo:
    """What search engines of the web are told."""

    title: str
    description: str

    @classmethod
    def of(cls, seo: wording.Seo) -> Self:
        """Show it."""
        return cls(title=seo.title, description=seo.description)


class _Worded(Protocol):
    own: wording.Worded


def name_in(root: strawberry.Parent[_Worded], language: str | None = None) -> str:
    """Give the name of something that has words."""
    return root.own.said_in(language).name


def description_in(root: strawberry.Parent[_Worded], language: str | None = None) -> str:
    """Give what is said about it."""
    return root.own.said_in(language).description


def seo_in(root: strawberry.Parent[_Worded], language: str | None = None) -> Seo:
    """Give what search engines are told about it."""
    return Seo.of(root.own.said_in(language).seo)


@strawberry.type(
    description="An attribute that a product type lets its products or variants have.", directives=[INHERITED]
)
class Attribute:
    """An attribute of a product type."""

    definition: strawberry.Private[AttributeDefinition]
    code: str
    kind: AttributeKind
    unit: str | None
    choices: list[str]
    for_variants: bool
    required: bool
    minimum: Decimal | None
    maximum: Decimal | None
    target: ReferenceTarget | None

    @strawberry.field(description="Its name, in a language as far as it was translated.")
    def label(self, language: str | None = None) -> str:
        """Give its name."""
        return self.definition.label_in(language)

    @classmethod
    def of(cls, definition: AttributeDefinition) -> Self:
        """Show a definition."""
        return cls(
            definition=definition,
            code=definition.code,
            kind=definition.kind,
            unit=definition.unit,
            choices=list(definition.choices),
            for_variants=definition.for_variants,
            required=definition.required,
            minimum=definition.minimum,
            maximum=definition.maximum,
            target=definition.target,
        )


@strawberry.type(description="What a product or variant says about itself.", directives=[INHERITED])
class AttributeValue:
    """What a product or variant says about itself."""

    attribute: Attribute
    values: list[str] = strawberry.field(description="One text, or several where the kind allows it.")

    @strawberry.field(description="Where the files are that it names, for an hour at least; none for other kinds.")
    def urls(self, info: Info) -> list[str]:
        """Sign the addresses of files."""
        if self.attribute.kind is not AttributeKind.FILE:
            return []
        return [url_of_file(info.context.service.media, each) for each in self.values]


def values_of(definitions: Sequence[AttributeDefinition], attributes: Attributes) -> list[AttributeValue]:
    """Show attribute values in the order of their definitions."""
    return [
        AttributeValue(attribute=Attribute.of(each), values=list(attributes[each.code]))
        for each in definitions
        if each.code in attributes
    ]


@strawberry.type(description="A kind of product and the attributes that it brings.", directives=[INHERITED])
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


@strawberry.federation.type(
    keys=["id", "slug"], description="A node of the category tree.", directives=[CacheControl(max_age=CATEGORY_SECONDS)]
)
class Category:
    """A node of the category tree."""

    own: strawberry.Private[category_domain.Category]
    id: strawberry.ID
    slug: str
    position: int = strawberry.field(description="Its place among its siblings.")

    name: str = strawberry.field(resolver=name_in, description="Its name, in a language as far as it was translated.")
    description: str = strawberry.field(resolver=description_in, description="HTML that is safe to show.")
    seo: Seo = strawberry.field(resolver=seo_in, description="What search engines of the web are told.")

    @strawberry.field(description="The category above it; none for a root.")
    async def parent(self, info: Info) -> Category | None:
        """Load the category above."""
        return None if self.own.parent_id is None else await Category.load(info, self.own.parent_id)

    @strawberry.field(description="From the root down to its parent, as bread crumbs show it.")
    async def ancestors(self, info: Info) -> list[Category]:
        """Load the categories above."""
        found = await info.context.loaders.category.load_many(list(self.own.path[:-1]))
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
            own=category,
            id=strawberry.ID(category.id),
            slug=category.slug,
            position=category.position,
        )


@strawberry.federation.type(
    keys=["id", "slug"],
    description="Products that belong together for some reason.",
    directives=[CacheControl(max_age=CATEGORY_SECONDS)],
)
class Collection:
    """Products that belong together; list them with `products(where: {collection: …})`."""

    own: strawberry.Private[collection_domain.Collection]
    id: strawberry.ID
    slug: str
    by_rule: bool = strawberry.field(description="Whether its products are found by a rule.")

    name: str = strawberry.field(resolver=name_in, description="Its name, in a language as far as it was translated.")
    description: str = strawberry.field(resolver=description_in, description="HTML that is safe to show.")
    seo: Seo = strawberry.field(resolver=seo_in, description="What search engines of the web are told.")

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
    def of(cls, collection: collection_domain.Collection) -> Self:
        """Show a collection."""
        return cls(
            own=collection,
            id=strawberry.ID(collection.id),
            slug=collection.slug,
            by_rule=collection.rule is not None,
        )


@strawberry.type(description="Who makes products; list them with `products(where: {brand: …})`.")
class Brand:
    """Who makes products."""

    own: strawberry.Private[brand_domain.Brand]
    id: strawberry.ID
    slug: str
    name: str
    website: str | None

    @strawberry.field(description="HTML that is safe to show.")
    def description(self, language: str | None = None) -> str:
        """Give what is said about it."""
        return self.own.said_in(language).description

    @classmethod
    def of(cls, brand: brand_domain.Brand) -> Self:
        """Show a brand."""
        return cls(
            own=brand,
            id=strawberry.ID(brand.id),
            slug=brand.slug,
            name=brand.name,
            website=brand.website or None,
        )
