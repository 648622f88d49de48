"""Who was promised what, as it is read: reservations with their lines, and allocations to orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.inventory.domain.reservations import Allocation, Reservation, ReservationLine, ReservationState
from subgraphs.inventory.storage.tables import allocations, reservation_lines

_HELD = reservation_lines.c.state == ReservationState.HELD.value


async def get_reservation(session: AsyncSession, reservation_id: str) -> Reservation | None:
    """Read a reservation with its lines."""
    statement = (
        select(reservation_lines)
        .where(reservation_lines.c.reservation_id == reservation_id)
        .order_by(reservation_lines.c.sku, reservation_lines.c.warehouse_id)
    )
    rows = (await session.execute(statement)).all()
    return Reservation.of([_line(row) for row in rows]) if rows else None


async def get_allocations(session: AsyncSession, order_id: str) -> list[Allocation]:
    """Read all allocations of an order."""
    rows = await session.execute(
        select(allocations)
        .where(allocations.c.order_id == order_id)
        .order_by(allocations.c.sku, allocations.c.warehouse_id)
    )
    return [Allocation(**row._asdict()) for row in rows]


async def due_skus(session: AsyncSession, now: datetime, limit: int) -> list[str]:
    """Name some SKUs that have held lines whose time is over."""
    due = (
        select(reservation_lines.c.sku)
        .where(_HELD, reservation_lines.c.expires_at <= now)
        .order_by(reservation_lines.c.expires_at)
        .limit(limit)
        .subquery()
    )
    return list((await session.execute(select(due.c.sku).distinct())).scalars())


async def promised_skus(session: AsyncSession, warehouse_id: str) -> Sequence[str]:
    """Name the SKUs of which something is promised from a warehouse."""
    row = allocations.c
    held = select(reservation_lines.c.sku).where(_HELD, reservation_lines.c.warehouse_id == warehouse_id)
    open_ = select(row.sku).where(row.shipped + row.released < row.quantity, row.warehouse_id == warehouse_id)
    return sorted((await session.execute(union(held, open_))).scalars())


def _line(row: Row[Any]) -> ReservationLine:
    told: dict[str, Any] = {**row._asdict(), "state": ReservationState(row.state)}
    return ReservationLine(**told)
