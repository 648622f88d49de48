"""Reads a product file in Shopify's CSV layout: several rows of one handle are one product.

The first row of a handle holds what the product is; each row that names an option, a SKU or a price is a
variant; rows with neither (further images) are passed over. A row that cannot be accepted spoils its product,
and says on which line and why.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kernel.errors import InvalidInputError, StoregraphError
from kernel.money import Money
from subgraphs.inventory.domain.stock import MAX_QUANTITY
from subgraphs.products.domain.products import MAX_GRAMS
from subgraphs.products.domain.slugs import slugify
from subgraphs.products.service.importing import ImportedProduct, ImportedVariant

_NEEDED: Final = ("Handle", "Title", "Option1 Name", "Option1 Value", "Variant SKU", "Variant Price")
_STATUSES: Final = frozenset({"", "active", "draft", "archived"})
_OPTIONS: Final = (1, 2, 3)
_NO_CHOICE: Final = "Title"
"""What Shopify names the option of a product that offers none."""


class CatalogueFileError(StoregraphError):
    """The file cannot be read as a product file at all."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to know about a line of the file."""

    line: int
    handle: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledProduct:
    """A product as the file has it, with its opening stock in the order of its variants."""

    line: int
    product: ImportedProduct
    quantities: tuple[int, ...]
    notes: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    fields: Mapping[str, str]

    def get(self, column: str) -> str:
        return self.fields.get(column, "").strip()

    def refuse(self, reason: str) -> _RowError:
        return _RowError(Remark(self.line, self.get("Handle"), reason))


class _RowError(StoregraphError):
    def __init__(self, remark: Remark) -> None:
        super().__init__(remark.reason)
        self.remark = remark


def read_catalogue(path: Path, currency: str) -> list[FiledProduct | Remark]:
    """Read the products of a file in their order; a remark stands where one cannot be accepted.

    Raises:
        CatalogueFileError: there is no such file, it is not CSV, or columns are missing.
    """
    groups: dict[str, list[_Row]] = {}
    read: list[FiledProduct | Remark] = []
    for row in _rows(path):
        handle = row.get("Handle")
        if handle:
            groups.setdefault(handle, []).append(row)
        elif any(row.fields.values()):
            read.append(Remark(row.line, "", "The row has no handle."))
    taken = _doubles(groups)
    for rows in groups.values():
        try:
            read.append(_product(rows, currency, taken))
        except _RowError as error:
            read.append(error.remark)
    return sorted(read, key=lambda each: each.line)


def _rows(path: Path) -> Iterator[_Row]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            header = [column.strip() for column in next(reader, [])]
            missing = [column for column in _NEEDED if column not in header]
            if missing:
                raise CatalogueFileError(f"{path} lacks the columns: {', '.join(missing)}.")
            begins = reader.line_num + 1
            for record in reader:
                yield _Row(begins, dict(zip(header, record, strict=False)))
                begins = reader.line_num + 1
    except OSError as error:
        raise CatalogueFileError(f"{path} cannot be read: {error.strerror}.") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise CatalogueFileError(f"{path} is not a CSV file in UTF-8: {error}.") from error


def _doubles(groups: Mapping[str, Sequence[_Row]]) -> frozenset[str]:
    """Find the SKUs that the file gives to more than one row."""
    counted = Counter(row.get("Variant SKU") for rows in groups.values() for row in rows)
    return frozenset(sku for sku, count in counted.items() if sku and count > 1)


def _product(rows: Sequence[_Row], currency: str, doubles: frozenset[str]) -> FiledProduct:
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


def _imported(first: _Row, variants: Sequence[ImportedVariant]) -> ImportedProduct:
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
    )


def _is_variant(row: _Row) -> bool:
    return any(row.get(column) for column in ("Option1 Value", "Variant SKU", "Variant Price"))


def _option_names(first: _Row, variants: Sequence[_Row]) -> dict[int, str]:
    """Name the options of a product by their place; none when its only variant offers no choice."""
    names = {place: first.get(f"Option{place} Name") for place in _OPTIONS if first.get(f"Option{place} Name")}
    return {} if len(variants) == 1 and list(names.values()) == [_NO_CHOICE] else names


def _variant(row: _Row, names: Mapping[int, str], currency: str, doubles: frozenset[str]) -> ImportedVariant:
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


def _prices(row: _Row, currency: str) -> Iterable[Money]:
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


def _whole(row: _Row, column: str, largest: int) -> int:
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


def _truth(row: _Row, column: str) -> bool:
    text = row.get(column).lower()
    if text not in {"", "true", "false"}:
        raise row.refuse(f"{column} is {text[:40]!r}, neither TRUE nor FALSE.")
    return text != "false"
