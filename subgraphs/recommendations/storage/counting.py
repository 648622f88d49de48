"""Adds one confirmed order to the counts, inside the transaction of its event.

Each count takes one statement however large the order is. Rows are written in rising order, so that two orders handled
at once never wait for each other in a ring.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Integer, Text, TextClause, bindparam, delete, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.recommendations.domain.baskets import Basket
from subgraphs.recommendations.storage.tables import hidden_products


def _with_products(statement: str) -> TextClause:
    return text(statement).bindparams(bindparam("products", type_=ARRAY(Text)))


_POPULARITY: Final = _with_products("""
INSERT INTO product_popularity AS known (product_id, orders, units, last_bought_at)
SELECT bought.product_id, 1, bought.units, :at
FROM unnest(:products, :units) AS bought (product_id, units)
ORDER BY bought.product_id
ON CONFLICT (product_id) DO UPDATE SET
    orders = known.orders + 1,
    units = known.units + excluded.units,
    last_bought_at = greatest(known.last_bought_at, excluded.last_bought_at)
""").bindparams(bindparam("units", type_=ARRAY(Integer)))

_PAIRS: Final = _with_products("""
INSERT INTO product_pairs AS known (product_id, other_id, orders)
SELECT one.id, other.id, 1
FROM unnest(:products) AS one (id)
JOIN unnest(:products) AS other (id) ON other.id <> one.id
ORDER BY one.id, other.id
ON CONFLICT (product_id, other_id) DO UPDATE SET orders = known.orders + 1
""")

_PURCHASES: Final = _with_products("""
INSERT INTO purchases AS known (customer_id, product_id, orders, last_bought_at)
SELECT :customer, bought.product_id, 1, :at
FROM unnest(:products) AS bought (product_id)
ORDER BY bought.product_id
ON CONFLICT (customer_id, product_id) DO UPDATE SET
    orders = known.orders + 1,
    last_bought_at = greatest(known.last_bought_at, excluded.last_bought_at)
""")


async def add_popularity(session: AsyncSession, basket: Basket) -> None:
    """Count each product of the basket once, and its units."""
    units = [units for _, units in basket.units]
    await session.execute(_POPULARITY, {"products": basket.products, "units": units, "at": basket.confirmed_at})


async def add_pairs(session: AsyncSession, basket: Basket) -> None:
    """Count each pair of the basket once, from both sides."""
    await session.execute(_PAIRS, {"products": basket.products})


async def add_purchases(session: AsyncSession, basket: Basket) -> None:
    """Remember what a known customer has bought."""
    if basket.customer_id is not None:
        of_customer = {"customer": basket.customer_id, "products": basket.products, "at": basket.confirmed_at}
        await session.execute(_PURCHASES, of_customer)


async def hide(session: AsyncSession, product_id: str) -> None:
    """Never show a product from now on."""
    await session.execute(insert(hidden_products).values(product_id=product_id).on_conflict_do_nothing())


async def unhide(session: AsyncSession, product_id: str) -> None:
    """Show a product again."""
    await session.execute(delete(hidden_products).where(hidden_products.c.product_id == product_id))
