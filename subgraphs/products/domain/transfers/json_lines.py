"""JSON Lines: one product on each line, with everything that is known of it; what a line leaves out stays as it is."""

from __future__ import annotations

import msgspec

from kernel.errors import InvalidInputError
from kernel.money import Money
from subgraphs.products.domain.attributes import Attributes
from subgraphs.products.domain.products import ProductContent, ProductType, Variant
from subgraphs.products.domain.slugs import check_slug
from subgraphs.products.domain.transfers.filed import (
    FiledProduct,
    ImportedProduct,
    ImportedVariant,
    Place,
    Portion,
    Remark,
)
from subgraphs.products.domain.wording import Seo, Wording


class VariantLine(
    msgspec.Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, frozen=True, kw_only=True
):
    """A variant as a file spells it; prices are decimal texts by their currency."""

    sku: str = ""
    name: str = ""
    options: dict[str, str] = {}
    attributes: dict[str, tuple[str, ...]] | None = None
    weight_grams: int = 0
    prices: dict[str, str] = {}


class ProductLine(
    msgspec.Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, frozen=True, kw_only=True
):
    """A product as a file spells it; its category is named by the names from the root down, its type by its name."""

    slug: str
    name: str
    type: str
    category: tuple[str, ...] = ()
    description: str = ""
    brand: str = ""
    tags: tuple[str, ...] = ()
    attributes: dict[str, tuple[str, ...]] | None = None
    published: bool = True
    seo: Seo | None = None
    translations: dict[str, Wording] | None = None
    variants: tuple[VariantLine, ...] = ()


_DECODER = msgspec.json.Decoder(ProductLine)
_ENCODER = msgspec.json.Encoder()


def read_portion(window: bytes, place: Place, *, ended: bool, most: int, currency: str) -> Portion:  # noqa: ARG001 # prices name theirs
    """Read the lines that a window holds the whole of."""
    items: list[FiledProduct | Remark] = []
    read, line = 0, place.line
    while len(items) < most and read < len(window):
        end = window.find(b"\n", read)
        if end < 0 and not ended:
            break
        end = len(window) if end < 0 else end
        text = window[read:end].removeprefix(b"\xef\xbb\xbf").strip()
        if text:
            items.append(_product(text, line))
        read, line = end + 1, line + 1
    return Portion(tuple(items), Place(place.offset + min(read, len(window)), line))


def spell(
    content: ProductContent, product_type: ProductType, category: tuple[str, ...], variants: tuple[Variant, ...]
) -> bytes:
    """Spell a product with everything that is known of it, as one line."""
    line = ProductLine(
        slug=content.slug,
        name=content.name,
        type=product_type.name,
        category=category,
        description=content.description,
        brand=content.brand,
        tags=content.tags,
        attributes=_spelled(content.attributes),
        published=content.published,
        seo=content.seo,
        translations=dict(content.translations),
        variants=tuple(map(_variant_line, variants)),
    )
    return _ENCODER.encode(line) + b"\n"


def _variant_line(variant: Variant) -> VariantLine:
    return VariantLine(
        sku=variant.sku,
        name=variant.name,
        options=dict(variant.options),
        attributes=_spelled(variant.attributes),
        weight_grams=variant.weight_grams,
        prices={currency: str(price.amount) for currency, price in variant.prices.items()},
    )


def _spelled(attributes: Attributes) -> dict[str, tuple[str, ...]]:
    return {code: tuple(values) for code, values in attributes.items()}


def _product(text: bytes, line: int) -> FiledProduct | Remark:
    try:
        read = _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Remark(line, "", f"The line is no product: {error}.")
    try:
        return FiledProduct(line=line, product=_imported(read))
    except InvalidInputError as error:
        return Remark.of(line, read.slug[:250], error)


def _imported(read: ProductLine) -> ImportedProduct:
    return ImportedProduct(
        slug=check_slug(read.slug),
        name=read.name,
        type_name=read.type,
        variants=tuple(map(_variant, read.variants)),
        category=read.category,
        description=read.description,
        brand=read.brand,
        tags=read.tags,
        attributes=read.attributes,
        published=read.published,
        seo=read.seo,
        translations=read.translations,
    )


def _variant(read: VariantLine) -> ImportedVariant:
    return ImportedVariant(
        sku=read.sku,
        name=read.name,
        options=read.options,
        prices=tuple(Money.parse(amount, currency) for currency, amount in read.prices.items()),
        weight_grams=read.weight_grams,
        attributes=read.attributes,
    )
