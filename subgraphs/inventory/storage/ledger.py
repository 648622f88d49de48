"""The ledger and its levels: locked in one order, appended to, never changed.

Every command locks all levels of the SKUs that it touches, ordered by SKU and warehouse. With one order there
is no deadlock, and totals over warehouses are exact while the locks are held.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.inventory.domain.stock import Level, Movement
from subgraphs.inventory.storage.conditions import among
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
    movement: Movement


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


async def append(session: AsyncSession, entries: Sequence[Entry], at: datetime) -> None:
    """Write movements to the ledger; a version that is taken makes the transaction fail."""
    await session.execute(
        insert(stock_events),
        [
            {
                "sku": entry.sku,
                "warehouse_id": entry.warehouse_id,
                "version": entry.version,
                "type": entry.movement.type.value,
                "quantity": entry.movement.quantity,
                "reference": entry.movement.reference,
                "reason": entry.movement.reason,
                "occurred_at": at,
            }
            for entry in entries
        ],
    )


async def write_levels(session: AsyncSession, levels: Collection[Level]) -> None:
    """Write how locked levels stand now."""
    key = and_(stock_levels.c.sku == bindparam("key_sku"), stock_levels.c.warehouse_id == bindparam("key_warehouse"))
    counters = ("version", "on_hand", "reserved", "allocated", "backorder_limit", "reorder_point")
    await session.execute(
        update(stock_levels).where(key).values({name: bindparam(name) for name in counters}),
        [
            {"key_sku": level.sku, "key_warehouse": level.warehouse_id}
            | {name: getattr(level, name) for name in counters}
            for level in levels
        ],
    )
