"""The counts of many orders at once: for demo data and rebuilds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Final

import asyncpg

_BOUGHT: Final = """
CREATE TEMPORARY TABLE bought (
    order_id text, customer_id text, product_id text, quantity integer, confirmed_at timestamptz
)"""

_COUNTS: Final = (
    """
    INSERT INTO recommendations.product_popularity AS known (product_id, orders, units, last_bought_at)
    SELECT product_id, count(DISTINCT order_id), sum(quantity), max(confirmed_at)
    FROM bought GROUP BY product_id
    ON CONFLICT (product_id) DO UPDATE SET
        orders = known.orders + excluded.orders, units = known.units + excluded.units,
        last_bought_at = greatest(known.last_bought_at, excluded.last_bought_at)
    """,
    """
    INSERT INTO recommendations.product_pairs AS known (product_id, other_id, orders)
    SELECT one.product_id, other.product_id, count(*)
    FROM (SELECT DISTINCT order_id, product_id FROM bought) AS one
    JOIN (SELECT DISTINCT order_id, product_id FROM bought) AS other
      ON other.order_id = one.order_id AND other.product_id <> one.product_id
    GROUP BY one.product_id, other.product_id
    ON CONFLICT (product_id, other_id) DO UPDATE SET orders = known.orders + excluded.orders
    """,
    """
    INSERT INTO recommendations.purchases AS known (customer_id, product_id, orders, last_bought_at)
    SELECT customer_id, product_id, count(DISTINCT order_id), max(confirmed_at)
    FROM bought WHERE customer_id IS NOT NULL GROUP BY customer_id, product_id
    ON CONFLICT (customer_id, product_id) DO UPDATE SET
        orders = known.orders + excluded.orders,
        last_bought_at = greatest(known.last_bought_at, excluded.last_bought_at)
    """,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoughtRow:
    """A line of a confirmed order; several lines of one product in one order count as one."""

    order_id: str
    customer_id: str | None
    product_id: str
    quantity: int
    confirmed_at: datetime


async def copy(connection: asyncpg.Connection, *, bought: Iterable[BoughtRow]) -> None:
    """Add whole orders to the counts; each order must come once, with all of its lines."""
    async with connection.transaction():
        await connection.execute(_BOUGHT)
        await connection.copy_records_to_table("bought", records=map(astuple, bought))
        for count in _COUNTS:
            await connection.execute(count)
        await connection.execute("DROP TABLE bought")
