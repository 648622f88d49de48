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
from subgraphs.products.api.classification_inputs import SeoInput, TranslationInput, read_translations
from subgraphs.products.domain.pricing import FixedOff, PercentOff, Promotion
from subgraphs.products.domain.products import Product, ProductContent, Variant
from subgraphs.products.domain.slugs import slugify
from subgraphs.products.domain.wording import Seo


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
    publish_at: datetime | None = strawberry.field(default=None, description="When it is to get published.")
    unpublish_at: datetime | None = strawberry.field(default=None, description="When it is to be no longer.")
    seo: SeoInput | None = None
    translations: list[TranslationInput] = strawberry.field(default_factory=list)
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
            publish_at=_instant(self.publish_at, "publishAt"),
            unpublish_at=_instant(self.unpublish_at, "unpublishAt"),
            seo=self.seo.to_domain() if self.seo else Seo(),
            translations=read_translations(self.translations),
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
    publish_at: datetime | None = strawberry.UNSET
    unpublish_at: datetime | None = strawberry.UNSET
    seo: SeoInput | None = strawberry.UNSET
    translations: list[TranslationInput] | None = strawberry.field(
        default=strawberry.UNSET, description="Those of the languages that are named; empty ones clear."
    )

    def apply(self, product: Product) -> Product:
        """Change a product."""
        content = self._say(self._time(product.content))
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

    def _time(self, content: ProductContent) -> ProductContent:
        if self.publish_at is not strawberry.UNSET:
            content = replace(content, publish_at=_instant(self.publish_at, "publishAt"))
        if self.unpublish_at is not strawberry.UNSET:
            content = replace(content, unpublish_at=_instant(self.unpublish_at, "unpublishAt"))
        return content

    def _say(self, content: ProductContent) -> ProductContent:
        if self.seo is not strawberry.UNSET:
            content = replace(content, seo=self.seo.to_domain() if self.seo else Seo())
        if self.translations is not strawberry.UNSET:
            said = read_translations(self.translations) if self.translations else {}
            content = replace(content, translations={**content.translations, **said} if self.translations else {})
        return content


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


def _instant(at: datetime | None, field: str) -> datetime | None:
    if at is not None and at.tzinfo is None:
        raise InvalidInputError("An instant needs a time zone.", path=(field,))
    return at


def _attributes(given: Iterable[AttributeInput]) -> dict[str, tuple[str, ...]]:
    return {each.code: tuple(each.values) for each in given}


def _options(given: Iterable[OptionInput]) -> dict[str, str]:
    return {each.name: each.value for each in given}


def _prices(given: Sequence[MoneyInput]) -> dict[str, Money]:
    read = [each.to_domain("prices") for each in given]
    if len({price.currency for price in read}) != len(read):
        raise InvalidInputError("A currency is named twice.", path=("prices",))
    return {price.currency: price for price in read}
