"""Statements over methods and rates."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.money import Money
from subgraphs.shipping.domain.rates import Method, Rate
from subgraphs.shipping.storage.tables import methods, rates, zones


async def all_methods(session: AsyncSession) -> list[Method]:
    """Read every method."""
    return [_method(row) for row in (await session.execute(select(methods).order_by(methods.c.id))).mappings()]


async def methods_by_id(session: AsyncSession, ids: Sequence[str]) -> dict[str, Method]:
    """Read many methods."""
    rows = await session.execute(select(methods).where(methods.c.id.in_(ids)))
    return {row["id"]: _method(row) for row in rows.mappings()}


async def rates_in(session: AsyncSession, currency: str) -> list[Rate]:
    """Read all rates of a currency with their methods and countries."""
    columns = (methods, rates.c.currency, rates.c.price_minor, rates.c.max_weight_grams, rates.c.free_from_minor)
    joined = rates.join(methods).join(zones)
    statement = select(*columns, zones.c.countries).select_from(joined).where(rates.c.currency == currency)
    return [_rate(row) for row in (await session.execute(statement)).mappings()]


def _method(row: RowMapping) -> Method:
    return Method(
        id=row["id"], name=row["name"], carrier=row["carrier"], min_days=row["min_days"], max_days=row["max_days"]
    )


def _rate(row: RowMapping) -> Rate:
    free_from = row["free_from_minor"]
    return Rate(
        method=_method(row),
        countries=frozenset(row["countries"]),
        price=Money(row["price_minor"], row["currency"]),
        max_weight_grams=row["max_weight_grams"],
        free_from=None if free_from is None else Money(free_from, row["currency"]),
    )
