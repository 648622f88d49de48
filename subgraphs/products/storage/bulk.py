"""A whole catalogue in bulk, for demo data: rows go straight into the tables, no events are told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import asyncpg
import orjson

from subgraphs.products.domain.attributes import AttributeDefinition
from subgraphs.products.storage.records import (
    attributes_to_json,
    definition_to_json,
    keywords,
    options_to_json,
)

SCHEMA: Final = "products"


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryRow:
    """A category, after its parent; `path` holds the ids from its root down to itself."""

    id: str
    slug: str
    name: str
    path: tuple[str, ...]
    description: str = ""
    parent_id: str | None = None
    position: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductTypeRow:
    """A product type with the attributes that its products and variants have."""

    id: str
    slug: str
    name: str
    attributes: tuple[AttributeDefinition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductRow:
    """A product; its description is clean HTML, its attribute values are canonical texts by their code."""

    id: str
    slug: str
    name: str
    type_id: str
    created_at: datetime
    category_id: str | None = None
    description: str = ""
    brand: str = ""
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    published: bool = True
    owner_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRow:
    """A variant; `options` are in the order in which a buyer chooses them."""

    id: str
    product_id: str
    sku: str
    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    weight_grams: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """A variant's list price in one currency, in minor units."""

    variant_id: str
    currency: str
    minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRow:
    """A promotion with either a percentage or fixed amounts in minor units by currency."""

    id: str
    name: str
    starts_at: datetime
    ends_at: datetime
    percent: Decimal | None = None
    amounts: Mapping[str, int] | None = None
    category_ids: tuple[str, ...] = ()
    product_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionRow:
    """A collection and its products in their order."""

    id: str
    slug: str
    name: str
    description: str = ""
    product_ids: tuple[str, ...] = ()


async def copy(
    connection: asyncpg.Connection,
    *,
    categories: Iterable[CategoryRow] = (),
    product_types: Iterable[ProductTypeRow] = (),
    products: Iterable[ProductRow] = (),
    variants: Iterable[VariantRow] = (),
    prices: Iterable[PriceRow] = (),
    promotions: Iterable[PromotionRow] = (),
    collections: Iterable[CollectionRow] = (),
) -> None:
    """Load a catalogue, in the caller's transaction; ids and slugs must be new."""
    tree, types, items = tuple(categories), tuple(product_types), tuple(products)
    choices, sets = tuple(variants), tuple(collections)
    words, places = _keywords(types, items, choices), _category_words(tree)
    await _copy(connection, "categories", map(_category, tree))
    await _copy(connection, "product_types", map(_product_type, types))
    await _copy(connection, "products", (_product(each, words[each.id], places) for each in items))
    await _copy(connection, "variants", map(_variant, choices))
    await _copy(connection, "prices", map(_price, prices))
    await _copy(connection, "promotions", map(_promotion, promotions))
    await _copy(connection, "collections", map(_collection, sets))
    await _copy(connection, "collection_products", (row for each in sets for row in _members(each)))


async def _copy(connection: asyncpg.Connection, table: str, rows: Iterable[dict[str, Any]]) -> None:
    records = list(rows)
    if records:
        await connection.copy_records_to_table(
            table,
            schema_name=SCHEMA,
            columns=list(records[0]),
            records=[tuple(record.values()) for record in records],
        )


def _keywords(
    types: Iterable[ProductTypeRow], products: Iterable[ProductRow], variants: Iterable[VariantRow]
) -> dict[str, str]:
    kinds = {each.id: each for each in types}
    owned: defaultdict[str, list[VariantRow]] = defaultdict(list)
    for variant in variants:
        owned[variant.product_id].append(variant)
    return {
        each.id: keywords(
            kinds[each.type_id].name, kinds[each.type_id].attributes, each.tags, each.attributes, owned[each.id]
        )
        for each in products
    }


def _category_words(tree: Iterable[CategoryRow]) -> dict[str, str]:
    names = {each.id: each.name for each in tree}
    return {each.id: " ".join(names[above] for above in each.path) for each in tree}


def _category(row: CategoryRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "slug": row.slug,
        "name": row.name,
        "description": row.description,
        "parent_id": row.parent_id,
        "path": row.path,
        "position": row.position,
    }


def _product_type(row: ProductTypeRow) -> dict[str, Any]:
    attributes = _json([definition_to_json(each) for each in row.attributes])
    return {"id": row.id, "slug": row.slug, "name": row.name, "attributes": attributes}


def _product(row: ProductRow, words: str, places: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": row.id,
        "slug": row.slug,
        "name": row.name,
        "description": row.description,
        "type_id": row.type_id,
        "category_id": row.category_id,
        "brand": row.brand,
        "tags": row.tags,
        "attributes": _json(attributes_to_json(row.attributes)),
        "published": row.published,
        "owner_id": row.owner_id,
        "keywords": words,
        "category_words": places[row.category_id] if row.category_id else "",
        "created_at": row.created_at,
        "updated_at": row.created_at,
    }


def _variant(row: VariantRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "product_id": row.product_id,
        "sku": row.sku,
        "name": row.name,
        "options": _json(options_to_json(row.options)),
        "attributes": _json(attributes_to_json(row.attributes)),
        "weight_grams": row.weight_grams,
        "position": row.position,
    }


def _price(row: PriceRow) -> dict[str, Any]:
    return {"variant_id": row.variant_id, "currency": row.currency, "minor": row.minor}


def _promotion(row: PromotionRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "percent": row.percent,
        "amounts": None if row.amounts is None else _json(dict(row.amounts)),
        "category_ids": row.category_ids,
        "product_ids": row.product_ids,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
    }


def _collection(row: CollectionRow) -> dict[str, Any]:
    return {"id": row.id, "slug": row.slug, "name": row.name, "description": row.description}


def _members(row: CollectionRow) -> Iterable[dict[str, Any]]:
    for position, product_id in enumerate(row.product_ids):
        yield {"collection_id": row.id, "product_id": product_id, "position": position}


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
