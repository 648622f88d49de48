"""The events that recommendations are made of."""

from __future__ import annotations

from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.catalogue import CategoryChanged, InventoryChanged, OrderConfirmed, ProductUpdated, ProductViewed
from kernel.events.consumers import Consumer
from kernel.events.envelope import Event
from subgraphs.recommendations.domain.baskets import Basket
from subgraphs.recommendations.service import Learning


def consumers(learning: Learning) -> tuple[Consumer, ...]:
    """Subscribe to what is bought and viewed, and to what is known of products."""

    async def order(event: Event, session: AsyncSession) -> None:
        await learning.order(session, Basket.of(cast("OrderConfirmed", event.data)))

    async def view(event: Event, session: AsyncSession) -> None:
        await learning.view(session, cast("ProductViewed", event.data))

    async def product(event: Event, session: AsyncSession) -> None:
        await learning.product(session, cast("ProductUpdated", event.data))

    async def category(event: Event, session: AsyncSession) -> None:
        await learning.category(session, cast("CategoryChanged", event.data))

    async def stock(event: Event, session: AsyncSession) -> None:
        await learning.stock(session, cast("InventoryChanged", event.data))

    return (
        Consumer(name="recommendations.orders", subscriptions={"OrderConfirmed": order}),
        Consumer(name="recommendations.views", subscriptions={"ProductViewed": view}, batch=50),
        Consumer(
            name="recommendations.products",
            subscriptions={"ProductCreated": product, "ProductUpdated": product, "CategoryChanged": category},
        ),
        Consumer(name="recommendations.stock", subscriptions={"InventoryChanged": stock}, batch=50),
    )
