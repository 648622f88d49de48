"""Shopify's CSV layout: several rows of one handle, one after another, are one product.

The first row of a handle holds what the product is; each row that names an option, a SKU or a price is a
variant; rows with neither (further images) are passed over. A row that cannot be accepted spoils its product,
and says on which line and why.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from itertools import groupby
from typing import Final

from typing_extensions import override

from kernel.errors import InvalidInputError, StoregraphError
from kernel.money import Money
from subgraphs.products.domain.products import MAX_GRAMS, ProductContent, ProductType, Variant
from subgraphs.products.domain.slugs import slugify
from subgraphs.products.domain.transfers.filed import (
    CatalogueFileError,
    FiledProduct,
    ImportedProduct,
    ImportedVariant,
    Place,
    Portion,
    Remark,
)
from subgraphs.products.domain.wording import Seo

MAX_QUANTITY: Final = 1_000_000

_NEEDED: Final = ("Handle", "Title", "Option1 Name", "Option1 Value", "Variant SKU", "Variant Price")
_COLUMNS: Final = (
    "Handle",
    "Title",
    "Body (HTML)",
    "Vendor",
    "Product Category",
    "Type",
    "Tags",
    "Published",
    "Option1 Name",
    "Option1 Value",
    "Option2 Name",
    "Option2 Value",
    "Option3 Name",
    "Option3 Value",
    "Variant SKU",
    "Variant Grams",
    "Variant Price",
    "SEO Title",
    "SEO Description",
    "Status",
)
"""What is exported."""

_STATUSES: Final = frozenset({"", "active", "draft", "archived"})
_OPTIONS: Final = (1, 2, 3)
_NO_CHOICE: Final = "Title"
"""What Shopify names the option of a product that offers none."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file and the line that it begins on."""

    line: int
    fields: Mapping[str, str]

    def get(self, column: str) -> str:
        """Give what stands in a column, without spaces around it."""
        return self.fields.get(column, "").strip()

    def refuse(self, reason: str) -> RowError:
        """Make the error that says why the row cannot be accepted."""
        return RowError(Remark(self.line, self.get("Handle"), reason))


class RowError(StoregraphError):
    """A row that cannot be accepted."""

    def __init__(self, remark: Remark) -> None:
        super().__init__(remark.reason)
        self.remark = remark


@dataclass(frozen=True, slots=True)
class _Record:
    """The fields of a row, the line that they begin on, and how far the window was read with them."""

    line: int
    fields: list[str]
    after: Place


def read_portion(window: bytes, place: Place, *, ended: bool, most: int, currency: str) -> Portion:
    """Read the products whose rows a window holds all of."""
    records = _records(window, place, ended=ended)
    if not place.header:
        first = next(records, None)
        if first is None:
            return Portion((), place)
        place = replace(first.after, header=check_header(first.fields))
    header = place.header
    rows = [(Row(each.line, dict(zip(header, each.fields, strict=False))), each.after) for each in records]
    products = [list(same) for _, same in groupby(rows, key=lambda each: each[0].get("Handle"))]
    items: list[FiledProduct | Remark] = []
    # What the window ends with may go on behind it.
    for product in (products if ended else products[:-1])[:most]:
        items += _items([row for row, _ in product], currency)
        place = replace(product[-1][1], header=header)
    return Portion(tuple(items), place)


def check_header(fields: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the columns.

    Raises:
        CatalogueFileError: columns are missing.
    """
    header = tuple(column.strip() for column in fields)
    missing = [column for column in _NEEDED if column not in header]
    if missing:
        raise CatalogueFileError(f"It lacks the columns: {', '.join(missing)}.")
    return header


def doubles(rows: Iterable[Row]) -> frozenset[str]:
    """Find the SKUs that stand on more than one of these rows."""
    counted = Counter(row.get("Variant SKU") for row in rows)
    return frozenset(sku for sku, count in counted.items() if sku and count > 1)


def nameless(row: Row) -> Remark | None:
    """Remark on a row that belongs to no product, unless there is nothing on it."""
    return Remark(row.line, "", "The row has no handle.") if any(row.fields.values()) else None


def _items(rows: Sequence[Row], currency: str) -> Iterable[FiledProduct | Remark]:
    if rows[0].get("Handle"):
        return [read_product(rows, currency, doubles(rows))]
    return [remark for row in rows if (remark := nameless(row)) is not None]


def _records(window: bytes, place: Place, *, ended: bool) -> Iterator[_Record]:
    """Read the rows that a window holds the whole of."""
    lines = window.splitlines(keepends=True)
    if not ended and lines and not lines[-1].endswith(b"\n"):
        lines.pop()
    feed = _Feed(lines, place)
    reader = csv.reader(feed, strict=True)
    while True:
        line = feed.line
        try:
            fields = next(reader, None)
        except csv.Error as error:
            if feed.exhausted and not ended:
                return
            raise CatalogueFileError(f"Line {line} is no CSV: {error}.") from error
        except UnicodeDecodeError as error:
            raise CatalogueFileError(f"Line {feed.line} is not in UTF-8.") from error
        if fields is None:
            return
        yield _Record(line, fields, Place(feed.offset, feed.line))


class _Feed(Iterator[str]):
    """Hands out lines as text and knows how far it has come in the file."""

    def __init__(self, lines: Sequence[bytes], place: Place) -> None:
        self.offset, self.line = place.offset, place.line
        self._lines = iter(lines)
        self._left = len(lines)

    @property
    def exhausted(self) -> bool:
        """Whether all lines were handed out."""
        return not self._left

    @override
    def __next__(self) -> str:
        line = next(self._lines)
        text = line.decode("utf-8-sig" if self.offset == 0 else "utf-8")
        self._left -= 1
        self.offset += len(line)
        self.line += 1
        return text


def read_product(rows: Sequence[Row], currency: str, doubles: frozenset[str]) -> FiledProduct | Remark:
    """Read the rows of one product; `doubles` are SKUs that the file gives to several rows."""
    try:
        return _product(rows, currency, doubles)
    except RowError as error:
        return error.remark


def _product(rows: Sequence[Row], currency: str, doubles: frozenset[str]) -> FiledProduct:
    first = rows[0]
    if not first.get("Title"):
        raise first.refuse("The product has no title on its first row.")
    filled = [row for row in rows if _is_variant(row)] or [first]
    names = _option_names(first, filled)
    variants = [_variant(row, names, currency, doubles) for row in filled]
    notes = [
        Remark(row.line, first.get("Handle"), "Without a price, this variant is not for sale.")
        for row, variant in zip(filled, variants, strict=True)
        if not variant.prices
    ]
    return FiledProduct(
        line=first.line,
        product=_imported(first, variants),
        quantities=tuple(_whole(row, "Variant Inventory Qty", MAX_QUANTITY) for row in filled),
        notes=tuple(notes),
    )


def _imported(first: Row, variants: Sequence[ImportedVariant]) -> ImportedProduct:
    status = first.get("Status").lower()
    if status not in _STATUSES:
        raise first.refuse(f"The status {status[:40]!r} is none of active, draft and archived.")
    tags = [tag.strip() for tag in first.get("Tags").split(",") if tag.strip()]
    branded = next((tag.partition(":")[2].strip() for tag in tags if tag.startswith("Brand:")), "")
    try:
        slug = slugify(first.get("Handle"))
    except InvalidInputError as error:
        raise first.refuse(error.message) from None
    return ImportedProduct(
        slug=slug,
        name=first.get("Title"),
        type_name=first.get("Type") or "General",
        variants=variants,
        category=tuple(part.strip() for part in first.get("Product Category").split(">") if part.strip()),
        description=first.get("Body (HTML)"),
        brand=first.get("Vendor") or branded,
        tags=tags,
        published=status in {"", "active"} and _truth(first, "Published"),
        seo=_seo(first),
    )


def _seo(first: Row) -> Seo | None:
    """Read what search engines are told, where the file speaks of it."""
    if "SEO Title" not in first.fields and "SEO Description" not in first.fields:
        return None
    return Seo(title=first.get("SEO Title"), description=first.get("SEO Description"))


def _is_variant(row: Row) -> bool:
    return any(row.get(column) for column in ("Option1 Value", "Variant SKU", "Variant Price"))


def _option_names(first: Row, variants: Sequence[Row]) -> dict[int, str]:
    """Name the options of a product by their place; none when its only variant offers no choice."""
    names = {place: first.get(f"Option{place} Name") for place in _OPTIONS if first.get(f"Option{place} Name")}
    return {} if len(variants) == 1 and list(names.values()) == [_NO_CHOICE] else names


def _variant(row: Row, names: Mapping[int, str], currency: str, doubles: frozenset[str]) -> ImportedVariant:
    sku = row.get("Variant SKU")
    if sku in doubles:
        raise row.refuse(f"The SKU {sku} stands on several rows.")
    options = {name: row.get(f"Option{place} Value") for place, name in names.items()}
    lacking = [name for name, value in options.items() if not value]
    if lacking:
        raise row.refuse(f"The variant has no {', '.join(lacking)}.")
    return ImportedVariant(
        sku=sku,
        options=options,
        prices=tuple(_prices(row, currency)),
        weight_grams=_whole(row, "Variant Grams", MAX_GRAMS),
    )


def _prices(row: Row, currency: str) -> Iterable[Money]:
    text = row.get("Variant Price")
    if not text:
        return
    try:
        price = Money.parse(text, currency)
    except InvalidInputError as error:
        raise row.refuse(f"The price {text[:40]!r} is not usable: {error.message}") from None
    if price.negative:
        raise row.refuse(f"The price {text} is negative.")
    yield price


def _whole(row: Row, column: str, largest: int) -> int:
    """Read a whole number from 0 on; nothing is none, and 12.0 is 12."""
    text = row.get(column)
    digits, _, decimals = text.partition(".")
    if not text:
        return 0
    if not (digits.isascii() and digits.isdigit() and not decimals.strip("0")) or len(digits) > 12:
        raise row.refuse(f"{column} is {text[:40]!r}, not a whole number from 0 on.")
    if int(digits) > largest:
        raise row.refuse(f"{column} is {text}, more than {largest}.")
    return int(digits)


def _truth(row: Row, column: str) -> bool:
    text = row.get(column).lower()
    if text not in {"", "true", "false"}:
        raise row.refuse(f"{column} is {text[:40]!r}, neither TRUE nor FALSE.")
    return text != "false"


def spell_header() -> bytes:
    """Spell the names of the columns that `spell` fills."""
    return _csv([dict(zip(_COLUMNS, _COLUMNS, strict=True))])


def spell(
    content: ProductContent,
    product_type: ProductType,
    category: tuple[str, ...],
    variants: tuple[Variant, ...],
    *,
    currency: str,
) -> bytes:
    """Spell a product as rows; the prices are those in one currency."""
    first = {
        "Title": content.name,
        "Body (HTML)": content.description,
        "Vendor": content.brand,
        "Product Category": " > ".join(category),
        "Type": product_type.name,
        "Tags": ", ".join(content.tags),
        "Published": "TRUE" if content.published else "FALSE",
        "SEO Title": content.seo.title,
        "SEO Description": content.seo.description,
        "Status": "active",
    }
    rows = [_spelled(content.slug, variant, currency, named=place == 0) for place, variant in enumerate(variants)]
    rows = rows or [{"Handle": content.slug}]
    return _csv([{**rows[0], **first}, *rows[1:]])


def _spelled(slug: str, variant: Variant, currency: str, *, named: bool) -> dict[str, str]:
    price = variant.prices.get(currency)
    options = list(variant.options.items()) or [(_NO_CHOICE, "Default Title")]
    chosen = {f"Option{place} Value": value for place, (_, value) in zip(_OPTIONS, options, strict=False)}
    names = {f"Option{place} Name": name for place, (name, _) in zip(_OPTIONS, options, strict=False)}
    return {
        "Handle": slug,
        **(names if named else {}),
        **chosen,
        "Variant SKU": variant.sku,
        "Variant Grams": str(variant.weight_grams),
        "Variant Price": "" if price is None else str(price.amount),
    }


def _csv(rows: Iterable[Mapping[str, str]]) -> bytes:
    written = StringIO()
    csv.DictWriter(written, _COLUMNS, restval="", lineterminator="\n").writerows(rows)
    return written.getvalue().encode()
