"""Reads a whole product file in Shopify's CSV layout, in which the rows of a product may stand anywhere.

What a row means is said in `subgraphs.products.domain.transfers.shopify`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from subgraphs.products.domain.transfers.filed import CatalogueFileError, FiledProduct, Remark
from subgraphs.products.domain.transfers.shopify import Row, check_header, doubles, nameless, read_product


def read_catalogue(path: Path, currency: str) -> list[FiledProduct | Remark]:
    """Read the products of a file in their order; a remark stands where one cannot be accepted.

    Raises:
        CatalogueFileError: there is no such file, it is not CSV, or columns are missing.
    """
    groups: dict[str, list[Row]] = {}
    read: list[FiledProduct | Remark] = []
    for row in _rows(path):
        handle = row.get("Handle")
        if handle:
            groups.setdefault(handle, []).append(row)
        elif (remark := nameless(row)) is not None:
            read.append(remark)
    taken = doubles(chain.from_iterable(groups.values()))
    read += [read_product(rows, currency, taken) for rows in groups.values()]
    return sorted(read, key=lambda each: each.line)


def _rows(path: Path) -> Iterator[Row]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            header = check_header(next(reader, []))
            begins = reader.line_num + 1
            for record in reader:
                yield Row(begins, dict(zip(header, record, strict=False)))
                begins = reader.line_num + 1
    except OSError as error:
        raise CatalogueFileError(f"{path} cannot be read: {error.strerror}.") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise CatalogueFileError(f"{path} is not a CSV file in UTF-8: {error}.") from error
