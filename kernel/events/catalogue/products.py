"""What the catalogue tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from kernel.events.catalogue.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantFacts:
    """What other subgraphs may know of a variant."""

    id: str
    sku: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductCreated(Payload):
    """A product came to be; `variants` holds all that it has."""

    producer: ClassVar[str] = "products"
    product_id: str
    name: str
    category_id: str | None
    variants: tuple[VariantFacts, ...]
    published: bool = True
    brand: str = ""
    tags: tuple[str, ...] = ()
    attributes: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductUpdated(Payload):
    """A product or one of its variants changed; `variants` holds all that it has now."""

    producer: ClassVar[str] = "products"
    product_id: str
    name: str
    category_id: str | None
    variants: tuple[VariantFacts, ...]
    published: bool = True
    brand: str = ""
    tags: tuple[str, ...] = ()
    attributes: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChanged(Payload):
    """A variant's list price changed in one currency."""

    producer: ClassVar[str] = "products"
    product_id: str
    sku: str
    currency: str
    old_minor: int | None
    new_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryChanged(Payload):
    """A category was created, renamed, moved or removed."""

    producer: ClassVar[str] = "products"
    category_id: str
    name: str
    parent_id: str | None
    removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFacts:
    """A search: its words as they were compared, and how many products its first page had; who asked is not told."""

    words: str
    found: int
    searched_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductsSearched(Payload):
    """What was searched for within a few seconds, by everybody together."""

    producer: ClassVar[str] = "products"
    searches: tuple[SearchFacts, ...]
