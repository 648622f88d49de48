"""What stands in a product file, whatever its layout: products to be brought in, and remarks about what is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from kernel.errors import DomainError, StoregraphError
from kernel.money import Money
from subgraphs.products.domain.attributes import Attributes
from subgraphs.products.domain.wording import Seo, Translations


class CatalogueFileError(StoregraphError):
    """The file cannot be read as a product file at all, or no further."""


class FileFormat(Enum):
    """How products are spelled in a file."""

    SHOPIFY_CSV = "SHOPIFY_CSV"
    JSON_LINES = "JSON_LINES"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedVariant:
    """A variant from elsewhere; without a SKU it gets one made of its product's slug and its options.

    What is None is not spoken of, and stays as it is here.
    """

    sku: str = ""
    name: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    prices: Sequence[Money] = ()
    weight_grams: int = 0
    attributes: Attributes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedProduct:
    """A product from elsewhere; its category is named by the names from the root down, its type by its name.

    What is None is not spoken of, and stays as it is here.
    """

    slug: str
    name: str
    type_name: str
    variants: Sequence[ImportedVariant]
    category: Sequence[str] = ()
    description: str = ""
    brand: str = ""
    tags: Sequence[str] = ()
    attributes: Attributes | None = None
    published: bool = True
    seo: Seo | None = None
    translations: Translations | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to know about a line of the file."""

    line: int
    handle: str
    reason: str

    @classmethod
    def of(cls, line: int, handle: str, error: DomainError) -> Remark:
        """Say why a product was refused, and which part of it."""
        place = f"{'.'.join(error.path)}: " if error.path else ""
        return cls(line, handle, f"{place}{error.message}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledProduct:
    """A product as the file has it, with its opening stock in the order of its variants."""

    line: int
    product: ImportedProduct
    quantities: tuple[int, ...] = ()
    notes: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """How far a file was read: the next byte, its line, and the names of the columns where there are any."""

    offset: int = 0
    line: int = 1
    header: tuple[str, ...] = ()


BEGINNING: Final = Place()
"""Nothing was read yet."""


@dataclass(frozen=True, slots=True)
class Portion:
    """Some products of a file, and where the next ones begin; that is where these began when the window held none."""

    items: tuple[FiledProduct | Remark, ...]
    next: Place


class PortionReader(Protocol):
    """Reads the products that begin at a place, as far as a window of bytes holds them whole.

    Raises:
        CatalogueFileError: the file cannot be read from here.
    """

    def __call__(self, window: bytes, place: Place, *, ended: bool, most: int, currency: str) -> Portion:
        """Read `most` products at most; `ended` tells that nothing follows the window."""
        ...
