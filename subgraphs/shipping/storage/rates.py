"""Statements over methods, zones, rates and rules of free shipping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.money import Money
from subgraphs.shipping.domain.rates import FreeRule, Method, Offer, Rate, Zone
from subgraphs.shipping.storage.tables import free_rules, methods, rates, zones

TABLES = {"methods": methods, "zones": zones, "rates": rates, "free_rules": free_rules}
"""What the staff may change, by its name."""


async def all_methods(session: AsyncSession, *, also_inactive: bool = False) -> list[Method]:
    """Read every method that is offered, or each that there is."""
    statement = select(methods).order_by(methods.c.id)
    if not also_inactive:
        statement = statement.where(methods.c.active)
    return [_method(row) for row in (await session.execute(statement)).mappings()]


async def methods_by_id(session: AsyncSession, ids: Sequence[str]) -> dict[str, Method]:
    """Read many methods."""
    rows = await session.execute(select(methods).where(methods.c.id.in_(ids)))
    return {row["id"]: _method(row) for row in rows.mappings()}


async def all_zones(session: AsyncSession) -> list[Zone]:
    """Read every zone."""
    return [_zone(row, "") for row in (await session.execute(select(zones).order_by(zones.c.id))).mappings()]


async def all_rates(session: AsyncSession) -> list[Rate]:
    """Read every rate, also of methods that are not offered."""
    order = (rates.c.method_id, rates.c.zone_id, rates.c.currency, rates.c.max_weight_grams)
    return [_rate(row) for row in (await session.execute(_rates().order_by(*order))).mappings()]


async def all_free_rules(session: AsyncSession) -> list[FreeRule]:
    """Read every rule of free shipping."""
    rows = (await session.execute(select(free_rules).order_by(free_rules.c.id))).mappings()
    return [_free_rule(row) for row in rows]


async def offer_in(session: AsyncSession, currency: str) -> Offer:
    """Read the rates of a currency with their methods and zones, and the rules, in one statement."""
    rules = select(func.jsonb_agg(func.to_jsonb(free_rules.table_valued()))).where(free_rules.c.currency == currency)
    statement = _rates().where(rates.c.currency == currency, methods.c.active)
    rows = (await session.execute(statement.add_columns(rules.scalar_subquery().label("rules")))).mappings().all()
    found = (rows[0]["rules"] or ()) if rows else ()
    return Offer(tuple(map(_rate, rows)), tuple(map(_free_rule, found)))


async def add(session: AsyncSession, table: str, row: Mapping[str, Any]) -> None:
    """Store something new that the staff offers."""
    await session.execute(insert(TABLES[table]).values(row))


async def change(session: AsyncSession, table: str, key: str, values: Mapping[str, Any]) -> bool:
    """Change something; False when it is not there."""
    statement = update(TABLES[table]).where(TABLES[table].c.id == key).values(values)
    return (await session.execute(statement.returning(TABLES[table].c.id))).first() is not None


async def remove(session: AsyncSession, table: str, key: str) -> bool:
    """Remove something; False when it is not there."""
    statement = delete(TABLES[table]).where(TABLES[table].c.id == key).returning(TABLES[table].c.id)
    return (await session.execute(statement)).first() is not None


def _rates() -> Select[*tuple[Any, ...]]:
    columns: tuple[ColumnElement[Any], ...] = (
        *(column.label(f"method_{column.name}") for column in methods.c),
        *(column.label(f"zone_{column.name}") for column in zones.c),
        *(column for column in rates.c if column.name not in {"method_id", "zone_id"}),
    )
    return select(*columns).select_from(rates.join(methods).join(zones))


def _method(row: RowMapping, prefix: str = "") -> Method:
    return Method(
        id=row[f"{prefix}id"],
        name=row[f"{prefix}name"],
        carrier=row[f"{prefix}carrier"],
        min_days=row[f"{prefix}min_days"],
        max_days=row[f"{prefix}max_days"],
        active=row[f"{prefix}active"],
        live=row[f"{prefix}live"],
    )


def _zone(row: RowMapping, prefix: str) -> Zone:
    return Zone(
        id=row[f"{prefix}id"],
        name=row[f"{prefix}name"],
        countries=frozenset(row[f"{prefix}countries"]),
        postal_prefixes=tuple(row[f"{prefix}postal_prefixes"]),
    )


def _rate(row: RowMapping) -> Rate:
    def money(column: str) -> Money | None:
        return None if row[column] is None else Money(row[column], row["currency"])

    return Rate(
        id=row["id"],
        method=_method(row, "method_"),
        zone=_zone(row, "zone_"),
        price=Money(row["price_minor"], row["currency"]),
        max_weight_grams=row["max_weight_grams"],
        max_volume_cm3=row["max_volume_cm3"],
        min_subtotal=money("min_subtotal_minor"),
        max_subtotal=money("max_subtotal_minor"),
        free_from=money("free_from_minor"),
    )


def _free_rule(row: RowMapping | Mapping[str, Any]) -> FreeRule:
    return FreeRule(
        id=row["id"],
        name=row["name"],
        method_id=row["method_id"],
        zone_id=row["zone_id"],
        from_subtotal=Money(row["from_minor"], row["currency"]),
        max_weight_grams=row["max_weight_grams"],
        starts_at=_time(row["starts_at"]),
        ends_at=_time(row["ends_at"]),
    )


def _time(value: datetime | str | None) -> datetime | None:
    """Read a time from a column, or from the JSON of a row."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value
