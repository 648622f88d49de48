"""What admins and vendors send to change the catalogue, read into values of the domain.

What is left out of an update stays as it is; null clears what can be empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import strawberry

from kernel.errors import InvalidInputError
from kernel.graphql import MoneyInput
from kernel.ids import new_id
from kernel.money import Money
from subgraphs.products.api.classification import AttributeKind
from subgraphs.products.domain.attributes import AttributeDefinition
from subgraphs.products.domain.pricing import FixedOff, PercentOff, Promotion
from subgraphs.products.domain.products import Product, ProductContent, Variant
from subgraphs.products.domain.slugs import slugify


@strawberry.input(description="The values of one attribute.")
class AttributeInput:
    """The values of one attribute."""

    code: str
    values: list[str]


@strawberry.input(description="One value of one option.")
class OptionInput:
    """One value of one option."""

    name: str
    value: str


@strawberry.input(description="A new variant with its list prices.")
class ProductVariantInput:
    """A new variant with its list prices."""

    sku: str
    name: str = ""
    options: list[OptionInput] = strawberry.field(default_factory=list)
    attributes: list[AttributeInput] = strawberry.field(default_factory=list)
    weight_grams: int = 0
    prices: list[MoneyInput] = strawberry.field(default_factory=list)

    def to_domain(self) -> Variant:
        """Read the variant."""
        return Variant(
            id=new_id("var"),
            sku=self.sku,
            name=self.name or " / ".join(option.value for option in self.options),
            options=_options(self.options),
            attributes=_attributes(self.attributes),
            weight_grams=self.weight_grams,
            prices=_prices(self.prices),
        )


@strawberry.input(description="A new product; its slug is made of its name where none is given.")
class ProductCreateInput:
    """A new product."""

    name: str
    product_type_id: strawberry.ID
    slug: str | None = None
    description: str = strawberry.field(default="", description="HTML; whatever could act is taken out.")
    category_id: strawberry.ID | None = None
    brand: str = ""
    tags: list[str] = strawberry.field(default_factory=list)
    attributes: list[AttributeInput] = strawberry.field(default_factory=list)
    published: bool = False
    variants: list[ProductVariantInput] = strawberry.field(default_factory=list)

    def to_domain(self) -> ProductContent:
        """Read the product's content."""
        return ProductContent(
            slug=slugify(self.name) if self.slug is None else self.slug,
            name=self.name,
            description=self.description,
            type_id=self.product_type_id,
            category_id=self.category_id,
            brand=self.brand,
            tags=tuple(self.tags),
            attributes=_attributes(self.attributes),
            published=self.published,
        )


@strawberry.input(description="What changes about a product; what is left out stays, null clears.")
class ProductUpdateInput:
    """What changes about a product."""

    name: str | None = strawberry.UNSET
    slug: str | None = strawberry.UNSET
    description: str | None = strawberry.UNSET
    category_id: strawberry.ID | None = strawberry.UNSET
    brand: str | None = strawberry.UNSET
    tags: list[str] | None = strawberry.UNSET
    attributes: list[AttributeInput] | None = strawberry.field(
        default=strawberry.UNSET, description="Those that are named; no values clear one."
    )
    published: bool | None = strawberry.UNSET

    def apply(self, product: Product) -> Product:
        """Change a product."""
        content = product.content
        if self.name is not strawberry.UNSET:
            content = replace(content, name=_required(self.name, "name"))
        if self.slug is not strawberry.UNSET:
            content = replace(content, slug=_required(self.slug, "slug"))
        if self.published is not strawberry.UNSET:
            content = replace(content, published=bool(self.published))
        if self.description is not strawberry.UNSET:
            content = replace(content, description=self.description or "")
        if self.category_id is not strawberry.UNSET:
            content = replace(content, category_id=self.category_id)
        if self.brand is not strawberry.UNSET:
            content = replace(content, brand=self.brand or "")
        if self.tags is not strawberry.UNSET:
            content = replace(content, tags=tuple(self.tags or ()))
        if self.attributes is not strawberry.UNSET:
            changed = _attributes(self.attributes) if self.attributes else {}
            merged = {**content.attributes, **changed} if self.attributes else {}
            content = replace(content, attributes=merged)
        return replace(product, content=content)


@strawberry.input(description="What changes about a variant; what is left out stays.")
class ProductVariantUpdateInput:
    """What changes about a variant."""

    name: str | None = strawberry.UNSET
    options: list[OptionInput] | None = strawberry.UNSET
    attributes: list[AttributeInput] | None = strawberry.UNSET
    weight_grams: int | None = strawberry.UNSET

    def apply(self, variant: Variant) -> Variant:
        """Change a variant."""
        if self.name is not strawberry.UNSET:
            variant = replace(variant, name=self.name or "")
        if self.options is not strawberry.UNSET:
            variant = replace(variant, options=_options(self.options or ()))
        if self.attributes is not strawberry.UNSET:
            merged = {**variant.attributes, **_attributes(self.attributes or ())} if self.attributes else {}
            variant = replace(variant, attributes=merged)
        if self.weight_grams is not strawberry.UNSET:
            variant = replace(variant, weight_grams=self.weight_grams or 0)
        return variant


@strawberry.input(description="An attribute of a new product type.")
class AttributeDefinitionInput:
    """An attribute of a new product type."""

    code: str
    label: str
    kind: AttributeKind
    unit: str | None = None
    choices: list[str] = strawberry.field(default_factory=list)
    for_variants: bool = False
    required: bool = False

    def to_domain(self) -> AttributeDefinition:
        """Read the definition."""
        return AttributeDefinition(
            code=self.code,
            label=self.label,
            kind=self.kind,
            unit=self.unit,
            choices=tuple(self.choices),
            for_variants=self.for_variants,
            required=self.required,
        )


@strawberry.input(description="A new product type.")
class ProductTypeCreateInput:
    """A new product type."""

    name: str
    slug: str | None = None
    attributes: list[AttributeDefinitionInput] = strawberry.field(default_factory=list)


@strawberry.input(description="A new category; its slug is made of its name where none is given.")
class CategoryCreateInput:
    """A new category."""

    name: str
    slug: str | None = None
    description: str = ""
    parent_id: strawberry.ID | None = None
    position: int = 0


@strawberry.input(description="What changes about a category; what is left out stays.")
class CategoryUpdateInput:
    """What changes about a category."""

    name: str | None = None
    description: str | None = None
    position: int | None = None


@strawberry.input(description="A new collection; its slug is made of its name where none is given.")
class CollectionCreateInput:
    """A new collection."""

    name: str
    slug: str | None = None
    description: str = ""


@strawberry.input(description="A new promotion: either a percentage, or an amount for each currency.")
class PromotionCreateInput:
    """A new promotion."""

    name: str
    starts_at: datetime
    ends_at: datetime
    percent: Decimal | None = None
    amounts: list[MoneyInput] | None = None
    category_ids: list[strawberry.ID] = strawberry.field(default_factory=list)
    product_ids: list[strawberry.ID] = strawberry.field(default_factory=list)

    def to_domain(self) -> Promotion:
        """Read the promotion.

        Raises:
            InvalidInputError: it has no reward or two, no end after its start, or nothing it runs on.
        """
        if (self.percent is None) == (self.amounts is None):
            raise InvalidInputError("Give either a percentage or amounts.", path=("percent",))
        for name, at in (("startsAt", self.starts_at), ("endsAt", self.ends_at)):
            if at.tzinfo is None:
                raise InvalidInputError("An instant needs a time zone.", path=(name,))
        return Promotion(
            id=new_id("promo"),
            name=self.name,
            reward=PercentOff(self.percent)
            if self.percent is not None
            else FixedOff(tuple(_prices(self.amounts or ()).values())),
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            category_ids=frozenset(self.category_ids),
            product_ids=frozenset(self.product_ids),
        )


def _required(value: str | None, field: str) -> str:
    if value is None:
        raise InvalidInputError("This cannot be cleared.", path=("input", field))
    return value


def _attributes(given: Iterable[AttributeInput]) -> dict[str, tuple[str, ...]]:
    return {each.code: tuple(each.values) for each in given}


def _options(given: Iterable[OptionInput]) -> dict[str, str]:
    return {each.name: each.value for each in given}


def _prices(given: Sequence[MoneyInput]) -> dict[str, Money]:
    read = [each.to_domain("prices") for each in given]
    if len({price.currency for price in read}) != len(read):
        raise InvalidInputError("A currency is named twice.", path=("prices",))
    return {price.currency: price for price in read}
