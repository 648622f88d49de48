"""Availability of any number of SKUs or products, read in one statement.

The held lines of all wanted SKUs are summed once and joined, so that the cost grows with the stock that is asked
for and not with a lookup for each level.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Row, and_, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.inventory.domain.availability import Availability, Reading
from subgraphs.inventory.domain.reservations import ReservationState
from subgraphs.inventory.storage.arrays import among
from subgraphs.inventory.storage.ledger import Statement, standing_of, standings
from subgraphs.inventory.storage.tables import reservation_lines, skus, stock_levels

_STAMP: Final[ColumnElement[int]] = literal_column(
    "(SELECT pg_snapshot_xmax(s)::text::bigint - (SELECT count(*) FROM pg_snapshot_xip(s))"
    " FROM pg_current_snapshot() AS s)",
    BigInteger,
)
"""How many transactions had ended when this statement took its snapshot: the order of all snapshots of a server."""

Choice = Callable[[ColumnElement[str]], ColumnElement[bool]]
"""Narrows a statement to the wanted SKUs, given its column of SKUs."""


async def read_skus(session: AsyncSession, wanted: Collection[str], now: datetime) -> Mapping[str, Reading]:
    """Read these SKUs; what has never been in stock is left out."""
    statement = _statement(lambda column: among(column, wanted), now)
    return _add_up(await session.execute(statement), lambda row: row.sku)


async def read_products(session: AsyncSession, wanted: Collection[str], now: datetime) -> Mapping[str, Reading]:
    """Read these products, each the sum of its SKUs; what has never been in stock is left out."""
    of_products = select(skus.c.sku).where(among(skus.c.product_id, wanted))
    statement = _statement(lambda column: column.in_(of_products), now)
    return _add_up(await session.execute(statement), lambda row: row.product_id)


def _statement(choose: Choice, now: datetime) -> Statement:
    line = reservation_lines.c
    held = (
        select(
            line.sku,
            line.warehouse_id,
            func.coalesce(func.sum(line.quantity).filter(line.expires_at <= now), 0).label("expired"),
            func.min(line.expires_at).filter(line.expires_at > now).label("changes_at"),
        )
        .where(line.state == ReservationState.HELD.value, choose(line.sku))
        .group_by(line.sku, line.warehouse_id)
        .subquery("held")
    )
    return (
        standings(func.coalesce(held.c.expired, 0).label("expired"), held.c.changes_at, _STAMP.label("stamp"))
        .outerjoin(held, and_(held.c.sku == stock_levels.c.sku, held.c.warehouse_id == stock_levels.c.warehouse_id))
        .where(choose(stock_levels.c.sku))
        .order_by(stock_levels.c.sku, stock_levels.c.warehouse_id)
    )


def _add_up(rows: Iterable[Row[Any]], key: Callable[[Row[Any]], str]) -> Mapping[str, Reading]:
    found: dict[str, Reading] = {}
    for row in rows:
        standing = standing_of(row, expired=row.expired)
        reading = found.get(key(row)) or Reading(availability=Availability(), stamp=row.stamp)
        if standing.active:
            level = standing.level
            reading = reading.add(level.warehouse_id, level.available, level.reorder_point, row.changes_at)
        found[key(row)] = reading
    return found
