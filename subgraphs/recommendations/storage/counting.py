"""Adds one confirmed order or one view to the counts, inside the transaction of its event.

Each count takes one statement however large the order is. Rows are written in rising order, so that two orders handled
at once never wait for each other in a ring.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Integer, Text, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.recommendations.domain.baskets import Basket
from subgraphs.recommendations.domain.recommendation import VIEW_TREND, trend_weight
from subgraphs.recommendations.domain.viewing import GUEST
from subgraphs.recommendations.storage.tables import learnt_orders

_KEPT_VIEWS: Final = 100
"""How many products are remembered of what somebody has viewed."""


def _with_products(statement: str) -> TextClause:
    return text(statement).bindparams(bindparam("products", type_=ARRAY(Text)))


_POPULARITY: Final = _with_products("""
INSERT INTO products AS known (product_id, orders, units, trend, last_bought_at)
SELECT bought.product_id, 1, bought.units, :trend, :at
FROM unnest(:products, :units) AS bought (product_id, units)
ORDER BY bought.product_id
ON CONFLICT (product_id) DO UPDATE SET
    orders = known.orders + 1,
    units = known.units + excluded.units,
    trend = known.trend + excluded.trend,
    last_bought_at = greatest(known.last_bought_at, excluded.last_bought_at)
""").bindparams(bindparam("units", type_=ARRAY(Integer)))

_PAIRS: Final = _with_products("""
INSERT INTO product_pairs AS known (product_id, other_id, orders)
SELECT one.id, other.id, 1
FROM unnest(:products) AS one (id) JOIN unnest(:products) AS other (id) ON one.id <> other.id
ORDER BY one.id, other.id
ON CONFLICT (product_id, other_id) DO UPDATE SET orders = known.orders + 1
""")

_PURCHASES: Final = _with_products("""
WITH bought AS (
    INSERT INTO purchases AS known (customer_id, product_id, orders, last_bought_at)
    SELECT :customer, bought.id, 1, :at FROM unnest(:products) AS bought (id)
    ORDER BY bought.id
    ON CONFLICT (customer_id, product_id) DO UPDATE SET
        orders = known.orders + 1,
        last_bought_at = greatest(known.last_bought_at, excluded.last_bought_at)
)
INSERT INTO picks (person) VALUES (:customer)
ON CONFLICT (person) DO UPDATE SET made_at = NULL WHERE picks.made_at IS NOT NULL
""")

_VIEW: Final = text("""
WITH person AS (
    SELECT coalesce((SELECT customer_id FROM known_guests WHERE guest = :viewer), :viewer) AS id
), viewed AS (
    INSERT INTO views AS known (viewer, product_id, views, last_viewed_at)
    SELECT id, :product_id, 1, :at FROM person
    ON CONFLICT (viewer, product_id) DO UPDATE SET
        views = known.views + 1,
        last_viewed_at = greatest(known.last_viewed_at, excluded.last_viewed_at)
), forgotten AS (
    DELETE FROM views USING person WHERE viewer = person.id AND product_id IN (
        SELECT product_id FROM views WHERE viewer = person.id ORDER BY last_viewed_at DESC, product_id OFFSET :kept)
), outdated AS (
    INSERT INTO picks (person) SELECT id FROM person
    ON CONFLICT (person) DO UPDATE SET made_at = NULL WHERE picks.made_at IS NOT NULL
)
UPDATE products SET trend = trend + :trend WHERE product_id = :product_id
""")

_FORGET: Final = text("""
WITH forgotten AS (
    DELETE FROM views WHERE (viewer, product_id) IN (
        SELECT viewer, product_id FROM views
        WHERE last_viewed_at < :before AND starts_with(viewer, :guest) ORDER BY last_viewed_at LIMIT 5000)
    RETURNING viewer
), unknown AS (
    DELETE FROM known_guests WHERE known_at < :before
), lists AS (
    DELETE FROM picks WHERE person IN (SELECT viewer FROM forgotten)
)
SELECT count(*) FROM forgotten
""")


async def begin_order(session: AsyncSession, basket: Basket) -> bool:
    """Note that an order is being counted; tell whether it was not before."""
    noted = insert(learnt_orders).values(order_id=basket.order_id).on_conflict_do_nothing()
    return (await session.execute(noted.returning(learnt_orders.c.order_id))).first() is not None


async def add_popularity(session: AsyncSession, basket: Basket) -> None:
    """Count the order for each of its products."""
    counted = {
        "products": basket.products,
        "units": [units for _, units in basket.units],
        "trend": trend_weight(basket.confirmed_at),
        "at": basket.confirmed_at,
    }
    await session.execute(_POPULARITY, counted)


async def add_pairs(session: AsyncSession, basket: Basket) -> None:
    """Count each pair of the basket once, from both sides."""
    await session.execute(_PAIRS, {"products": basket.products})


async def add_purchases(session: AsyncSession, basket: Basket) -> None:
    """Remember what a known customer has bought."""
    if basket.customer_id is not None:
        of_customer = {"customer": basket.customer_id, "products": basket.products, "at": basket.confirmed_at}
        await session.execute(_PURCHASES, of_customer)


async def add_view(session: AsyncSession, viewer: str, product_id: str, at: datetime) -> None:
    """Remember a view, forget the oldest beyond the bound, and let it count in the trend."""
    trend = VIEW_TREND * trend_weight(at)
    viewed = {"viewer": viewer, "product_id": product_id, "at": at, "trend": trend, "kept": _KEPT_VIEWS}
    await session.execute(_VIEW, viewed)


async def forget_guests(session: AsyncSession, now: datetime, kept: timedelta) -> int:
    """Delete a portion of what guests viewed longer ago than `kept`; tell how much."""
    return (await session.execute(_FORGET, {"before": now - kept, "guest": GUEST})).scalar_one()
