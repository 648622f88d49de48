"""The events that recommendations and analytics are made of."""

from __future__ import annotations

from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.catalogue import (
    CategoryChanged,
    CheckoutStarted,
    InventoryChanged,
    OrderCancelled,
    OrderConfirmed,
    PaymentRefunded,
    ProductsSearched,
    ProductUpdated,
    ProductViewed,
)
from kernel.events.consumers import Consumer
from kernel.events.envelope import Event
from subgraphs.recommendations.domain.baskets import Basket
from subgraphs.recommendations.service import Learning
from subgraphs.recommendations.storage import facts


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


def analytics_consumer() -> Consumer:
    """Subscribe to what analytics counts; each event is written as a fact under its own id."""

    async def sold(event: Event, session: AsyncSession) -> None:
        await facts.add_sale(session, cast("OrderConfirmed", event.data))

    async def cancelled(event: Event, session: AsyncSession) -> None:
        await facts.cancel_sale(session, cast("OrderCancelled", event.data).order_id, event.time)

    async def refunded(event: Event, session: AsyncSession) -> None:
        await facts.add_refund(session, cast("PaymentRefunded", event.data), event.time)

    async def started(event: Event, session: AsyncSession) -> None:
        await facts.add_checkout(session, cast("CheckoutStarted", event.data))

    async def viewed(event: Event, session: AsyncSession) -> None:
        await facts.add_view(session, event.id, cast("ProductViewed", event.data))

    async def searched(event: Event, session: AsyncSession) -> None:
        await facts.add_searches(session, event.id, cast("ProductsSearched", event.data))

    return Consumer(
        name="recommendations.analytics",
        subscriptions={
            "OrderConfirmed": sold,
            "OrderCancelled": cancelled,
            "PaymentRefunded": refunded,
            "CheckoutStarted": started,
            "ProductViewed": viewed,
            "ProductsSearched": searched,
        },
        batch=50,
    )
