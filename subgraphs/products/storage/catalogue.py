"""Reading the catalogue: for any number of products, variants or categories in one statement each.

A product comes with its category and type, and a variant with its prices and what pricing must know of its
product, so a page of products with prices costs three statements: products, variants, promotions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection as Many
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.money import Money
from subgraphs.products.domain.brands import Brand
from subgraphs.products.domain.categories import Category
from subgraphs.products.domain.collections import Collection
from subgraphs.products.domain.pricing import FixedOff, PercentOff, PriceSubject, Promotion
from subgraphs.products.domain.products import ProductContent, ProductType, Variant
from subgraphs.products.domain.wording import Seo
from subgraphs.products.storage.conditions import among
from subgraphs.products.storage.records import (
    attributes_from_json,
    definition_from_json,
    media_from_json,
    options_from_json,
    rule_from_json,
    translations_from_json,
)
from subgraphs.products.storage.tables import (
    brands,
    categories,
    collection_products,
    collections,
    prices,
    product_types,
    products,
    promotions,
    variants,
)

Statement = Select[*tuple[Any, ...]]
"""A statement of whatever columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """A product as it is read: with its category and type, without its variants."""

    id: str
    content: ProductContent
    version: int
    created_at: datetime
    updated_at: datetime
    category: Category | None
    type: ProductType


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantEntry:
    """A variant as it is read, with what pricing and visibility need of its product."""

    variant: Variant
    product_name: str
    subject: PriceSubject
    published: bool
    owner_id: str | None


_CATEGORY: Final = [column.label(f"category_{column.name}") for column in categories.c if column.name != "id"]
"""A category beside its product, whose own `category_id` is the category's id."""
SIBLING_ORDER: Final = (categories.c.position, categories.c.name, categories.c.id)
_PRODUCT: Final = [
    column for column in products.c if column.name not in ("search", "keywords", "category_words", "document_version")
]
_PRICES: Final = (
    select(func.jsonb_object_agg(prices.c.currency, prices.c.minor))
    .where(prices.c.variant_id == variants.c.id)
    .scalar_subquery()
)


def select_products(*more: ColumnElement[Any]) -> Statement:
    """Select products with their category and type."""
    return (
        select(
            *_PRODUCT,
            *_CATEGORY,
            product_types.c.slug.label("type_slug"),
            product_types.c.name.label("type_name"),
            product_types.c.attributes.label("type_attributes"),
            *more,
        )
        .join(product_types, product_types.c.id == products.c.type_id)
        .outerjoin(categories, categories.c.id == products.c.category_id)
    )


def read_product(row: Row[*tuple[Any, ...]]) -> CatalogueEntry:
    """Read a row of `select_products`."""
    return CatalogueEntry(
        id=row.id,
        content=ProductContent(
            slug=row.slug,
            name=row.name,
            description=row.description,
            type_id=row.type_id,
            category_id=row.category_id,
            brand=row.brand,
            tags=tuple(row.tags),
            attributes=attributes_from_json(row.attributes),
            published=row.published,
            publish_at=row.publish_at,
            unpublish_at=row.unpublish_at,
            owner_id=row.owner_id,
            seo=Seo(title=row.seo_title, description=row.seo_description),
            translations=translations_from_json(row.translations),
            media=media_from_json(row.media),
        ),
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        category=None if row.category_id is None else _category(row, "category_"),
        type=ProductType(
            id=row.type_id,
            slug=row.type_slug,
            name=row.type_name,
            attributes=tuple(map(definition_from_json, row.type_attributes)),
        ),
    )


async def products_by(session: AsyncSession, column: ColumnElement[str], keys: Many[str]) -> list[CatalogueEntry]:
    """Read the products whose column has one of these values."""
    rows = await session.execute(select_products().where(among(column, keys)))
    return [read_product(row) for row in rows]


async def variants_by(session: AsyncSession, column: ColumnElement[str], keys: Many[str]) -> list[VariantEntry]:
    """Read the variants whose column has one of these values, in the order of their products."""
    statement = (
        select(
            variants,
            _PRICES.label("prices"),
            products.c.name.label("product_name"),
            products.c.published,
            products.c.owner_id,
            categories.c.path,
        )
        .join(products, products.c.id == variants.c.product_id)
        .outerjoin(categories, categories.c.id == products.c.category_id)
        .where(among(column, keys))
        .order_by(variants.c.product_id, variants.c.position, variants.c.id)
    )
    return [_variant_entry(row) for row in await session.execute(statement)]


async def variants_of_products(session: AsyncSession, product_ids: Many[str]) -> Mapping[str, Sequence[VariantEntry]]:
    """Read all variants of these products."""
    found: defaultdict[str, list[VariantEntry]] = defaultdict(list)
    for entry in await variants_by(session, variants.c.product_id, product_ids):
        found[entry.subject.product_id].append(entry)
    return found


async def running_promotions(session: AsyncSession, now: datetime) -> list[Promotion]:
    """Read the promotions that run at an instant."""
    running = promotions.c.starts_at <= now, promotions.c.ends_at > now
    rows = await session.execute(select(promotions).where(*running).order_by(promotions.c.id))
    return [read_promotion(row) for row in rows]


async def categories_by(session: AsyncSession, column: ColumnElement[str], keys: Many[str]) -> list[Category]:
    """Read the categories whose column has one of these values, in the order of their siblings."""
    statement = select(categories).where(among(column, keys)).order_by(*SIBLING_ORDER)
    return [read_category(row) for row in await session.execute(statement)]


async def families_of(session: AsyncSession, column: ColumnElement[str], keys: Many[str]) -> list[Category]:
    """Read the categories whose column has one of these values, with all above them and those right below them."""
    wanted = among(column, keys)
    with_ancestors = select(func.unnest(categories.c.path)).where(wanted)
    children = categories.c.parent_id.in_(select(categories.c.id).where(wanted))
    statement = select(categories).where(categories.c.id.in_(with_ancestors) | children).order_by(*SIBLING_ORDER)
    return [read_category(row) for row in await session.execute(statement)]


async def all_categories(session: AsyncSession) -> list[Category]:
    """Read the whole tree, in the order of siblings."""
    statement = select(categories).order_by(*SIBLING_ORDER)
    return [read_category(row) for row in await session.execute(statement)]


async def collections_by(session: AsyncSession, column: ColumnElement[str], keys: Many[str]) -> list[Collection]:
    """Read the collections whose column has one of these values."""
    rows = await session.execute(select(collections).where(among(column, keys)))
    return list(map(read_collection, rows))


async def brands_by(session: AsyncSession, column: ColumnElement[str], keys: Many[str]) -> list[Brand]:
    """Read the brands whose column has one of these values."""
    rows = await session.execute(select(brands).where(among(column, keys)))
    return list(map(read_brand, rows))


async def collections_of_products(session: AsyncSession, product_ids: Many[str]) -> Mapping[str, Sequence[Collection]]:
    """Read the collections that these products are in."""
    statement = (
        select(collections, collection_products.c.product_id)
        .join(collection_products, collection_products.c.collection_id == collections.c.id)
        .where(among(collection_products.c.product_id, product_ids))
        .order_by(collections.c.name, collections.c.id)
    )
    found: defaultdict[str, list[Collection]] = defaultdict(list)
    for row in await session.execute(statement):
        found[row.product_id].append(read_collection(row))
    return found


async def product_types_by(session: AsyncSession, column: ColumnElement[str], keys: Many[str]) -> list[ProductType]:
    """Read the product types whose column has one of these values."""
    rows = await session.execute(select(product_types).where(among(column, keys)))
    return [read_product_type(row) for row in rows]


def read_category(row: Row[*tuple[Any, ...]]) -> Category:
    """Read a row of `categories`."""
    return _category(row, "")


def read_collection(row: Row[*tuple[Any, ...]]) -> Collection:
    """Read a row of `collections`."""
    return Collection(
        id=row.id,
        slug=row.slug,
        name=row.name,
        description=row.description,
        seo=Seo(title=row.seo_title, description=row.seo_description),
        translations=translations_from_json(row.translations),
        rule=None if row.rule is None else rule_from_json(row.rule),
    )


def read_brand(row: Row[*tuple[Any, ...]]) -> Brand:
    """Read a row of `brands`."""
    return Brand(
        id=row.id,
        slug=row.slug,
        name=row.name,
        description=row.description,
        website=row.website,
        translations=translations_from_json(row.translations),
    )


def read_product_type(row: Row[*tuple[Any, ...]]) -> ProductType:
    """Read a row of `product_types`."""
    definitions = tuple(map(definition_from_json, row.attributes))
    return ProductType(id=row.id, slug=row.slug, name=row.name, attributes=definitions)


def read_promotion(row: Row[*tuple[Any, ...]]) -> Promotion:
    """Read a row of `promotions`."""
    fixed: dict[str, int] = row.amounts or {}
    return Promotion(
        id=row.id,
        name=row.name,
        reward=PercentOff(row.percent)
        if row.percent is not None
        else FixedOff(tuple(Money(minor, currency) for currency, minor in fixed.items())),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        category_ids=frozenset(row.category_ids),
        product_ids=frozenset(row.product_ids),
    )


def read_variant(row: Row[*tuple[Any, ...]]) -> Variant:
    """Read a row of `variants` with its prices."""
    list_prices: dict[str, int] = row.prices or {}
    return Variant(
        id=row.id,
        sku=row.sku,
        name=row.name,
        options=options_from_json(row.options),
        attributes=attributes_from_json(row.attributes),
        weight_grams=row.weight_grams,
        prices={currency: Money(minor, currency) for currency, minor in list_prices.items()},
    )


def _variant_entry(row: Row[*tuple[Any, ...]]) -> VariantEntry:
    return VariantEntry(
        variant=read_variant(row),
        product_name=row.product_name,
        subject=PriceSubject(product_id=row.product_id, category_path=tuple(row.path or ())),
        published=row.published,
        owner_id=row.owner_id,
    )


def _category(row: Row[*tuple[Any, ...]], prefix: str) -> Category:
    fields = row._mapping
    return Category(
        id=fields[f"{prefix}id"],
        slug=fields[f"{prefix}slug"],
        name=fields[f"{prefix}name"],
        description=fields[f"{prefix}description"],
        parent_id=fields[f"{prefix}parent_id"],
        path=tuple(fields[f"{prefix}path"]),
        position=fields[f"{prefix}position"],
        seo=Seo(title=fields[f"{prefix}seo_title"], description=fields[f"{prefix}seo_description"]),
        translations=translations_from_json(fields[f"{prefix}translations"]),
    )


async def aggregate_variants(session: AsyncSession, product_ids: Many[str]) -> Mapping[str, Sequence[Variant]]:
    """Read the variants of products that are about to be changed."""
    statement = (
        select(variants, _PRICES.label("prices"))
        .where(among(variants.c.product_id, product_ids))
        .order_by(variants.c.product_id, variants.c.position, variants.c.id)
    )
    found: defaultdict[str, list[Variant]] = defaultdict(list)
    for row in await session.execute(statement):
        found[row.product_id].append(read_variant(row))
    return found
