"""The product with its variants: one aggregate, checked as a whole and changed under one version number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from kernel.errors import ConflictError, InvalidInputError
from kernel.events.catalogue import VariantFacts
from kernel.money import Money
from subgraphs.products.domain.attributes import AttributeDefinition, Attributes, check_attributes
from subgraphs.products.domain.media import Media, check_media
from subgraphs.products.domain.slugs import check_slug
from subgraphs.products.domain.text import clean_html, clean_line
from subgraphs.products.domain.wording import Worded, check_seo, check_translations

MAX_VARIANTS: Final = 200
MAX_TAGS: Final = 50
MAX_GRAMS: Final = 10_000_000
MAX_PRICE: Final = 10**13


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductType:
    """A kind of product and the attributes that its products and variants have."""

    id: str
    slug: str
    name: str
    attributes: tuple[AttributeDefinition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What can be put into a cart: one choice of every option of its product."""

    id: str
    sku: str
    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    attributes: Attributes = field(default_factory=dict)
    weight_grams: int = 0
    prices: Mapping[str, Money] = field(default_factory=dict)

    def facts(self) -> VariantFacts:
        """What other subgraphs may know of it."""
        return VariantFacts(id=self.id, sku=self.sku, name=self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductContent(Worded):
    """All of a product that people write.

    `owner_id` is the vendor's account where a vendor sells it. At `publish_at` it gets published and at `unpublish_at`
    no longer is; either is forgotten when that was done.
    """

    slug: str
    type_id: str
    category_id: str | None = None
    brand: str = ""
    tags: tuple[str, ...] = ()
    attributes: Attributes = field(default_factory=dict)
    published: bool = False
    publish_at: datetime | None = None
    unpublish_at: datetime | None = None
    owner_id: str | None = None
    media: tuple[Media, ...] = ()

    def at(self, moment: datetime) -> ProductContent:
        """Give it as it is to be at a moment: what was to be published or taken back by then is."""
        content = self
        if self.publish_at is not None and self.publish_at <= moment:
            content = replace(content, published=True, publish_at=None)
        if self.unpublish_at is not None and self.unpublish_at <= moment:
            content = replace(content, published=False, unpublish_at=None)
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product as it is stored."""

    id: str
    content: ProductContent
    variants: tuple[Variant, ...]
    version: int
    created_at: datetime
    updated_at: datetime

    def expect(self, version: int | None) -> None:
        """Refuse an edit that was made on another version than this.

        Raises:
            ConflictError: somebody else has changed the product since it was read.
        """
        if version is not None and version != self.version:
            raise ConflictError(
                f"The product has changed: version {self.version} is not the expected {version}.",
                code="STALE_VERSION",
                path=("expectedVersion",),
            )


@dataclass(frozen=True, slots=True)
class ProductEdit:
    """A product as it was and as it is to be."""

    before: Product
    after: Product
    product_type: ProductType


def check_content(content: ProductContent, product_type: ProductType) -> ProductContent:
    """Return the content cleaned and in canonical form.

    Raises:
        InvalidInputError: something of it cannot be accepted; the path names the field.
    """
    tags = tuple(dict.fromkeys(clean_line(tag, field="tags") for tag in content.tags))
    if len(tags) > MAX_TAGS:
        raise InvalidInputError(f"A product has {MAX_TAGS} tags at most.", path=("tags",))
    if content.publish_at and content.unpublish_at and content.unpublish_at <= content.publish_at:
        raise InvalidInputError("A product is taken back after it was published.", path=("unpublishAt",))
    return ProductContent(
        slug=check_slug(content.slug),
        name=clean_line(content.name, field="name"),
        description=clean_html(content.description),
        type_id=product_type.id,
        category_id=content.category_id,
        brand=clean_line(content.brand, field="brand", optional=True),
        tags=tags,
        attributes=check_attributes(product_type.attributes, content.attributes, for_variant=False),
        published=content.published,
        publish_at=content.publish_at,
        unpublish_at=content.unpublish_at,
        owner_id=content.owner_id,
        seo=check_seo(content.seo),
        translations=check_translations(content.translations),
        media=check_media(content.media),
    )


def check_variants(variants: Iterable[Variant], product_type: ProductType) -> tuple[Variant, ...]:
    """Return the variants of one product, each in canonical form.

    Raises:
        InvalidInputError: there are too many, two are the same choice, or one of them is wrong in itself.
    """
    checked = tuple(_check_variant(variant, product_type) for variant in variants)
    if len(checked) > MAX_VARIANTS:
        raise InvalidInputError(f"A product has {MAX_VARIANTS} variants at most.", path=("variants",))
    if len({variant.sku for variant in checked}) != len(checked):
        raise InvalidInputError("Two variants have the same SKU.", path=("variants", "sku"))
    if len({frozenset(variant.options) for variant in checked}) > 1:
        raise InvalidInputError("All variants of a product choose from the same options.", path=("variants", "options"))
    if len({frozenset(variant.options.items()) for variant in checked}) != len(checked):
        raise InvalidInputError("Two variants are the same choice of options.", path=("variants", "options"))
    return checked


def check_price(price: Money) -> Money:
    """Return a list price that can be asked.

    Raises:
        InvalidInputError: it is negative or beyond all sense.
    """
    if not 0 <= price.minor <= MAX_PRICE:
        raise InvalidInputError("A price is not negative and of ordinary size.", path=("price",))
    return price


def _check_variant(variant: Variant, product_type: ProductType) -> Variant:
    if not 0 <= variant.weight_grams <= MAX_GRAMS:
        raise InvalidInputError("A weight is not negative and of ordinary size.", path=("variants", "weightGrams"))
    return Variant(
        id=variant.id,
        sku=clean_line(variant.sku, field="sku"),
        name=clean_line(variant.name, field="name", optional=True),
        options={
            clean_line(option, field="options"): clean_line(value, field="options")
            for option, value in variant.options.items()
        },
        attributes=check_attributes(product_type.attributes, variant.attributes, for_variant=True),
        weight_grams=variant.weight_grams,
        prices={price.currency: check_price(price) for price in variant.prices.values()},
    )
