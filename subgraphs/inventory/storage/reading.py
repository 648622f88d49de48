"""What is asked about stock, for any number of SKUs or products in one statement.

A reservation whose time is over no longer counts here, whether or not anything has swept it away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.pagination import Page, Slice, SortKey, apply_page, slice_rows
from subgraphs.inventory.domain.reservations import ReservationState
from subgraphs.inventory.domain.stock import Movement, MovementType
from subgraphs.inventory.storage.arrays import among
from subgraphs.inventory.storage.ledger import Standing, Statement, standing_of, standings
from subgraphs.inventory.storage.tables import reservation_lines, stock_events, stock_levels, warehouses


@dataclass(frozen=True, slots=True, kw_only=True)
class Warehouse:
    """A place that holds stock; a lower priority is served from first."""

    id: str
    code: str
    name: str
    country: str
    priority: int
    active: bool
    postal_code: str = ""
    parcel_cost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """A movement as it stands in the ledger."""

    position: int
    sku: str
    warehouse_id: str
    version: int
    movement: Movement
    occurred_at: datetime


WAREHOUSE_KEYS: Final = (
    SortKey("priority", warehouses.c.priority, int),
    SortKey("id", warehouses.c.id, str),
)
LEVEL_KEYS: Final = (
    SortKey("sku", stock_levels.c.sku, str),
    SortKey("warehouse", stock_levels.c.warehouse_id, str),
)
ENTRY_KEYS: Final = (SortKey("position", stock_events.c.position, int, descending=True),)


async def standings_of_skus(
    session: AsyncSession, wanted: Collection[str], now: datetime
) -> Mapping[str, Sequence[Standing]]:
    """Tell how each of these SKUs stands in each of its warehouses, the preferred ones first."""
    statement = _live(now).where(among(stock_levels.c.sku, wanted)).order_by(warehouses.c.priority, warehouses.c.id)
    found: defaultdict[str, list[Standing]] = defaultdict(list)
    for row in await session.execute(statement):
        found[row.sku].append(standing_of(row, expired=row.expired))
    return found


async def skus_in_warehouse(session: AsyncSession, warehouse_id: str, *, after: str, limit: int) -> Sequence[str]:
    """Name the next SKUs, in their order, that have ever been in a warehouse."""
    level = stock_levels.c
    wanted = select(level.sku).where(level.warehouse_id == warehouse_id, level.sku > after)
    return (await session.execute(wanted.order_by(level.sku).limit(limit))).scalars().all()


async def page_of_levels(
    session: AsyncSession, page: Page, now: datetime, *, warehouse_id: str | None, low: bool | None
) -> Slice[Standing]:
    """List levels by SKU; `low` keeps those at their reorder point or below, or the others."""
    statement = _live(now)
    if warehouse_id is not None:
        statement = statement.where(stock_levels.c.warehouse_id == warehouse_id)
    if low is not None:
        is_low = available_now(now) <= stock_levels.c.reorder_point
        statement = statement.where(is_low if low else ~is_low)
    rows = (await session.execute(apply_page(statement, page, LEVEL_KEYS))).all()
    found = [standing_of(row, expired=row.expired) for row in rows]
    return slice_rows(found, page, LEVEL_KEYS, lambda each: (each.level.sku, each.level.warehouse_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementFilter:
    """Which entries of the ledger are wanted; all conditions hold."""

    sku: str | None = None
    warehouse_id: str | None = None
    types: frozenset[MovementType] | None = None
    reference: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Say it to the database."""
        event = stock_events.c
        for column, value in ((event.sku, self.sku), (event.warehouse_id, self.warehouse_id)):
            if value is not None:
                yield column == value
        if self.reference is not None:
            yield event.reference == self.reference
        if self.types is not None:
            yield among(event.type, [each.value for each in self.types])
        if self.since is not None:
            yield event.occurred_at >= self.since
        if self.until is not None:
            yield event.occurred_at < self.until


async def page_of_movements(session: AsyncSession, page: Page, wanted: MovementFilter) -> Slice[LedgerEntry]:
    """List the ledger, the newest entry first."""
    statement = select(stock_events).where(*wanted.conditions())
    rows = (await session.execute(apply_page(statement, page, ENTRY_KEYS))).all()
    return slice_rows([_entry(row) for row in rows], page, ENTRY_KEYS, lambda each: (each.position,))


async def stocked_in(session: AsyncSession, wanted: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Name the warehouses that work and have had each of these SKUs, the preferred ones first."""
    statement = (
        select(stock_levels.c.sku, stock_levels.c.warehouse_id)
        .join(warehouses, warehouses.c.id == stock_levels.c.warehouse_id)
        .where(among(stock_levels.c.sku, wanted), warehouses.c.active)
        .order_by(warehouses.c.priority, warehouses.c.id)
    )
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in await session.execute(statement):
        found[row.sku].append(row.warehouse_id)
    return found


async def page_of_warehouses(session: AsyncSession, page: Page) -> Slice[Warehouse]:
    """List the warehouses, the preferred ones first."""
    rows = await session.execute(apply_page(select(warehouses), page, WAREHOUSE_KEYS))
    found = [Warehouse(**row._asdict()) for row in rows]
    return slice_rows(found, page, WAREHOUSE_KEYS, lambda each: (each.priority, each.id))


async def count_warehouses(session: AsyncSession) -> int:
    """Count the warehouses."""
    return (await session.execute(select(func.count()).select_from(warehouses))).scalar_one()


async def warehouses_by_id(session: AsyncSession, wanted: Collection[str]) -> Mapping[str, Warehouse]:
    """Read these warehouses."""
    rows = await session.execute(select(warehouses).where(among(warehouses.c.id, wanted)))
    return {row.id: Warehouse(**row._asdict()) for row in rows}


def _live(now: datetime) -> Statement:
    return standings(_expired(now).label("expired"))


def available_now(now: datetime) -> ColumnElement[int]:
    """Say `Level.available` to the database, without what nobody holds any more."""
    level = stock_levels.c
    promised = level.reserved + level.allocated - _expired(now)
    return level.on_hand + level.backorder_limit - level.safety_stock - promised


def _expired(now: datetime) -> ColumnElement[int]:
    """Sum the reserved units of a level that nobody holds any more."""
    line = reservation_lines.c
    return (
        select(func.coalesce(func.sum(line.quantity), 0))
        .where(
            line.state == ReservationState.HELD.value,
            line.expires_at <= now,
            line.sku == stock_levels.c.sku,
            line.warehouse_id == stock_levels.c.warehouse_id,
        )
        .scalar_subquery()
    )


def _entry(row: Any) -> LedgerEntry:
    return LedgerEntry(
        position=row.position,
        sku=row.sku,
        warehouse_id=row.warehouse_id,
        version=row.version,
        movement=Movement(
            type=MovementType(row.type), quantity=row.quantity, reference=row.reference, reason=row.reason
        ),
        occurred_at=row.occurred_at,
    )
