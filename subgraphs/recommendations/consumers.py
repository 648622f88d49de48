"""The events that recommendations are made of."""

from __future__ import annotations

from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.catalogue import OrderConfirmed, ProductUpdated
from kernel.events.consumers import Consumer
from kernel.events.envelope import Event
from subgraphs.recommendations.domain.baskets import Basket
from subgraphs.recommendations.service import RecommendationsService


def consumers(service: RecommendationsService) -> tuple[Consumer, ...]:
    """Subscribe to confirmed orders, and to products that appear and disappear."""

    async def learn(event: Event, session: AsyncSession) -> None:
        await service.learn(session, Basket.of(cast("OrderConfirmed", event.data)))

    async def follow_product(event: Event, session: AsyncSession) -> None:
        product = cast("ProductUpdated", event.data)
        await service.show_product(session, product.product_id, published=product.published)

    return (
        Consumer(name="recommendations.orders", subscriptions={"OrderConfirmed": learn}),
        Consumer(
            name="recommendations.products",
            subscriptions={"ProductCreated": follow_product, "ProductUpdated": follow_product},
        ),
    )
