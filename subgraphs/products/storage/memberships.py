"""Which products are in the collections that have a rule: stored, so that reading them is one join like any other.

Whoever writes a product notes it in `collection_checks`; a job then puts it into the collections whose rule it fits
and takes it out of the others, some hundred products and all collections at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Text, bindparam, delete, exists, func, insert, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.products.domain.collections import Collection
from subgraphs.products.storage.catalogue import read_collection
from subgraphs.products.storage.conditions import among
from subgraphs.products.storage.listing import condition
from subgraphs.products.storage.tables import (
    categories,
    collection_checks,
    collection_products,
    collections,
    products,
)


async def note(session: AsyncSession, product_ids: Sequence[str]) -> None:
    """Note that these products were written; nothing is noted while no collection has a rule."""
    ids = func.unnest(bindparam("ids", list(product_ids), ARRAY(Text))).column_valued("id")
    statement = upsert(collection_checks).from_select(["product_id"], select(ids).where(_rules()))
    await session.execute(statement.on_conflict_do_nothing())


async def note_category(session: AsyncSession, category_id: str) -> None:
    """Note all products in a category and below it, which has moved in the tree."""
    below = select(categories.c.id).where(categories.c.path.contains([category_id]))
    found = select(products.c.id).where(products.c.category_id.in_(below), _rules())
    await session.execute(upsert(collection_checks).from_select(["product_id"], found).on_conflict_do_nothing())


async def take_noted(session: AsyncSession, most: int) -> list[str]:
    """Take some of the noted products; they are noted again if the transaction comes to nothing."""
    some = select(collection_checks.c.product_id).limit(most).with_for_update(skip_locked=True)
    taken = delete(collection_checks).where(collection_checks.c.product_id.in_(some))
    return list((await session.execute(taken.returning(collection_checks.c.product_id))).scalars())


async def collections_with_rules(session: AsyncSession) -> list[Collection]:
    """Read the collections that have a rule."""
    rows = await session.execute(select(collections).where(collections.c.rule.is_not(None)))
    return list(map(read_collection, rows))


async def fit(session: AsyncSession, collection: Collection, product_ids: Sequence[str] | None = None) -> None:
    """Let a collection hold those of these products, or of all, that fit its rule."""
    if collection.rule is None:
        return
    fits = condition(collection.rule)
    here = collection_products.c.collection_id == collection.id
    looked_at = [] if product_ids is None else [among(products.c.id, product_ids)]
    members = [] if product_ids is None else [among(collection_products.c.product_id, product_ids)]
    fitting = exists(select(products.c.id).where(products.c.id == collection_products.c.product_id, fits))
    await session.execute(delete(collection_products).where(here, *members, ~fitting))
    found = select(literal(collection.id, Text), products.c.id).where(fits, *looked_at)
    added = upsert(collection_products).from_select(["collection_id", "product_id"], found)
    await session.execute(added.on_conflict_do_nothing())


async def put(session: AsyncSession, collection_id: str, product_ids: Sequence[str]) -> None:
    """Let a collection hold exactly these products, in this order.

    Raises:
        IntegrityError: `collection_products_product` or `collection_products_collection`.
    """
    await session.execute(delete(collection_products).where(collection_products.c.collection_id == collection_id))
    if product_ids:
        rows = [
            {"collection_id": collection_id, "product_id": product_id, "position": position}
            for position, product_id in enumerate(product_ids)
        ]
        await session.execute(insert(collection_products), rows)


def _rules() -> ColumnElement[bool]:
    return exists(select(collections.c.id).where(collections.c.rule.is_not(None)))
