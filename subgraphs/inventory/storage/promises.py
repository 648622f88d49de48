"""Who was promised what: reservations with their lines, and allocations to orders."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import DateTime, Integer, Text, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.inventory.domain.reservations import Allocation, Reservation, ReservationState
from subgraphs.inventory.domain.sourcing import Pick
from subgraphs.inventory.storage.arrays import ArrayRows, among
from subgraphs.inventory.storage.tables import allocations, reservation_lines, reservations

_HELD = reservation_lines.c.state == ReservationState.HELD.value
_PICK = (reservation_lines.c.sku, reservation_lines.c.warehouse_id, reservation_lines.c.quantity)


_LINES: Final = ArrayRows("line", sku=Text, warehouse_id=Text, quantity=Integer)
_ADD: Final = insert(reservation_lines).from_select(
    ["reservation_id", "state", "expires_at", "sku", "warehouse_id", "quantity"],
    select(
        bindparam("id", type_=Text),
        bindparam("state", type_=Text),
        bindparam("expires_at", type_=DateTime(timezone=True)),
        *_LINES.table.c,
    ),
)


async def add_reservation(session: AsyncSession, reservation: Reservation, at: datetime) -> None:
    """Write a new reservation with its lines."""
    header = insert(reservations).values(
        id=bindparam("id"),
        checkout_id=bindparam("checkout_id"),
        state=bindparam("state"),
        expires_at=bindparam("expires_at"),
        created_at=bindparam("created_at"),
    )
    await session.execute(
        _ADD.add_cte(header.cte("header")),
        {
            "id": reservation.id,
            "checkout_id": reservation.checkout_id,
            "state": reservation.state.value,
            "expires_at": reservation.expires_at,
            "created_at": at,
            **_LINES.parameters(reservation.lines),
        },
    )


async def get_reservation(session: AsyncSession, reservation_id: str, *, lock: bool = False) -> Reservation | None:
    """Read a reservation with all its lines, whatever became of them."""
    statement = (
        select(reservations, *_PICK)
        .join(reservation_lines, reservation_lines.c.reservation_id == reservations.c.id)
        .where(reservations.c.id == reservation_id)
        .order_by(reservation_lines.c.sku, reservation_lines.c.warehouse_id)
    )
    rows = (await session.execute(statement.with_for_update(of=reservations) if lock else statement)).all()
    if not rows:
        return None
    return Reservation(
        id=rows[0].id,
        checkout_id=rows[0].checkout_id,
        expires_at=rows[0].expires_at,
        state=ReservationState(rows[0].state),
        lines=tuple(Pick(row.sku, row.warehouse_id, row.quantity) for row in rows),
    )


async def settle_reservation(session: AsyncSession, reservation_id: str, state: ReservationState) -> list[Pick]:
    """Move a locked reservation on, and tell which of its lines were still held.

    The levels of its SKUs must be locked, because an expiry may take its lines otherwise.
    """
    header = update(reservations).where(reservations.c.id == reservation_id).values(state=state.value)
    rows = await session.execute(
        update(reservation_lines)
        .where(reservation_lines.c.reservation_id == reservation_id, _HELD)
        .values(state=state.value)
        .returning(*_PICK)
        .add_cte(header.cte("header"))
    )
    return [Pick(*row) for row in rows]


async def expire_lines(
    session: AsyncSession, wanted: Collection[str], now: datetime, *, spare: str | None
) -> list[tuple[str, Pick]]:
    """End the lines of locked SKUs whose time is over, except those of one reservation; give each with its id."""
    statement = (
        update(reservation_lines)
        .where(_HELD, reservation_lines.c.expires_at <= now, among(reservation_lines.c.sku, wanted))
        .values(state=ReservationState.EXPIRED.value)
        .returning(reservation_lines.c.reservation_id, *_PICK)
    )
    if spare is not None:
        statement = statement.where(reservation_lines.c.reservation_id != spare)
    return [
        (row.reservation_id, Pick(row.sku, row.warehouse_id, row.quantity)) for row in await session.execute(statement)
    ]


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


async def add_allocations(session: AsyncSession, rows: Iterable[Allocation]) -> None:
    """Write new allocations of an order."""
    await session.execute(
        insert(allocations),
        [
            {
                "order_id": row.order_id,
                "reservation_id": row.reservation_id,
                "sku": row.sku,
                "warehouse_id": row.warehouse_id,
                "quantity": row.quantity,
            }
            for row in rows
        ],
    )


async def get_allocations(session: AsyncSession, order_id: str) -> list[Allocation]:
    """Read all allocations of an order."""
    rows = await session.execute(
        select(allocations)
        .where(allocations.c.order_id == order_id)
        .order_by(allocations.c.sku, allocations.c.warehouse_id)
    )
    return [Allocation(**row._asdict()) for row in rows]


_SETTLED: Final = ArrayRows("settled", order_id=Text, sku=Text, warehouse_id=Text, shipped=Integer, released=Integer)
_SETTLE: Final = (
    update(allocations)
    .where(*(allocations.c[name] == _SETTLED.table.c[name] for name in ("order_id", "sku", "warehouse_id")))
    .values(shipped=_SETTLED.table.c.shipped, released=_SETTLED.table.c.released)
)


async def write_allocations(session: AsyncSession, rows: Iterable[Allocation]) -> None:
    """Write how many of each allocation are shipped and released now."""
    await session.execute(_SETTLE, _SETTLED.parameters(rows))
