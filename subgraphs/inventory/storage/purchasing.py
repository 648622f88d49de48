"""Orders to suppliers, what of them is still to come, and what stock costs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Integer, Row, Text, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.money import Money
from kernel.pagination import Page, Slice, SortKey, apply_page, slice_rows
from subgraphs.inventory.domain.purchasing import PurchaseLine, PurchaseOrder, PurchaseOrderState
from subgraphs.inventory.domain.stock import MovementType
from subgraphs.inventory.storage.arrays import ArrayRows, among
from subgraphs.inventory.storage.ledger import Statement
from subgraphs.inventory.storage.planning_tables import purchase_order_lines, purchase_orders, stock_costs
from subgraphs.inventory.storage.tables import stock_events


@dataclass(frozen=True, slots=True)
class Incoming:
    """So many of a SKU that are on their way to a warehouse."""

    sku: str
    warehouse_id: str
    quantity: int
    expected_on: date | None
    purchase_order_id: str


KEYS: Final = (SortKey("id", purchase_orders.c.id, str, descending=True),)
_LINES: Final = ArrayRows("line", sku=Text, quantity=Integer, received=Integer)


async def add(session: AsyncSession, order: PurchaseOrder) -> None:
    """Write a new order with its lines."""
    fields = {name: getattr(order, name) for name in (column.name for column in purchase_orders.columns)}
    await session.execute(insert(purchase_orders).values({**fields, "state": order.state.value}))
    lines = select(bindparam("order_id", type_=Text), *_LINES.table.c)
    await session.execute(
        insert(purchase_order_lines).from_select(["purchase_order_id", "sku", "quantity", "received"], lines),
        {"order_id": order.id, **_LINES.parameters(order.lines)},
    )


async def get(session: AsyncSession, order_id: str, *, lock: bool = False) -> PurchaseOrder | None:
    """Read an order; locked, it stays as it is until the transaction ends."""
    if lock:
        await session.execute(select(purchase_orders.c.id).where(purchase_orders.c.id == order_id).with_for_update())
    row = (await session.execute(_orders().where(purchase_orders.c.id == order_id))).one_or_none()
    return None if row is None else _order(row)


async def by_id(session: AsyncSession, wanted: Collection[str]) -> Mapping[str, PurchaseOrder]:
    """Read these orders."""
    rows = await session.execute(_orders().where(among(purchase_orders.c.id, wanted)))
    return {row.id: _order(row) for row in rows}


async def write(session: AsyncSession, order: PurchaseOrder) -> None:
    """Write how a locked order stands now."""
    await session.execute(
        update(purchase_orders)
        .where(purchase_orders.c.id == order.id)
        .values(
            state=order.state.value,
            expected_on=order.expected_on,
            ordered_at=order.ordered_at,
            closed_at=order.closed_at,
        )
    )
    await session.execute(
        update(purchase_order_lines)
        .where(
            purchase_order_lines.c.purchase_order_id == order.id,
            purchase_order_lines.c.sku == _LINES.table.c.sku,
        )
        .values(received=_LINES.table.c.received),
        _LINES.parameters(order.lines),
    )


async def page_of_orders(
    session: AsyncSession, page: Page, *, warehouse_id: str | None, state: PurchaseOrderState | None
) -> Slice[PurchaseOrder]:
    """List orders, the newest first."""
    statement = _orders()
    if warehouse_id is not None:
        statement = statement.where(purchase_orders.c.warehouse_id == warehouse_id)
    if state is not None:
        statement = statement.where(purchase_orders.c.state == state.value)
    rows = (await session.execute(apply_page(statement, page, KEYS))).all()
    return slice_rows([_order(row) for row in rows], page, KEYS, lambda each: (each.id,))


async def received(session: AsyncSession, order: PurchaseOrder) -> Mapping[str, int]:
    """Tell how many of each SKU the ledger received for an order."""
    event = stock_events.c
    statement = (
        select(event.sku, func.sum(event.quantity).label("quantity"))
        .where(
            event.reference == order.id,
            event.type == MovementType.RECEIVED.value,
            event.warehouse_id == order.warehouse_id,
        )
        .group_by(event.sku)
    )
    return {row.sku: row.quantity for row in await session.execute(statement)}


async def incoming_of(session: AsyncSession, wanted: Collection[str]) -> Mapping[str, Sequence[Incoming]]:
    """Tell what is on its way of these SKUs, the soonest first."""
    line, order = purchase_order_lines.c, purchase_orders.c
    statement = (
        select(
            line.sku, order.warehouse_id, (line.quantity - line.received).label("quantity"), order.expected_on, order.id
        )
        .join(purchase_orders, order.id == line.purchase_order_id)
        .where(
            among(line.sku, wanted),
            order.state == PurchaseOrderState.ORDERED.value,
            line.quantity > line.received,
        )
        .order_by(order.expected_on.asc().nulls_last(), order.id)
    )
    found: dict[str, list[Incoming]] = {}
    for row in await session.execute(statement):
        found.setdefault(row.sku, []).append(Incoming(*row))
    return found


async def set_costs(session: AsyncSession, costs: Iterable[tuple[str, Money]]) -> None:
    """Say what a unit of each SKU costs to buy."""
    rows = [{"sku": sku, "currency": cost.currency, "minor": cost.minor} for sku, cost in costs]
    statement = upsert(stock_costs)
    fresh = {"currency": statement.excluded.currency, "minor": statement.excluded.minor}
    await session.execute(statement.on_conflict_do_update(index_elements=["sku"], set_=fresh), rows)


def _orders() -> Statement:
    line = purchase_order_lines.c
    packed = func.json_build_array(line.sku, line.quantity, line.received)
    lines = (
        select(func.json_agg(aggregate_order_by(packed, line.sku)))
        .where(line.purchase_order_id == purchase_orders.c.id)
        .scalar_subquery()
    )
    return select(*purchase_orders.c, lines.label("lines"))


def _order(row: Row[Any]) -> PurchaseOrder:
    fields: dict[str, Any] = row._asdict()
    lines = tuple(PurchaseLine(*line) for line in fields.pop("lines") or ())
    fields |= {"state": PurchaseOrderState(fields["state"]), "lines": lines}
    return PurchaseOrder(**fields)
