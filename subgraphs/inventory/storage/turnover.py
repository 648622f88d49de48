"""What moved on each day, by SKU and warehouse: a projection of the ledger for dashboards, seconds behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.inventory.storage.feed import Projection
from subgraphs.inventory.storage.tables import stock_turnover

TURNOVER: Final = Projection(
    name="turnover",
    apply="""
        INSERT INTO stock_turnover AS kept (day, sku, warehouse_id, received, shipped, returned, corrected, transferred)
        SELECT (occurred_at AT TIME ZONE 'UTC')::date, sku, warehouse_id,
            coalesce(sum(quantity) FILTER (WHERE type = 'StockReceived'), 0),
            coalesce(sum(quantity) FILTER (WHERE type = 'StockShipped'), 0),
            coalesce(sum(quantity) FILTER (WHERE type = 'StockReturned'), 0),
            coalesce(sum(quantity) FILTER (WHERE type IN ('StockAdjusted', 'StockCounted')), 0),
            coalesce(sum(quantity) FILTER (WHERE type = 'StockTransferred'), 0)
        FROM portion
        WHERE type IN ('StockReceived', 'StockShipped', 'StockReturned', 'StockAdjusted', 'StockCounted',
            'StockTransferred')
        GROUP BY 1, 2, 3
        ON CONFLICT (day, sku, warehouse_id) DO UPDATE SET
            received = kept.received + excluded.received, shipped = kept.shipped + excluded.shipped,
            returned = kept.returned + excluded.returned, corrected = kept.corrected + excluded.corrected,
            transferred = kept.transferred + excluded.transferred
    """,
    forget="DELETE FROM stock_turnover",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turnover:
    """What moved on one day; corrections and transfers may be negative."""

    day: date
    received: int
    shipped: int
    returned: int
    corrected: int
    transferred: int


async def turnover(
    session: AsyncSession, since: date, until: date, *, sku: str | None, warehouse_id: str | None
) -> Sequence[Turnover]:
    """Sum what moved on each day of a span, the first day first."""
    kept = stock_turnover.c
    figures = ("received", "shipped", "returned", "corrected", "transferred")
    statement = (
        select(kept.day, *(func.sum(kept[name]).label(name) for name in figures))
        .where(kept.day >= since, kept.day <= until)
        .group_by(kept.day)
        .order_by(kept.day)
    )
    for column, value in ((kept.sku, sku), (kept.warehouse_id, warehouse_id)):
        if value is not None:
            statement = statement.where(column == value)
    return [Turnover(**row._asdict()) for row in await session.execute(statement)]
