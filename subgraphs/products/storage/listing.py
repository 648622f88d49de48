"""Lists of products: filters as SQL, orders as keysets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Numeric, Select, and_, case, cast, exists, func, not_, or_, select, true
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.pagination import Page, Slice, SortKey, apply_page, slice_rows
from subgraphs.products.domain.brands import Brand
from subgraphs.products.domain.categories import Category
from subgraphs.products.domain.collections import Collection
from subgraphs.products.domain.pricing import Promotion
from subgraphs.products.domain.products import ProductType
from subgraphs.products.domain.search import AttributeFilter, Audience, PriceRange, ProductFilter, ProductOrder, Sort
from subgraphs.products.storage.catalogue import (
    CatalogueEntry,
    Statement,
    read_brand,
    read_category,
    read_collection,
    read_product,
    read_product_type,
    read_promotion,
    select_products,
)
from subgraphs.products.storage.conditions import among
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

_NUMBER: Final = r"^-?\d+(\.\d+)?$"
_NO_PRICE: Final = 2**62
"""Where products without a price stand: behind all others."""


async def page_of_products(
    session: AsyncSession, page: Page, where: ProductFilter, order: ProductOrder, audience: Audience
) -> Slice[CatalogueEntry]:
    """List the products that fit a filter."""
    keys = _keys(order)
    statement = select_products(keys[0].column.label("sort_value"))
    statement = apply_page(statement.where(visible(audience), condition(where)), page, keys)
    rows = (await session.execute(statement)).all()
    found = slice_rows(rows, page, keys, lambda row: (row.sort_value, row.id))
    return found.map(read_product)


async def count_products(session: AsyncSession, where: ProductFilter, audience: Audience) -> int:
    """Count the products that fit a filter."""
    statement = select(func.count()).select_from(products).where(visible(audience), condition(where))
    return await _count(session, statement)


async def visible_among(session: AsyncSession, product_ids: Sequence[str], audience: Audience) -> list[str]:
    """Keep those of these products that somebody may see, in the order of their ids."""
    fitting = among(products.c.id, product_ids), visible(audience)
    return list((await session.execute(select(products.c.id).where(*fitting).order_by(products.c.id))).scalars())


def visible(audience: Audience) -> ColumnElement[bool]:
    """Keep what these eyes may see."""
    if audience.everything:
        return true()
    if audience.owner_id is not None:
        return or_(products.c.published, products.c.owner_id == audience.owner_id)
    return products.c.published


def condition(where: ProductFilter) -> ColumnElement[bool]:
    """Spell a filter as a condition on `products`."""
    return and_(true(), *_conditions(where))


def _conditions(where: ProductFilter) -> Iterator[ColumnElement[bool]]:
    if where.ids is not None:
        yield among(products.c.id, where.ids)
    if where.category_id is not None:
        yield products.c.category_id.in_(_below(categories.c.path.contains([where.category_id])))
    if where.category_slug is not None:
        root = select(categories.c.id).where(categories.c.slug == where.category_slug).scalar_subquery()
        yield products.c.category_id.in_(_below(categories.c.path.contains(array([root]))))
    if where.collection_slug is not None:
        yield _in_collection(where.collection_slug)
    if where.product_type is not None:
        named = select(product_types.c.id).where(product_types.c.slug == where.product_type)
        yield products.c.type_id.in_(named)
    if where.brand is not None:
        yield products.c.brand == where.brand
    if where.tag is not None:
        yield products.c.tags.contains([where.tag])
    if where.published is not None:
        yield products.c.published == where.published
    if where.price is not None:
        yield _priced(where.price)
    yield from map(_has_attribute, where.attributes)
    yield from map(condition, where.all_of)
    if where.any_of:
        yield or_(*map(condition, where.any_of))
    yield from (not_(condition(each)) for each in where.none_of)


def _below(test: ColumnElement[bool]) -> Statement:
    return select(categories.c.id).where(test)


def _in_collection(slug: str) -> ColumnElement[bool]:
    return exists(
        select(collection_products.c.product_id)
        .join(collections, collections.c.id == collection_products.c.collection_id)
        .where(collections.c.slug == slug, collection_products.c.product_id == products.c.id)
    )


def _priced(wanted: PriceRange) -> ColumnElement[bool]:
    bounds: list[ColumnElement[bool]] = []
    if wanted.lowest is not None:
        bounds.append(prices.c.minor >= wanted.lowest.minor)
    if wanted.highest is not None:
        bounds.append(prices.c.minor <= wanted.highest.minor)
    return exists(
        select(prices.c.variant_id)
        .join(variants, variants.c.id == prices.c.variant_id)
        .where(variants.c.product_id == products.c.id, prices.c.currency == wanted.currency, *bounds)
    )


def _has_attribute(wanted: AttributeFilter) -> ColumnElement[bool]:
    return or_(
        _says(products.c.attributes, wanted),
        exists(
            select(variants.c.id).where(variants.c.product_id == products.c.id, _says(variants.c.attributes, wanted))
        ),
    )


def _says(attributes: ColumnElement[Any], wanted: AttributeFilter) -> ColumnElement[bool]:
    """Compare the values of one attribute; exact ones by the index on all attributes."""
    tests: list[ColumnElement[bool]] = []
    if wanted.values:
        tests.append(or_(*(attributes.contains({wanted.code: [value]}) for value in wanted.values)))
    if wanted.lowest is not None or wanted.highest is not None:
        said = func.jsonb_array_elements_text(attributes[wanted.code]).column_valued("said")
        number = cast(case((said.regexp_match(_NUMBER), said)), Numeric)
        bounds = [number >= wanted.lowest] if wanted.lowest is not None else []
        bounds += [number <= wanted.highest] if wanted.highest is not None else []
        tests.append(exists(select(said).where(*bounds)))
    return and_(true(), *tests)


def _keys(order: ProductOrder) -> tuple[SortKey, SortKey]:
    columns: dict[Sort, tuple[str, ColumnElement[Any], type[Any]]] = {
        Sort.NAME: ("name", products.c.name, str),
        Sort.CREATED_AT: ("created", products.c.created_at, datetime),
        Sort.PRICE: (f"price:{order.currency}", _lowest_price(order.currency), int),
    }
    name, column, kind = columns[order.by]
    return (
        SortKey(name, column, kind, descending=order.descending),
        SortKey("id", products.c.id, str, descending=order.descending),
    )


def _lowest_price(currency: str) -> ColumnElement[int]:
    lowest = (
        select(func.min(prices.c.minor))
        .join(variants, variants.c.id == prices.c.variant_id)
        .where(variants.c.product_id == products.c.id, prices.c.currency == currency)
        .scalar_subquery()
    )
    return func.coalesce(lowest, _NO_PRICE)


CATEGORY_KEYS: Final = (
    SortKey("position", categories.c.position, int),
    SortKey("name", categories.c.name, str),
    SortKey("id", categories.c.id, str),
)
BRAND_KEYS: Final = (SortKey("name", brands.c.name, str), SortKey("id", brands.c.id, str))
COLLECTION_KEYS: Final = (SortKey("name", collections.c.name, str), SortKey("id", collections.c.id, str))
PROMOTION_KEYS: Final = (
    SortKey("ends", promotions.c.ends_at, datetime, descending=True),
    SortKey("id", promotions.c.id, str, descending=True),
)
TYPE_KEYS: Final = (SortKey("name", product_types.c.name, str), SortKey("id", product_types.c.id, str))


async def page_of_categories(session: AsyncSession, page: Page, parent_id: str | None) -> Slice[Category]:
    """List the categories under a parent, or the roots."""
    statement = select(categories).where(_under(parent_id))
    rows = (await session.execute(apply_page(statement, page, CATEGORY_KEYS))).all()
    found = [read_category(row) for row in rows]
    return slice_rows(found, page, CATEGORY_KEYS, lambda each: (each.position, each.name, each.id))


async def count_categories(session: AsyncSession, parent_id: str | None) -> int:
    """Count the categories under a parent, or the roots."""
    return await _count(session, select(func.count()).select_from(categories).where(_under(parent_id)))


async def count_collections(session: AsyncSession) -> int:
    """Count the collections."""
    return await _count(session, select(func.count()).select_from(collections))


async def count_product_types(session: AsyncSession) -> int:
    """Count the product types."""
    return await _count(session, select(func.count()).select_from(product_types))


def _under(parent_id: str | None) -> ColumnElement[bool]:
    return categories.c.parent_id.is_not_distinct_from(parent_id)


async def _count(session: AsyncSession, statement: Select[int]) -> int:
    return (await session.execute(statement)).scalar_one()


async def page_of_collections(session: AsyncSession, page: Page) -> Slice[Collection]:
    """List the collections by name."""
    rows = (await session.execute(apply_page(select(collections), page, COLLECTION_KEYS))).all()
    found = list(map(read_collection, rows))
    return slice_rows(found, page, COLLECTION_KEYS, lambda each: (each.name, each.id))


async def page_of_brands(session: AsyncSession, page: Page) -> Slice[Brand]:
    """List the brands by name."""
    rows = (await session.execute(apply_page(select(brands), page, BRAND_KEYS))).all()
    return slice_rows(list(map(read_brand, rows)), page, BRAND_KEYS, lambda each: (each.name, each.id))


async def count_brands(session: AsyncSession) -> int:
    """Count the brands."""
    return await _count(session, select(func.count()).select_from(brands))


async def page_of_product_types(session: AsyncSession, page: Page) -> Slice[ProductType]:
    """List the product types by name."""
    rows = (await session.execute(apply_page(select(product_types), page, TYPE_KEYS))).all()
    found = [read_product_type(row) for row in rows]
    return slice_rows(found, page, TYPE_KEYS, lambda each: (each.name, each.id))


async def page_of_promotions(session: AsyncSession, page: Page) -> Slice[Promotion]:
    """List all promotions, past and future ones too, those that end last first."""
    rows = (await session.execute(apply_page(select(promotions), page, PROMOTION_KEYS))).all()
    found = [read_promotion(row) for row in rows]
    return slice_rows(found, page, PROMOTION_KEYS, lambda each: (each.ends_at, each.id))


async def count_promotions(session: AsyncSession) -> int:
    """Count all promotions."""
    return (await session.execute(select(func.count()).select_from(promotions))).scalar_one()
