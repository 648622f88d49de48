"""Writing what orders the catalogue: categories, product types, promotions, collections."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, any_, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.products.domain.categories import Category
from subgraphs.products.domain.pricing import PercentOff, Promotion
from subgraphs.products.domain.products import ProductType
from subgraphs.products.storage.catalogue import Collection, read_category, read_product_type, read_promotion
from subgraphs.products.storage.conditions import among
from subgraphs.products.storage.records import definition_to_json
from subgraphs.products.storage.tables import (
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
    await session.execute(
        insert(collections).values(
            id=collection.id, slug=collection.slug, name=collection.name, description=collection.description
        )
    )


async def set_collection_products(session: AsyncSession, collection_id: str, product_ids: Sequence[str]) -> None:
    """Let a collection hold exactly these products, in this order.

    Raises:
        IntegrityError: `collection_products_product` or `collection_products_collection`.
    """
    await session.execute(delete(collection_products).where(collection_products.c.collection_id == collection_id))
    if product_ids:
        await session.execute(
            insert(collection_products),
            [
                {"collection_id": collection_id, "product_id": product_id, "position": position}
                for position, product_id in enumerate(product_ids)
            ],
        )


def _category_columns(category: Category) -> dict[str, Any]:
    return {
        "id": category.id,
        "slug": category.slug,
        "name": category.name,
        "description": category.description,
        "parent_id": category.parent_id,
        "path": list(category.path),
        "position": category.position,
    }
