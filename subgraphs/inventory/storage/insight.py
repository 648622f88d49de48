"""What managers ask of the whole stock: what it is worth, how much is promised, on order and low, and how old it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, case, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.money import Money
from subgraphs.inventory.domain.purchasing import PurchaseOrderState
from subgraphs.inventory.storage.arrays import among
from subgraphs.inventory.storage.demand import ADDING
from subgraphs.inventory.storage.planning_tables import purchase_order_lines, purchase_orders, stock_costs
from subgraphs.inventory.storage.reading import available_now
from subgraphs.inventory.storage.tables import stock_events, stock_levels

AGES: Final = (30, 90, 180, 365)
"""Days at which stock passes into the next class of age."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The whole stock, or that of one warehouse, in figures; `low` and `sold_out` count SKUs in warehouses."""

    levels: int
    on_hand: int
    reserved: int
    allocated: int
    low: int
    sold_out: int
    incoming: int
    uncosted: int
    """Units of which nobody said what they cost."""

    value: Sequence[Money]


@dataclass(frozen=True, slots=True)
class Age:
    """Units that have lain for at least `since` days and less than `until`; the oldest have no end."""

    since: int
    until: int | None
    quantity: int
    value: Sequence[Money]


async def overview(session: AsyncSession, now: datetime, warehouse_id: str | None) -> Overview:
    """Sum the stock up, in three statements whatever its size."""
    level, here = stock_levels.c, _here(stock_levels.c.warehouse_id, warehouse_id)
    free = available_now(now)
    sums = (
        await session.execute(
            select(
                func.count().label("levels"),
                *(func.coalesce(func.sum(level[name]), 0).label(name) for name in ("on_hand", "reserved", "allocated")),
                func.count().filter(free <= level.reorder_point).label("low"),
                func.count().filter(free <= 0).label("sold_out"),
            ).where(here)
        )
    ).one()
    value, uncosted = await _value(session, here)
    incoming = await _incoming(session, warehouse_id)
    return Overview(**sums._asdict(), incoming=incoming, uncosted=uncosted, value=value)


async def ages(session: AsyncSession, now: datetime, warehouse_id: str | None) -> list[Age]:
    """Tell how long the stock has lain, as if what came first had gone first."""
    event = stock_events.c
    newest_first = func.sum(event.quantity).over(
        partition_by=(event.sku, event.warehouse_id), order_by=event.position.desc()
    )
    came = (
        select(event.sku, event.warehouse_id, event.occurred_at, event.quantity, newest_first.label("so_far"))
        .where(among(event.type, ADDING), event.quantity > 0, _here(event.warehouse_id, warehouse_id))
        .subquery("came")
    )
    level, cost = stock_levels.c, stock_costs.c
    left = func.greatest(func.least(level.on_hand - (came.c.so_far - came.c.quantity), came.c.quantity), 0)
    born = came.c.occurred_at
    bounds = list(enumerate(AGES))
    klass = case(*((born > now - timedelta(days=days), number) for number, days in bounds), else_=len(AGES))
    statement = (
        select(klass.label("class"), func.sum(left), cost.currency, func.sum(left * func.coalesce(cost.minor, 0)))
        .join(stock_levels, and_(level.sku == came.c.sku, level.warehouse_id == came.c.warehouse_id))
        .outerjoin(stock_costs, cost.sku == came.c.sku)
        .where(left > 0)
        .group_by("class", cost.currency)
    )
    quantities, values = [0] * (len(AGES) + 1), [list[Money]() for _ in range(len(AGES) + 1)]
    for number, quantity, currency, minor in await session.execute(statement):
        quantities[number] += quantity
        if currency is not None:
            values[number].append(Money(int(minor), currency))
    edges = (0, *AGES, None)
    return [
        Age(edges[number] or 0, edges[number + 1], quantities[number], values[number])
        for number in range(len(AGES) + 1)
    ]


async def _value(session: AsyncSession, here: ColumnElement[bool]) -> tuple[list[Money], int]:
    level, cost = stock_levels.c, stock_costs.c
    statement = (
        select(cost.currency, func.sum(level.on_hand), func.sum(level.on_hand * func.coalesce(cost.minor, 0)))
        .select_from(stock_levels)
        .outerjoin(stock_costs, cost.sku == level.sku)
        .where(here, level.on_hand > 0)
        .group_by(cost.currency)
        .order_by(cost.currency)
    )
    rows = (await session.execute(statement)).all()
    value = [Money(int(minor), currency) for currency, _, minor in rows if currency is not None]
    return value, sum(units for currency, units, _ in rows if currency is None)


async def _incoming(session: AsyncSession, warehouse_id: str | None) -> int:
    line, order = purchase_order_lines.c, purchase_orders.c
    statement = (
        select(func.coalesce(func.sum(func.greatest(line.quantity - line.received, 0)), 0))
        .join(purchase_orders, order.id == line.purchase_order_id)
        .where(order.state == PurchaseOrderState.ORDERED.value, _here(order.warehouse_id, warehouse_id))
    )
    return (await session.execute(statement)).scalar_one()


def _here(column: ColumnElement[str], warehouse_id: str | None) -> ColumnElement[bool]:
    return literal(True) if warehouse_id is None else column == warehouse_id
