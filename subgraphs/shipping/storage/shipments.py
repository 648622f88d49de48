"""Statements over shipments. A change of state always writes its event in the same statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.catalogue import PostalAddress, StockLine
from subgraphs.shipping.domain.shipment import Shipment, ShipmentStatus
from subgraphs.shipping.storage.tables import halted_orders, held_orders, shipment_events, shipments


@dataclass(frozen=True, slots=True)
class ShipmentEvent:
    """A state that a shipment reached."""

    status: ShipmentStatus
    at: datetime


async def add(session: AsyncSession, new: Iterable[Shipment], due_at: datetime | None) -> None:
    """Store new shipments and their first events; those that are known already stay as they are."""
    added = upsert(shipments).values([{**_row(one), "due_at": due_at} for one in new])
    known = added.on_conflict_do_nothing().returning(shipments.c.id, shipments.c.status, shipments.c.created_at)
    fresh = known.cte("fresh")
    first = select(fresh.c.id, fresh.c.status, fresh.c.created_at)
    await session.execute(insert(shipment_events).from_select(["shipment_id", "status", "at"], first))


async def lock_order(session: AsyncSession, order_id: str) -> None:
    """Let only one transaction at a time plan or halt an order, whether it has shipments yet or not."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(order_id, 0))))


async def is_halted(session: AsyncSession, order_id: str) -> bool:
    """Tell whether an order was cancelled."""
    halted = select(halted_orders.c.order_id).where(halted_orders.c.order_id == order_id)
    return (await session.execute(halted)).first() is not None


async def halt(session: AsyncSession, order_id: str, at: datetime) -> None:
    """Remember that nothing of an order may be sent any more."""
    await session.execute(upsert(halted_orders).values(order_id=order_id, at=at).on_conflict_do_nothing())


async def is_held(session: AsyncSession, order_id: str) -> bool:
    """Tell whether an order is being changed."""
    held = select(held_orders.c.order_id).where(held_orders.c.order_id == order_id)
    return (await session.execute(held)).first() is not None


async def hold(session: AsyncSession, order_id: str, at: datetime) -> None:
    """Remember that an order is being changed."""
    await session.execute(upsert(held_orders).values(order_id=order_id, at=at).on_conflict_do_nothing())


async def let_go(session: AsyncSession, order_id: str, due_at: datetime) -> None:
    """Forget that an order is being changed; what waits of it goes on."""
    await session.execute(delete(held_orders).where(held_orders.c.order_id == order_id))
    waiting = (shipments.c.order_id == order_id) & (shipments.c.status == ShipmentStatus.PENDING)
    await session.execute(update(shipments).where(waiting).values(due_at=due_at))


async def by_id(session: AsyncSession, shipment_id: str) -> Shipment | None:
    """Find a shipment."""
    row = (await session.execute(select(shipments).where(shipments.c.id == shipment_id))).mappings().first()
    return None if row is None else shipment_of(row)


async def order_of(session: AsyncSession, carrier: str, tracking_number: str) -> str | None:
    """Find the order that a parcel belongs to."""
    found = select(shipments.c.order_id).where(
        shipments.c.tracking_number == tracking_number, shipments.c.carrier == carrier
    )
    return (await session.execute(found)).scalar_one_or_none()


async def of_order_locked(session: AsyncSession, order_id: str) -> list[Shipment]:
    """Lock and read all shipments of an order, always in the same sequence."""
    statement = select(shipments).where(shipments.c.order_id == order_id).order_by(shipments.c.id)
    return [shipment_of(row) for row in (await session.execute(statement.with_for_update())).mappings()]


async def of_orders(session: AsyncSession, order_ids: Sequence[str]) -> dict[str, list[Shipment]]:
    """Read the shipments of many orders."""
    statement = select(shipments).where(shipments.c.order_id.in_(order_ids)).order_by(shipments.c.id)
    found: dict[str, list[Shipment]] = {}
    for row in (await session.execute(statement)).mappings():
        found.setdefault(row["order_id"], []).append(shipment_of(row))
    return found


async def events_of(session: AsyncSession, shipment_ids: Sequence[str]) -> dict[str, list[ShipmentEvent]]:
    """Read the events of many shipments, the oldest of each first."""
    table = shipment_events.c
    statement = select(shipment_events).where(table.shipment_id.in_(shipment_ids)).order_by(table.position)
    found: dict[str, list[ShipmentEvent]] = {}
    for row in (await session.execute(statement)).mappings():
        event = ShipmentEvent(ShipmentStatus(row["status"]), row["at"])
        found.setdefault(row["shipment_id"], []).append(event)
    return found


async def take_due(session: AsyncSession, now: datetime, again_at: datetime, limit: int) -> list[Shipment]:
    """Take up shipments whose time has come; nobody else gets them before `again_at`."""
    due = select(shipments.c.id).where(shipments.c.due_at <= now).order_by(shipments.c.due_at)
    taken = due.limit(limit).with_for_update(skip_locked=True)
    statement = update(shipments).where(shipments.c.id.in_(taken)).values(due_at=again_at).returning(shipments)
    return [shipment_of(row) for row in (await session.execute(statement)).mappings()]


async def postpone(session: AsyncSession, shipment_id: str, due_at: datetime) -> None:
    """Look at a shipment again at this time, unless it has come to its end."""
    statement = update(shipments).where(shipments.c.id == shipment_id, shipments.c.due_at.is_not(None))
    await session.execute(statement.values(due_at=due_at))


async def move(
    session: AsyncSession,
    shipment: Shipment,
    status: ShipmentStatus,
    at: datetime,
    *,
    due_at: datetime | None,
    **changes: Any,
) -> bool:
    """Bring a shipment to its next state, unless somebody else has moved it; writes the event with it."""
    moved = (
        update(shipments)
        .where(shipments.c.id == shipment.id, shipments.c.status == shipment.status)
        .values(status=status, due_at=due_at, **changes)
        .returning(shipments.c.id)
        .cte("moved")
    )
    event = select(moved.c.id, literal(str(status)), literal(at))
    told = insert(shipment_events).from_select(["shipment_id", "status", "at"], event).cte("told")
    return (await session.execute(select(moved.c.id).add_cte(told))).first() is not None


async def repack(session: AsyncSession, shipment: Shipment, lines: Sequence[StockLine]) -> None:
    """Change what is in a locked shipment that nobody has packed yet."""
    statement = update(shipments).where(shipments.c.id == shipment.id)
    await session.execute(statement.values(lines=[asdict(line) for line in lines]))


def _row(shipment: Shipment) -> dict[str, Any]:
    return {
        "id": shipment.id,
        "order_id": shipment.order_id,
        "customer_id": shipment.customer_id,
        "email": shipment.email,
        "warehouse_id": shipment.warehouse_id,
        "method_id": shipment.method_id,
        "carrier": shipment.carrier,
        "status": shipment.status,
        "address": asdict(shipment.address),
        "lines": [asdict(line) for line in shipment.lines],
        "tracking_number": shipment.tracking_number,
        "created_at": shipment.created_at,
    }


def shipment_of(row: RowMapping) -> Shipment:
    """Read a row of shipments."""
    return Shipment(
        id=row["id"],
        order_id=row["order_id"],
        customer_id=row["customer_id"],
        email=row["email"],
        warehouse_id=row["warehouse_id"],
        method_id=row["method_id"],
        carrier=row["carrier"],
        status=ShipmentStatus(row["status"]),
        address=PostalAddress(**row["address"]),
        lines=tuple(StockLine(**line) for line in row["lines"]),
        tracking_number=row["tracking_number"],
        created_at=row["created_at"],
        shipped_at=row["shipped_at"],
        delivered_at=row["delivered_at"],
        attempts=row["attempts"],
        label_url=row["label_url"],
    )
