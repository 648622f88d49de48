"""Writing what orders the catalogue: categories, product types, promotions, collections."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, any_, bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.products.domain.brands import Brand
from subgraphs.products.domain.categories import Category
from subgraphs.products.domain.collections import Collection
from subgraphs.products.domain.pricing import PercentOff, Promotion
from subgraphs.products.domain.products import ProductType
from subgraphs.products.storage.catalogue import (
    SIBLING_ORDER,
    read_brand,
    read_category,
    read_collection,
    read_product_type,
    read_promotion,
)
from subgraphs.products.storage.conditions import among
from subgraphs.products.storage.records import definition_to_json, rule_to_json, translations_to_json
from subgraphs.products.storage.tables import (
    brands,
    categories,
    collection_products,
    collections,
    product_types,
    products,
    promotions,
)


async def lock_tree(session: AsyncSession) -> None:
    """Keep everybody else from changing the shape of the category tree until the transaction ends."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('products.categories', 0))"))


async def insert_category(session: AsyncSession, category: Category) -> None:
    """Write a new category.

    Raises:
        IntegrityError: `categories_slug` when the slug is taken.
    """
    await session.execute(insert(categories).values(_category_columns(category)))


async def update_category(session: AsyncSession, before: Category, after: Category) -> None:
    """Write a changed category; everything below moves with it, and its products are found by its new name."""
    await session.execute(update(categories).where(categories.c.id == after.id).values(_category_columns(after)))
    if before.path != after.path:
        tail = categories.c.path[len(before.path) + 1 : 1000]
        await session.execute(
            update(categories)
            .where(categories.c.path.contains([after.id]), categories.c.id != after.id)
            .values(path=func.array_cat(list(after.path), tail, type_=categories.c.path.type))
        )
    if (before.path, before.name) != (after.path, after.name):
        below = select(categories.c.id).where(categories.c.path.contains([after.id]))
        await session.execute(
            update(products)
            .where(products.c.category_id.in_(below))
            .values(category_words=category_words(products.c.category_id))
        )


def category_words(category_id: ColumnElement[str | None]) -> ColumnElement[str]:
    """The names of a category and of all above it, by which its products are found."""
    own, above = categories.alias("own"), categories.alias("above")
    return (
        select(func.coalesce(func.string_agg(above.c.name, " "), ""))
        .where(own.c.id == category_id, above.c.id == any_(own.c.path))
        .scalar_subquery()
    )


async def words_of_categories(session: AsyncSession, category_ids: Sequence[str]) -> dict[str, str]:
    """Give the words by which products of these categories are found."""
    if not category_ids:
        return {}
    statement = select(categories.c.id, category_words(categories.c.id).label("words"))
    rows = await session.execute(statement.where(among(categories.c.id, category_ids)))
    return {row.id: row.words for row in rows}


async def delete_category(session: AsyncSession, category_id: str) -> None:
    """Take a category away.

    Raises:
        IntegrityError: `categories_parent` or `products_category` when something is in it.
    """
    await session.execute(delete(categories).where(categories.c.id == category_id))


async def depth_below(session: AsyncSession, category: Category) -> int:
    """Tell how many levels of the tree hang below a category."""
    deepest = select(func.max(func.cardinality(categories.c.path))).where(categories.c.path.contains([category.id]))
    return ((await session.execute(deepest)).scalar() or 0) - len(category.path)


async def find_category(session: AsyncSession, category_id: str) -> Category | None:
    """Read a category."""
    row = (await session.execute(select(categories).where(categories.c.id == category_id))).one_or_none()
    return None if row is None else read_category(row)


async def find_category_named(session: AsyncSession, parent_id: str | None, name: str) -> Category | None:
    """Read the category of this name under a parent, or among the roots."""
    statement = select(categories).where(
        categories.c.parent_id.is_not_distinct_from(parent_id), func.lower(categories.c.name) == name.lower()
    )
    row = (await session.execute(statement.order_by(categories.c.id).limit(1))).one_or_none()
    return None if row is None else read_category(row)


async def find_product_type(
    session: AsyncSession, *, type_id: str | None = None, slug: str | None = None
) -> ProductType | None:
    """Read a product type by its id or slug."""
    wanted = product_types.c.id == type_id if type_id is not None else product_types.c.slug == slug
    row = (await session.execute(select(product_types).where(wanted))).one_or_none()
    return None if row is None else read_product_type(row)


async def insert_product_type(session: AsyncSession, product_type: ProductType) -> None:
    """Write a new product type; one that is there under this slug already stays."""
    await session.execute(
        upsert(product_types)
        .values(
            id=product_type.id,
            slug=product_type.slug,
            name=product_type.name,
            attributes=[definition_to_json(each) for each in product_type.attributes],
        )
        .on_conflict_do_nothing(constraint="product_types_slug")
    )


async def missing_targets(session: AsyncSession, promotion: Promotion) -> list[str]:
    """Name the categories and products of a promotion that do not exist."""
    named = promotion.category_ids | promotion.product_ids
    known = select(categories.c.id).where(among(categories.c.id, promotion.category_ids))
    also = select(products.c.id).where(among(products.c.id, promotion.product_ids))
    return sorted(named - set((await session.execute(known.union_all(also))).scalars()))


async def insert_promotion(session: AsyncSession, promotion: Promotion) -> None:
    """Write a new promotion."""
    reward = promotion.reward
    percent = reward.percent if isinstance(reward, PercentOff) else None
    amounts = None if isinstance(reward, PercentOff) else {each.currency: each.minor for each in reward.amounts}
    await session.execute(
        insert(promotions).values(
            id=promotion.id,
            name=promotion.name,
            percent=percent,
            **({} if amounts is None else {"amounts": amounts}),
            category_ids=sorted(promotion.category_ids),
            product_ids=sorted(promotion.product_ids),
            starts_at=promotion.starts_at,
            ends_at=promotion.ends_at,
        )
    )


async def end_promotion(session: AsyncSession, promotion_id: str, at: datetime) -> Promotion | None:
    """Let a promotion end at this instant at the latest; one that would start later is taken away."""
    this = promotions.c.id == promotion_id
    ended = delete(promotions).where(this, promotions.c.starts_at >= at).returning(promotions)
    row = (await session.execute(ended)).one_or_none()
    if row is None:
        earlier = update(promotions).where(this).values(ends_at=func.least(promotions.c.ends_at, at))
        row = (await session.execute(earlier.returning(promotions))).one_or_none()
    return None if row is None else read_promotion(row)


async def insert_collection(session: AsyncSession, collection: Collection) -> None:
    """Write a new collection.

    Raises:
        IntegrityError: `collections_slug` when the slug is taken.
    """
    await session.execute(insert(collections).values(_collection_columns(collection)))


async def update_collection(session: AsyncSession, collection: Collection) -> None:
    """Write a changed collection.

    Raises:
        IntegrityError: `collections_slug` when the slug is taken.
    """
    changed = update(collections).where(collections.c.id == collection.id)
    await session.execute(changed.values(_collection_columns(collection)))


async def lock_collection(session: AsyncSession, collection_id: str) -> Collection | None:
    """Read a collection that is about to be changed."""
    statement = select(collections).where(collections.c.id == collection_id).with_for_update()
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else read_collection(row)


async def delete_collection(session: AsyncSession, collection_id: str) -> None:
    """Take a collection away; its products stay where they are."""
    await session.execute(delete(collection_products).where(collection_products.c.collection_id == collection_id))
    await session.execute(delete(collections).where(collections.c.id == collection_id))


async def insert_brand(session: AsyncSession, brand: Brand) -> None:
    """Write a new brand.

    Raises:
        IntegrityError: `brands_slug` or `brands_name`.
    """
    await session.execute(insert(brands).values(_brand_columns(brand)))


async def update_brand(session: AsyncSession, brand: Brand) -> None:
    """Write a changed brand.

    Raises:
        IntegrityError: `brands_slug` or `brands_name`.
    """
    await session.execute(update(brands).where(brands.c.id == brand.id).values(_brand_columns(brand)))


async def lock_brand(session: AsyncSession, brand_id: str) -> Brand | None:
    """Read a brand that is about to be changed."""
    row = (await session.execute(select(brands).where(brands.c.id == brand_id).with_for_update())).one_or_none()
    return None if row is None else read_brand(row)


async def children_of(session: AsyncSession, parent_id: str | None) -> list[Category]:
    """Read the categories right below one, or the roots, in their order."""
    siblings = select(categories).where(categories.c.parent_id.is_not_distinct_from(parent_id))
    rows = await session.execute(siblings.order_by(*SIBLING_ORDER))
    return list(map(read_category, rows))


async def set_positions(session: AsyncSession, category_ids: Sequence[str]) -> None:
    """Give categories their places in this order."""
    place = func.array_position(bindparam("ids", list(category_ids), ARRAY(Text)), categories.c.id)
    await session.execute(update(categories).where(among(categories.c.id, category_ids)).values(position=place - 1))


def _category_columns(category: Category) -> dict[str, Any]:
    return {
        "id": category.id,
        "slug": category.slug,
        "name": category.name,
        "description": category.description,
        "parent_id": category.parent_id,
        "path": list(category.path),
        "position": category.position,
        "seo_title": category.seo.title,
        "seo_description": category.seo.description,
        "translations": translations_to_json(category.translations),
    }


def _collection_columns(collection: Collection) -> dict[str, Any]:
    return {
        "id": collection.id,
        "slug": collection.slug,
        "name": collection.name,
        "description": collection.description,
        "seo_title": collection.seo.title,
        "seo_description": collection.seo.description,
        "translations": translations_to_json(collection.translations),
        **({} if collection.rule is None else {"rule": rule_to_json(collection.rule)}),
    }


def _brand_columns(brand: Brand) -> dict[str, Any]:
    return {
        "id": brand.id,
        "slug": brand.slug,
        "name": brand.name,
        "description": brand.description,
        "website": brand.website,
        "translations": translations_to_json(brand.translations),
    }
