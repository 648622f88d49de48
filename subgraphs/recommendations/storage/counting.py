"""Adds one confirmed order to the counts, inside the transaction of its event."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.recommendations.domain.baskets import Basket
from subgraphs.recommendations.storage.tables import hidden_products, product_pairs, product_popularity, purchases


async def add_popularity(session: AsyncSession, basket: Basket) -> None:
    """Count each product of the basket once, and its units."""
    values: list[dict[str, Any]] = [
        {"product_id": product, "orders": 1, "units": units, "last_bought_at": basket.confirmed_at}
        for product, units in basket.units
    ]
    counting, known = insert(product_popularity).values(values), product_popularity.c
    await session.execute(
        counting.on_conflict_do_update(
            index_elements=["product_id"],
            set_={
                "orders": known.orders + 1,
                "units": known.units + counting.excluded.units,
                "last_bought_at": func.greatest(known.last_bought_at, counting.excluded.last_bought_at),
            },
        )
    )


async def add_pairs(session: AsyncSession, basket: Basket) -> None:
    """Count each pair of the basket once, from both sides."""
    values = [{"product_id": one, "other_id": other, "orders": 1} for one, other in basket.pairs]
    if values:
        counting = insert(product_pairs).values(values)
        await session.execute(
            counting.on_conflict_do_update(
                index_elements=["product_id", "other_id"], set_={"orders": product_pairs.c.orders + 1}
            )
        )


async def add_purchases(session: AsyncSession, basket: Basket) -> None:
    """Remember what a known customer has bought."""
    values: list[dict[str, Any]] = [
        {
            "customer_id": basket.customer_id,
            "product_id": product,
            "orders": 1,
            "last_bought_at": basket.confirmed_at,
        }
        for product in basket.products
    ]
    if basket.customer_id is not None:
        counting, known = insert(purchases).values(values), purchases.c
        await session.execute(
            counting.on_conflict_do_update(
                index_elements=["customer_id", "product_id"],
                set_={
                    "orders": known.orders + 1,
                    "last_bought_at": func.greatest(known.last_bought_at, counting.excluded.last_bought_at),
                },
            )
        )


async def hide(session: AsyncSession, product_id: str) -> None:
    """Never show a product from now on."""
    await session.execute(insert(hidden_products).values(product_id=product_id).on_conflict_do_nothing())


async def unhide(session: AsyncSession, product_id: str) -> None:
    """Show a product again."""
    await session.execute(delete(hidden_products).where(hidden_products.c.product_id == product_id))
