"""Forecasts and what follows from them: kept by SKU, replaced as a whole when they are made again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, func, literal, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.pagination import Page, Slice, SortKey, apply_page, slice_rows
from subgraphs.inventory.domain.forecasting import Forecast
from subgraphs.inventory.domain.forecasting.series import Pattern
from subgraphs.inventory.domain.replenishment import Plan, Terms
from subgraphs.inventory.storage.arrays import among
from subgraphs.inventory.storage.ledger import Statement
from subgraphs.inventory.storage.planning_tables import (
    forecasts,
    purchase_order_lines,
    purchase_orders,
    reorder_plans,
    supply_terms,
)
from subgraphs.inventory.storage.tables import stock_levels, warehouses


@dataclass(frozen=True, slots=True)
class KeptForecast:
    """A forecast and when it was made."""

    forecast: Forecast
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A reorder plan beside what there is: `position` is on hand and on order, less what is promised."""

    plan: Plan
    position: int
    incoming: int


FORECAST_KEYS: Final = (SortKey("sku", forecasts.c.sku, str),)
PLAN_KEYS: Final = (
    SortKey("sku", reorder_plans.c.sku, str),
    SortKey("warehouse", reorder_plans.c.warehouse_id, str),
)


async def keep_forecasts(session: AsyncSession, made: Iterable[Forecast], at: datetime) -> None:
    """Write forecasts over those that were there."""
    rows = [_forecast_row(each, at) for each in made]
    if rows:
        await _replace(session, forecasts, rows)


async def forecasts_of(session: AsyncSession, wanted: Collection[str]) -> Mapping[str, KeptForecast]:
    """Read the forecasts of these SKUs."""
    rows = await session.execute(select(forecasts).where(among(forecasts.c.sku, wanted)))
    return {row.sku: _forecast(row) for row in rows}


async def page_of_forecasts(session: AsyncSession, page: Page, *, pattern: Pattern | None) -> Slice[KeptForecast]:
    """List forecasts by SKU."""
    statement = select(forecasts)
    if pattern is not None:
        statement = statement.where(forecasts.c.pattern == pattern.value)
    rows = (await session.execute(apply_page(statement, page, FORECAST_KEYS))).all()
    return slice_rows([_forecast(row) for row in rows], page, FORECAST_KEYS, lambda each: (each.forecast.sku,))


async def terms_of(session: AsyncSession, wanted: Collection[str]) -> Mapping[str, Terms]:
    """Read how these SKUs are bought, where that was said."""
    rows = await session.execute(select(supply_terms).where(among(supply_terms.c.sku, wanted)))
    return {row.sku: Terms(**{name: value for name, value in row._asdict().items() if name != "sku"}) for row in rows}


async def set_terms(session: AsyncSession, sku: str, terms: Terms) -> None:
    """Say how a SKU is bought."""
    await _replace(session, supply_terms, [{"sku": sku, **asdict(terms)}])


async def keep_plans(session: AsyncSession, plans: Sequence[Plan], at: datetime) -> None:
    """Write reorder plans over those that were there."""
    if plans:
        await _replace(session, reorder_plans, [{**asdict(plan), "made_at": at} for plan in plans])


async def page_of_plans(session: AsyncSession, page: Page, *, warehouse_id: str | None, due: bool) -> Slice[Standing]:
    """List reorder plans with the stock that they are about; `due` keeps those at their reorder point or below."""
    statement = _plans(due=due)
    if warehouse_id is not None:
        statement = statement.where(reorder_plans.c.warehouse_id == warehouse_id)
    rows = (await session.execute(apply_page(statement, page, PLAN_KEYS))).all()
    return slice_rows(
        [_standing(row) for row in rows], page, PLAN_KEYS, lambda each: (each.plan.sku, each.plan.warehouse_id)
    )


async def due_plans(session: AsyncSession, warehouse_id: str, limit: int) -> list[Standing]:
    """Read what a warehouse should order now."""
    statement = _plans(due=True).where(reorder_plans.c.warehouse_id == warehouse_id).order_by(reorder_plans.c.sku)
    return [_standing(row) for row in await session.execute(statement.limit(limit))]


async def plans_of(session: AsyncSession, wanted: Collection[str]) -> Mapping[str, Sequence[Standing]]:
    """Read the reorder plans of these SKUs."""
    found: dict[str, list[Standing]] = {}
    statement = _plans(due=False).where(among(reorder_plans.c.sku, wanted)).order_by(warehouses.c.priority)
    for row in await session.execute(statement):
        found.setdefault(row.sku, []).append(_standing(row))
    return found


def _plans(*, due: bool) -> Statement:
    plan, level = reorder_plans.c, stock_levels.c
    on_order = _on_order(plan.sku, plan.warehouse_id)
    position = func.coalesce(level.on_hand - level.reserved - level.allocated, 0) + on_order
    statement = (
        select(*plan, on_order.label("incoming"), position.label("position"))
        .join(warehouses, and_(warehouses.c.id == plan.warehouse_id, warehouses.c.active))
        .outerjoin(stock_levels, and_(level.sku == plan.sku, level.warehouse_id == plan.warehouse_id))
    )
    return statement.where(position <= plan.reorder_point, plan.order_up_to > position) if due else statement


def _on_order(sku: ColumnElement[str], warehouse_id: ColumnElement[str]) -> ColumnElement[int]:
    line, order = purchase_order_lines.c, purchase_orders.c
    missing = func.greatest(line.quantity - line.received, 0)
    return (
        select(func.coalesce(func.sum(missing), literal(0)))
        .join(purchase_orders, order.id == line.purchase_order_id)
        .where(line.sku == sku, order.warehouse_id == warehouse_id, order.state == "ordered")
        .scalar_subquery()
    )


async def _replace(session: AsyncSession, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    statement = upsert(table)
    keys = [column.name for column in table.primary_key]
    fresh = {name: statement.excluded[name] for name in (column.name for column in table.columns) if name not in keys}
    await session.execute(statement.on_conflict_do_update(index_elements=keys, set_=fresh), list(rows))


def _forecast_row(forecast: Forecast, at: datetime) -> Mapping[str, Any]:
    return {**asdict(forecast), "means": list(forecast.means), "pattern": forecast.pattern.value, "made_at": at}


def _forecast(row: Row[Any]) -> KeptForecast:
    fields: dict[str, Any] = row._asdict()
    made_at = fields.pop("made_at")
    fields |= {"means": tuple(fields["means"]), "pattern": Pattern(fields["pattern"])}
    return KeptForecast(Forecast(**fields), made_at)


def _standing(row: Row[Any]) -> Standing:
    fields = {name: value for name, value in row._asdict().items() if name in _PLAN_FIELDS}
    return Standing(plan=Plan(**fields), position=row.position, incoming=row.incoming)


_PLAN_FIELDS: Final = frozenset(Plan.__dataclass_fields__)
