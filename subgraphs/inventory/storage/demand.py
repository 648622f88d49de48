"""What was wanted of each SKU: counted from orders exactly once, and imported for what was sold elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Date, Integer, Text, bindparam, cast, func, select, union_all, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.inventory.domain.forecasting.series import Series, monday
from subgraphs.inventory.domain.stock import EFFECTS
from subgraphs.inventory.storage.arrays import ArrayRows, among
from subgraphs.inventory.storage.planning_tables import demand_imports, demand_lines, forecasts, sku_groups
from subgraphs.inventory.storage.tables import stock_events


@dataclass(frozen=True, slots=True)
class Wanted:
    """So many of a SKU that an order takes from a warehouse."""

    sku: str
    warehouse_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class SoldElsewhere:
    """So many of a SKU that a channel sold in the week that begins on a Monday."""

    sku: str
    channel: str
    week: date
    quantity: int


ADDING: Final = tuple(kind.value for kind, effect in EFFECTS.items() if effect.on_hand > 0)
"""The types of movements by which there can be more on hand."""

_WANTED: Final = ArrayRows("wanted", sku=Text, warehouse_id=Text, quantity=Integer)
_ADD: Final = (
    upsert(demand_lines)
    .from_select(
        ["order_id", "day", "sku", "warehouse_id", "quantity"],
        select(bindparam("order_id", type_=Text), bindparam("day", type_=Date), *_WANTED.table.c),
    )
    .on_conflict_do_nothing()
)
_SOLD: Final = ArrayRows("sold", sku=Text, channel=Text, week=Date, quantity=Integer)


async def add_order(session: AsyncSession, order_id: str, day: date, lines: Iterable[Wanted]) -> None:
    """Count what an order wants; an order that is told again changes nothing."""
    totals: dict[tuple[str, str], int] = {}
    for line in lines:
        place = (line.sku, line.warehouse_id)
        totals[place] = totals.get(place, 0) + line.quantity
    rows = [Wanted(*place, quantity) for place, quantity in totals.items()]
    await session.execute(_ADD, {"order_id": order_id, "day": day, **_WANTED.parameters(rows)})


async def cancel_order(session: AsyncSession, order_id: str) -> None:
    """Take an order out of the count."""
    await session.execute(update(demand_lines).where(demand_lines.c.order_id == order_id).values(cancelled=True))


async def import_sold(session: AsyncSession, rows: Sequence[SoldElsewhere]) -> None:
    """Write what was sold elsewhere; a week of a channel that is told again is replaced."""
    statement = upsert(demand_imports).from_select(["sku", "channel", "week", "quantity"], select(*_SOLD.table.c))
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=list(demand_imports.primary_key), set_={"quantity": statement.excluded.quantity}
        ),
        _SOLD.parameters(rows),
    )


async def set_group(session: AsyncSession, group_id: str | None, variants: Collection[str]) -> None:
    """Remember whose season these SKUs share."""
    if not variants:
        return
    statement = upsert(sku_groups).values([{"sku": sku, "group_id": group_id or ""} for sku in sorted(variants)])
    await session.execute(
        statement.on_conflict_do_update(index_elements=["sku"], set_={"group_id": statement.excluded.group_id})
    )


async def groups(session: AsyncSession) -> list[str]:
    """Name all groups that have SKUs."""
    return list((await session.execute(select(sku_groups.c.group_id).distinct().order_by("group_id"))).scalars())


async def due_group(session: AsyncSession, week: date) -> str | None:
    """Name a group of which some SKU has no forecast that begins with this week."""
    statement = (
        select(sku_groups.c.group_id)
        .outerjoin(forecasts, forecasts.c.sku == sku_groups.c.sku)
        .where(forecasts.c.sku.is_(None) | (forecasts.c.first < week))
        .limit(1)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def group_series(session: AsyncSession, group_id: str, end: date) -> list[Series]:
    """Read the weekly demand of all SKUs of a group, from each one's first week on sale up to a Monday."""
    sold = await _weekly(session, group_id, end)
    begins = await _begins(session, group_id)
    return [
        Series.of(sku, weeks, first=min([*weeks, *([begun] if begun else [])], default=end), end=end)
        for sku, begun in begins.items()
        for weeks in [sold.get(sku, {})]
    ]


async def _weekly(session: AsyncSession, group_id: str, end: date) -> Mapping[str, Mapping[date, int]]:
    line, sold = demand_lines.c, demand_imports.c
    week = cast(func.date_trunc("week", line.day), Date).label("week")
    ours = (
        select(line.sku, week, func.sum(line.quantity).label("quantity"))
        .join(sku_groups, sku_groups.c.sku == line.sku)
        .where(sku_groups.c.group_id == group_id, ~line.cancelled, line.day < end)
        .group_by(line.sku, week)
    )
    others = (
        select(sold.sku, sold.week, sold.quantity)
        .join(sku_groups, sku_groups.c.sku == sold.sku)
        .where(sku_groups.c.group_id == group_id, sold.week < end)
    )
    found: dict[str, dict[date, int]] = {}
    for sku, monday_of, quantity in await session.execute(union_all(ours, others)):
        weeks = found.setdefault(sku, {})
        weeks[monday_of] = weeks.get(monday_of, 0) + quantity
    return found


async def _begins(session: AsyncSession, group_id: str) -> Mapping[str, date | None]:
    """Tell in which week each SKU of a group was first put on a shelf, None where it never was."""
    first = (
        select(stock_events.c.occurred_at)
        .where(
            stock_events.c.sku == sku_groups.c.sku,
            among(stock_events.c.type, ADDING),
            stock_events.c.quantity > 0,
        )
        .order_by(stock_events.c.position)
        .limit(1)
        .scalar_subquery()
    )
    statement = (
        select(sku_groups.c.sku, first.label("first"))
        .where(sku_groups.c.group_id == group_id)
        .order_by(sku_groups.c.sku)
    )
    rows = await session.execute(statement)
    return {row.sku: None if row.first is None else monday(row.first.date()) for row in rows}


async def shares(session: AsyncSession, wanted: Collection[str], since: date) -> Mapping[str, Mapping[str, int]]:
    """Tell how many of each SKU each warehouse gave to orders since a day."""
    line = demand_lines.c
    statement = (
        select(line.sku, line.warehouse_id, func.sum(line.quantity).label("quantity"))
        .where(among(line.sku, wanted), ~line.cancelled, line.day >= since)
        .group_by(line.sku, line.warehouse_id)
    )
    found: dict[str, dict[str, int]] = {}
    for row in await session.execute(statement):
        found.setdefault(row.sku, {})[row.warehouse_id] = row.quantity
    return found
