"""The catalogue as clients see it. Whatever costs a statement is loaded for all objects of a request at once."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Self, cast

import strawberry
from strawberry.scalars import JSON

from kernel.graphql import INHERITED, CacheControl, CurrencyCode, Money
from subgraphs.products.api.classification import AttributeValue, Category, Collection, ProductType, Seo, values_of
from subgraphs.products.api.context import Info, audience_of
from subgraphs.products.domain import documents as domain
from subgraphs.products.domain import pricing
from subgraphs.products.domain.media import Media
from subgraphs.products.service.files import url_of
from subgraphs.products.storage.catalogue import CatalogueEntry, VariantEntry

DEFAULT_CURRENCY = CurrencyCode("EUR")
PRODUCT_SECONDS = 60
"""How long caches between shop and reader may keep a product: promotions begin and end by time."""


@strawberry.type(
    description="From the lowest to the highest price of a product's variants, promotions applied.",
    directives=[INHERITED],
)
class PriceRange:
    """From the lowest to the highest price of a product's variants."""

    minimum: Money = strawberry.field(directives=[INHERITED])
    maximum: Money = strawberry.field(directives=[INHERITED])
    undiscounted_minimum: Money = strawberry.field(
        description="The lowest price without promotions.", directives=[INHERITED]
    )
    on_sale: bool = strawberry.field(description="Whether a promotion runs on any of them.")


@strawberry.type(description="What a buyer chooses: one value of one option.", directives=[INHERITED])
class SelectedOption:
    """What a buyer chooses: one value of one option."""

    name: str
    value: str


async def quote(info: Info, entry: VariantEntry, currency: str) -> pricing.Quote | None:
    """Price a variant with the promotions that run now; None where it has no price in the currency."""
    list_price = entry.variant.prices.get(currency)
    if list_price is None:
        return None
    running = await info.context.loaders.promotions.load("running")
    return pricing.quote(list_price, entry.subject, running, info.context.service.clock.now())


@strawberry.type(description="A picture of a product.", directives=[INHERITED])
class ProductMedia:
    """A picture of a product."""

    own: strawberry.Private[Media]
    id: strawberry.ID
    media_type: str
    width: int = strawberry.field(description="Of the original, in pixels.")
    height: int = strawberry.field(description="Of the original, in pixels.")
    widths: list[int] = strawberry.field(description="In which widths there are smaller ones, so far.")

    @strawberry.field(description="What it shows, in a language as far as that was translated.")
    def alt(self, language: str | None = None) -> str:
        """Say what it shows."""
        return self.own.alt_in(language)

    @strawberry.field(description="Where it is, for an hour at least: the smallest that is so wide, or the original.")
    def url(self, info: Info, width: int | None = None) -> str:
        """Sign its address."""
        return url_of(info.context.service.media, self.own, width)

    @classmethod
    def of(cls, media: Media) -> Self:
        """Show a picture."""
        return cls(
            own=media,
            id=strawberry.ID(media.id),
            media_type=media.media_type,
            width=media.width,
            height=media.height,
            widths=list(media.widths),
        )


@strawberry.type(description="What is known of a product beyond its fields, in any shape.", directives=[INHERITED])
class ProductDocument:
    """What is known of a product beyond its fields."""

    version: int = strawberry.field(description="Goes up with every change; send it back as expectedVersion.")
    content: JSON

    @classmethod
    def of(cls, document: domain.ProductDocument) -> Self:
        """Show a document."""
        return cls(version=document.version, content=cast("JSON", document.content))


@strawberry.federation.type(
    keys=["id", "slug"], description="A product of the shop.", directives=[CacheControl(max_age=PRODUCT_SECONDS)]
)
class Product:
    """A product of the shop."""

    entry: strawberry.Private[CatalogueEntry]
    id: strawberry.ID
    slug: str
    category: Category | None = strawberry.field(description="Where it stands in the category tree.")
    brand: str | None
    tags: list[str]
    published: bool
    version: int = strawberry.field(description="Goes up with every change; send it back as expectedVersion.")
    created_at: datetime
    updated_at: datetime

    @strawberry.field(description="Its name, in a language as far as it was translated.")
    def name(self, language: str | None = None) -> str:
        """Give its name."""
        return self.entry.content.said_in(language).name if language else self.entry.content.name

    @strawberry.field(description="HTML that is safe to show.")
    def description(self, language: str | None = None) -> str:
        """Give what is said about it."""
        return self.entry.content.said_in(language).description if language else self.entry.content.description

    @strawberry.field(description="What search engines of the web are told.")
    def seo(self, language: str | None = None) -> Seo:
        """Give what search engines are told."""
        return Seo.of(self.entry.content.said_in(language).seo)

    @strawberry.field(description="When it gets published; for those who sell it.")
    def publish_at(self, info: Info) -> datetime | None:
        """Give when it gets published."""
        return self.entry.content.publish_at if _sells(info, self.entry) else None

    @strawberry.field(description="When it is published no longer; for those who sell it.")
    def unpublish_at(self, info: Info) -> datetime | None:
        """Give when it is published no longer."""
        return self.entry.content.unpublish_at if _sells(info, self.entry) else None

    @strawberry.field(description="What kind of product it is.")
    def product_type(self) -> ProductType:
        """Give the product type."""
        return ProductType.of(self.entry.type)

    @strawberry.field(description="What it says about itself, in the order of its type.")
    def attributes(self) -> list[AttributeValue]:
        """Give the attribute values."""
        return values_of(self.entry.type.attributes, self.entry.content.attributes)

    @strawberry.field(description="Its pictures, in the order in which they are shown.")
    def media(self) -> list[ProductMedia]:
        """Give its pictures."""
        return [ProductMedia.of(each) for each in self.entry.content.media]

    @strawberry.field(description="What is known of it beyond these fields, in any shape.")
    async def document(self, info: Info) -> ProductDocument | None:
        """Load its document."""
        found = await info.context.loaders.document.load(self.id)
        return None if found is None else ProductDocument.of(found)

    @strawberry.field(description="What can be bought of it, in the order in which it is shown.")
    async def variants(self, info: Info) -> list[ProductVariant]:
        """Load the variants."""
        return [ProductVariant.of(each) for each in await info.context.loaders.variants_of_product.load(self.id)]

    @strawberry.field(description="From its lowest to its highest price; none where it has no price in the currency.")
    async def price_range(self, info: Info, currency: CurrencyCode = DEFAULT_CURRENCY) -> PriceRange | None:
        """Price all variants."""
        entries = await info.context.loaders.variants_of_product.load(self.id)
        quotes = [found for entry in entries if (found := await quote(info, entry, currency)) is not None]
        if not quotes:
            return None
        return PriceRange(
            minimum=Money.of(min(each.price for each in quotes)),
            maximum=Money.of(max(each.price for each in quotes)),
            undiscounted_minimum=Money.of(min(each.undiscounted for each in quotes)),
            on_sale=any(each.promotion is not None for each in quotes),
        )

    @strawberry.field(description="The collections that it is in.")
    async def collections(self, info: Info) -> list[Collection]:
        """Load the collections."""
        found = await info.context.loaders.collections_of_product.load(self.id)
        return [Collection.of(each) for each in found]

    @classmethod
    async def resolve_reference(
        cls, info: Info, id: strawberry.ID | None = None, slug: str | None = None
    ) -> Self | None:
        """Find a product by either of its keys."""
        return await cls.load(info, id, slug)

    @classmethod
    async def load(cls, info: Info, product_id: str | None = None, slug: str | None = None) -> Self | None:
        """Load a product by its id or slug, if the caller may see it."""
        loaders = info.context.loaders
        if product_id is not None:
            found = await loaders.product.load(product_id)
        else:
            found = await loaders.product_by_slug.load(slug or "")
        if found is None or not audience_of(info.context.caller).sees(
            published=found.content.published, owner_id=found.content.owner_id
        ):
            return None
        loaders.product.prime(found.id, found)
        return cls.of(found)

    @classmethod
    def of(cls, entry: CatalogueEntry) -> Self:
        """Show a product."""
        content = entry.content
        return cls(
            entry=entry,
            id=strawberry.ID(entry.id),
            slug=content.slug,
            category=None if entry.category is None else Category.of(entry.category),
            brand=content.brand or None,
            tags=list(content.tags),
            published=content.published,
            version=entry.version,
            created_at=entry.created_at,
            updated_at=entry.updated_at,
        )


def _sells(info: Info, entry: CatalogueEntry) -> bool:
    """Tell whether the caller may know what is planned for a product."""
    return audience_of(info.context.caller).sees(published=False, owner_id=entry.content.owner_id)


@strawberry.federation.type(
    keys=["id", "sku"],
    description="A variant of a product: what can be put into a cart.",
    directives=[CacheControl(max_age=PRODUCT_SECONDS)],
)
class ProductVariant:
    """A variant of a product."""

    entry: strawberry.Private[VariantEntry]
    id: strawberry.ID
    sku: str
    name: str
    weight_grams: int
    options: list[SelectedOption]

    @strawberry.field(description="The product that it is a variant of.")
    async def product(self, info: Info) -> Product:
        """Load the product, which whoever may see the variant may see too."""
        found = await info.context.loaders.product.load(self.entry.subject.product_id)
        if found is None:
            raise LookupError(f"variant {self.id} has no product")
        return Product.of(found)

    @strawberry.field(description="What it says about itself, in the order of its product type.")
    async def attributes(self, info: Info) -> list[AttributeValue]:
        """Give the attribute values."""
        if not self.entry.variant.attributes:
            return []
        product = await info.context.loaders.product.load(self.entry.subject.product_id)
        return [] if product is None else values_of(product.type.attributes, self.entry.variant.attributes)

    @strawberry.field(
        description="What it costs now; none where it has no price in the currency.", directives=[INHERITED]
    )
    async def price(self, info: Info, currency: CurrencyCode = DEFAULT_CURRENCY) -> Money | None:
        """Give the price with promotions."""
        found = await quote(info, self.entry, currency)
        return None if found is None else Money.of(found.price)

    @strawberry.field(description="The promotion that its price comes from, where one runs.")
    async def promotion(self, info: Info, currency: CurrencyCode = DEFAULT_CURRENCY) -> Promotion | None:
        """Give the promotion that wins."""
        found = await quote(info, self.entry, currency)
        return None if found is None or found.promotion is None else Promotion.of(found.promotion)

    @strawberry.field(description="What it costs without promotions.", directives=[INHERITED])
    def undiscounted_price(self, currency: CurrencyCode = DEFAULT_CURRENCY) -> Money | None:
        """Give the list price."""
        return Money.maybe(self.entry.variant.prices.get(currency))

    @classmethod
    async def resolve_reference(
        cls, info: Info, id: strawberry.ID | None = None, sku: str | None = None
    ) -> Self | None:
        """Find a variant by either of its keys."""
        return await cls.load(info, id, sku)

    @classmethod
    async def load(cls, info: Info, variant_id: str | None = None, sku: str | None = None) -> Self | None:
        """Load a variant by its id or SKU, if the caller may see its product."""
        loaders = info.context.loaders
        if variant_id is not None:
            found = await loaders.variant.load(variant_id)
        else:
            found = await loaders.variant_by_sku.load(sku or "")
        audience = audience_of(info.context.caller)
        if found is None or not audience.sees(published=found.published, owner_id=found.owner_id):
            return None
        return cls.of(found)

    @classmethod
    def of(cls, entry: VariantEntry) -> Self:
        """Show a variant."""
        variant = entry.variant
        return cls(
            entry=entry,
            id=strawberry.ID(variant.id),
            sku=variant.sku,
            name=variant.name,
            weight_grams=variant.weight_grams,
            options=[SelectedOption(name=name, value=value) for name, value in variant.options.items()],
        )


@strawberry.type(description="A reward that runs on products or categories for a while.")
class Promotion:
    """A reward that runs on products or categories for a while."""

    id: strawberry.ID
    name: str
    percent: Decimal | None = strawberry.field(description="The share that is taken off, in every currency.")
    amounts: list[Money] = strawberry.field(description="What is taken off instead, by currency.")
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, promotion: pricing.Promotion) -> Self:
        """Show a promotion."""
        reward = promotion.reward
        return cls(
            id=strawberry.ID(promotion.id),
            name=promotion.name,
            percent=reward.percent if isinstance(reward, pricing.PercentOff) else None,
            amounts=[Money.of(each) for each in reward.amounts] if isinstance(reward, pricing.FixedOff) else [],
            starts_at=promotion.starts_at,
            ends_at=promotion.ends_at,
        )


@strawberry.federation.type(inaccessible=True, description="What orders need to know of a variant to sell it.")
class VariantForSale:
    """What orders need to know of a variant to sell it."""

    sku: str
    variant_id: strawberry.ID
    product_id: strawberry.ID
    name: str = strawberry.field(description="Of the product and the variant, as an order line shows it.")
    unit_price: Money | None = strawberry.field(description="With promotions; none where it has no price.")
    undiscounted_unit_price: Money | None
    weight_grams: int
    available_for_purchase: bool = strawberry.field(description="Whether it is published and has a price.")

    @classmethod
    def of(cls, entry: VariantEntry, quoted: pricing.Quote | None) -> Self:
        """Show a variant with its price."""
        variant = entry.variant
        return cls(
            sku=variant.sku,
            variant_id=strawberry.ID(variant.id),
            product_id=strawberry.ID(entry.subject.product_id),
            name=f"{entry.product_name} ({variant.name})" if variant.name else entry.product_name,
            unit_price=None if quoted is None else Money.of(quoted.price),
            undiscounted_unit_price=None if quoted is None else Money.of(quoted.undiscounted),
            weight_grams=variant.weight_grams,
            available_for_purchase=entry.published and quoted is not None,
        )
