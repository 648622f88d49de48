"""The facts of analytics for many orders at once: for demo data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Final

import asyncpg

SCHEMA: Final = "recommendations"


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleFact:
    """A confirmed order."""

    order_id: str
    buyer: str | None
    currency: str
    total_minor: int
    units: int
    confirmed_at: datetime
    cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFact:
    """What was sold of a SKU in an order."""

    order_id: str
    sku: str
    product_id: str
    quantity: int
    revenue_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFact:
    """Money that went back."""

    refund_id: str
    order_id: str
    currency: str
    amount_minor: int
    refunded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutFact:
    """A checkout that was started."""

    checkout_id: str
    currency: str
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewFact:
    """A look at a product."""

    event_id: str
    product_id: str
    visitor: str
    searched: str
    viewed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFact:
    """A search."""

    event_id: str
    place: int
    words: str
    found: int
    searched_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that analytics knows."""

    sales: list[SaleFact]
    lines: list[LineFact]
    refunds: list[RefundFact]
    checkouts: list[CheckoutFact]
    views: list[ViewFact]
    searches: list[SearchFact]


async def copy(connection: asyncpg.Connection, facts: Facts) -> None:
    """Add facts; those of views are what their viewers are remembered by, too."""
    async with connection.transaction():
        await _copy(connection, "sales", SaleFact, facts.sales)
        await _copy(connection, "sold_lines", LineFact, facts.lines)
        await _copy(connection, "refunds", RefundFact, facts.refunds)
        await _copy(connection, "checkouts_started", CheckoutFact, facts.checkouts)
        await _copy(connection, "product_views", ViewFact, facts.views)
        await _copy(connection, "searches", SearchFact, facts.searches)
        await connection.execute(f"""
            INSERT INTO {SCHEMA}.views (viewer, product_id, views, last_viewed_at)
            SELECT visitor, product_id, count(*), max(viewed_at) FROM {SCHEMA}.product_views GROUP BY 1, 2
            ON CONFLICT DO NOTHING
        """)  # noqa: S608 # our own schema


async def _copy(connection: asyncpg.Connection, table: str, kind: type, rows: Iterable[object]) -> None:
    columns = [each.name for each in fields(kind)]
    records = map(attrgetter(*columns), rows)
    await connection.copy_records_to_table(table, records=records, columns=columns, schema_name=SCHEMA)
