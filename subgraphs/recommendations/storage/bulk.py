"""The counts of many orders at once: for demo data, trials and rebuilds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Final

import asyncpg

from kernel.events.catalogue import ProductCreated
from subgraphs.recommendations.domain.features import features_of
from subgraphs.recommendations.domain.recommendation import LANDMARK, TREND_HALF_LIFE

SCHEMA: Final = "recommendations"

_BOUGHT: Final = """
CREATE TEMPORARY TABLE bought (
    order_id text, customer_id text, product_id text, quantity integer, confirmed_at timestamptz
) ON COMMIT DROP"""

_COUNTS: Final = (
    "INSERT INTO learnt_orders SELECT DISTINCT order_id FROM bought ON CONFLICT DO NOTHING",
    f"""
    INSERT INTO products AS known (product_id, orders, units, trend, last_bought_at)
    SELECT product_id, count(*), sum(units), sum(trend), max(at) FROM (
        SELECT product_id, order_id, sum(quantity) AS units, max(confirmed_at) AS at,
            power(2, extract(epoch FROM max(confirmed_at) - '{LANDMARK.isoformat()}'::timestamptz)::float8
                / {TREND_HALF_LIFE.total_seconds()}) AS trend
        FROM bought GROUP BY product_id, order_id
    ) AS each GROUP BY product_id
    ON CONFLICT (product_id) DO UPDATE SET
        orders = known.orders + excluded.orders, units = known.units + excluded.units,
        trend = known.trend + excluded.trend,
        last_bought_at = greatest(known.last_bought_at, excluded.last_bought_at)
    """,  # noqa: S608 # our own constants
    """
    INSERT INTO product_pairs AS known (product_id, other_id, orders)
    SELECT one.product_id, other.product_id, count(*)
    FROM (SELECT DISTINCT order_id, product_id FROM bought) AS one
    JOIN (SELECT DISTINCT order_id, product_id FROM bought) AS other
      ON other.order_id = one.order_id AND other.product_id <> one.product_id
    GROUP BY one.product_id, other.product_id
    ON CONFLICT (product_id, other_id) DO UPDATE SET orders = known.orders + excluded.orders
    """,
    """
    INSERT INTO purchases AS known (customer_id, product_id, orders, last_bought_at)
    SELECT customer_id, product_id, count(DISTINCT order_id), max(confirmed_at)
    FROM bought WHERE customer_id IS NOT NULL GROUP BY customer_id, product_id
    ON CONFLICT (customer_id, product_id) DO UPDATE SET
        orders = known.orders + excluded.orders,
        last_bought_at = greatest(known.last_bought_at, excluded.last_bought_at)
    """,
    """
    INSERT INTO picks (person) SELECT DISTINCT customer_id FROM bought WHERE customer_id IS NOT NULL
    ON CONFLICT (person) DO UPDATE SET made_at = NULL
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


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRow:
    """A product as it is known; to be copied before what was bought of it."""

    product_id: str
    name: str
    category_id: str | None
    features: list[str]
    published: bool = True

    @classmethod
    def of(cls, product: ProductCreated) -> KnownRow:
        """Read what is known out of the event of a new product."""
        return cls(
            product_id=product.product_id,
            name=product.name,
            category_id=product.category_id,
            features=features_of(product),
            published=product.published,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryRow:
    """Where a category stands."""

    category_id: str
    parent_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StockRow:
    """How much of a SKU can be bought; to be copied after its product."""

    sku: str
    product_id: str
    available: int


async def copy(
    connection: asyncpg.Connection,
    *,
    bought: Iterable[BoughtRow] = (),
    products: Iterable[KnownRow] = (),
    categories: Iterable[CategoryRow] = (),
    stock: Iterable[StockRow] = (),
    schema: str = SCHEMA,
) -> None:
    """Add whole orders to the counts; each order must come once, with all of its lines."""
    async with connection.transaction():
        path = await connection.fetchval("SELECT current_setting('search_path')")
        await connection.execute("SELECT set_config('search_path', $1, true)", schema)
        known = ["product_id", "name", "category_id", "features", "published"]
        await connection.copy_records_to_table("products", records=map(astuple, products), columns=known)
        await connection.copy_records_to_table("categories", records=map(astuple, categories))
        await connection.copy_records_to_table("stock", records=map(astuple, stock))
        await connection.execute("""
            UPDATE products SET in_stock = false WHERE product_id IN (
                SELECT product_id FROM stock GROUP BY product_id HAVING max(available) <= 0)""")
        await connection.execute(_BOUGHT)
        await connection.copy_records_to_table("bought", records=map(astuple, bought))
        for count in _COUNTS:
            await connection.execute(count)
        await connection.execute("DROP TABLE bought")
        await connection.execute("SELECT set_config('search_path', $1, true)", path)
