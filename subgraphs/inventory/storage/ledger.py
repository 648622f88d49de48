"""The ledger and its levels: locked in one order, appended to, never changed.

Every command locks all levels of the SKUs that it touches, ordered by SKU and warehouse. With one order there
is no deadlock, and totals over warehouses are exact while the locks are held.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from sqlalchemy import ColumnElement, DateTime, Integer, Row, Select, Text, bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.inventory.domain.stock import Level, Movement
from subgraphs.inventory.storage.arrays import ArrayRows, among
from subgraphs.inventory.storage.tables import skus, stock_events, stock_levels, warehouses

Statement = Select[*tuple[Any, ...]]
"""A statement of whatever columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A level with what sourcing, events and clients want to know beside it."""

    level: Level
    priority: int
    active: bool
    product_id: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A movement with its place in the ledger."""

    sku: str
    warehouse_id: str
    version: int
    type: str
    quantity: int
    reference: str
    reason: str

    @classmethod
    def of(cls, level: Level, movement: Movement) -> Self:
        """Number a movement by the level that it led to."""
        return cls(
            level.sku,
            level.warehouse_id,
            level.version,
            movement.type.value,
            movement.quantity,
            movement.reference,
            movement.reason,
        )


_ENTRIES: Final = ArrayRows(
    "entry", sku=Text, warehouse_id=Text, version=Integer, type=Text, quantity=Integer, reference=Text, reason=Text
)
_LEVELS: Final = ArrayRows(
    "level",
    sku=Text,
    warehouse_id=Text,
    version=Integer,
    on_hand=Integer,
    reserved=Integer,
    allocated=Integer,
    backorder_limit=Integer,
    reorder_point=Integer,
)
_APPEND: Final = insert(stock_events).from_select(
    [*_ENTRIES.table.c.keys(), "occurred_at"],
    select(*_ENTRIES.table.c, bindparam("at", type_=DateTime(timezone=True))),
)
_WRITE: Final = (
    update(stock_levels)
    .where(stock_levels.c.sku == _LEVELS.table.c.sku, stock_levels.c.warehouse_id == _LEVELS.table.c.warehouse_id)
    .values({each.key: each for each in _LEVELS.table.c if each.key not in stock_levels.primary_key})
    .add_cte(_APPEND.cte("appended"))
)


async def lock_levels(session: AsyncSession, wanted: Collection[str]) -> list[Standing]:
    """Lock all levels of these SKUs until the transaction ends."""
    statement = (
        standings()
        .where(among(stock_levels.c.sku, wanted))
        .order_by(stock_levels.c.sku, stock_levels.c.warehouse_id)
        .with_for_update(of=stock_levels)
    )
    return [standing_of(row) for row in await session.execute(statement)]


def standings(*more: ColumnElement[Any]) -> Statement:
    """Select levels with their warehouse and product."""
    return (
        select(*stock_levels.c, warehouses.c.priority, warehouses.c.active, skus.c.product_id, *more)
        .join(warehouses, warehouses.c.id == stock_levels.c.warehouse_id)
        .outerjoin(skus, skus.c.sku == stock_levels.c.sku)
    )


def standing_of(row: Row[Any], *, expired: int = 0) -> Standing:
    """Read a level; `expired` is how many of its reserved units nobody holds any more."""
    level = Level(
        sku=row.sku,
        warehouse_id=row.warehouse_id,
        version=row.version,
        on_hand=row.on_hand,
        reserved=row.reserved - expired,
        allocated=row.allocated,
        backorder_limit=row.backorder_limit,
        reorder_point=row.reorder_point,
    )
    return Standing(level=level, priority=row.priority, active=row.active, product_id=row.product_id)


async def open_level(session: AsyncSession, sku: str, warehouse_id: str) -> None:
    """Make sure that a SKU has a level in a warehouse, so that it can be locked.

    Raises:
        IntegrityError: `stock_levels_warehouse` when there is no such warehouse.
    """
    await session.execute(upsert(stock_levels).values(sku=sku, warehouse_id=warehouse_id).on_conflict_do_nothing())


async def write(session: AsyncSession, entries: Sequence[Entry], levels: Sequence[Level], at: datetime) -> None:
    """Append to the ledger and write how the locked levels stand now, in one statement.

    Raises:
        IntegrityError: `stock_events_stream` when a version is taken, or a constraint of the levels.
    """
    await session.execute(_WRITE, {"at": at, **_ENTRIES.parameters(entries), **_LEVELS.parameters(levels)})
