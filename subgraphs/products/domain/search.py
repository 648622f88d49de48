"""Finding products: what can be asked, and the port behind which an engine answers.

PostgreSQL answers now; an engine with its own index can take its place without anybody above noticing.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Protocol

from kernel.money import Money
from kernel.pagination import Page, Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRange:
    """Some variant's list price lies between two amounts of one currency, both inside."""

    currency: str
    lowest: Money | None = None
    highest: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeFilter:
    """The product or some variant of it has one of these values, or a number between two bounds, both inside."""

    code: str
    values: tuple[str, ...] = ()
    lowest: Decimal | None = None
    highest: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFilter:
    """Conditions that all hold; `any_of` at least one of, `none_of` none of its members."""

    ids: frozenset[str] | None = None
    category_id: str | None = None
    category_slug: str | None = None
    collection_slug: str | None = None
    product_type: str | None = None
    brand: str | None = None
    tag: str | None = None
    published: bool | None = None
    price: PriceRange | None = None
    attributes: tuple[AttributeFilter, ...] = ()
    all_of: tuple[ProductFilter, ...] = ()
    any_of: tuple[ProductFilter, ...] = ()
    none_of: tuple[ProductFilter, ...] = ()


class Sort(Enum):
    """By what a list of products is ordered; equals follow each other by id."""

    NAME = "name"
    CREATED_AT = "created_at"
    PRICE = "price"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductOrder:
    """A direction through a list; `currency` says which prices `Sort.PRICE` compares."""

    by: Sort = Sort.NAME
    descending: bool = False
    currency: str = "EUR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Whose eyes a list is for: everybody sees what is published, owners also their own, staff everything."""

    everything: bool = False
    owner_id: str | None = None

    def sees(self, *, published: bool, owner_id: str | None) -> bool:
        """Tell whether these eyes may see a product."""
        return published or self.everything or (owner_id is not None and owner_id == self.owner_id)


@dataclass(frozen=True, slots=True)
class Hit:
    """A found product; a greater rank fits the question better."""

    product_id: str
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """One page of what fits some words, the best first."""

    text: str
    page: Page
    where: ProductFilter = ProductFilter()


class ProductSearch(Protocol):
    """An engine that finds published products by words, even half-written ones."""

    async def find(self, request: SearchRequest) -> Slice[Hit]:
        """Give one page; words that mean nothing find nothing."""
        ...

    async def count(self, request: SearchRequest) -> int:
        """Tell how many products fit in all."""
        ...
