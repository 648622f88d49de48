"""The events that people are told of, and those that say whom to tell."""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.events.consumers import Consumer
from kernel.events.envelope import Event
from subgraphs.notifications.domain.offers import OFFERS
from subgraphs.notifications.service.writing import Writing
from subgraphs.notifications.storage import deliveries

_EVENTS: Final = (
    "UserRegistered",
    "UserProfileUpdated",
    "AccountMailDue",
    "OrderPlaced",
    "OrderConfirmed",
    "OrderShipped",
    "OrderDelivered",
    "OrderCancelled",
    "PaymentRefunded",
    "BackInStock",
    "StockLevelLow",
    "CartAbandoned",
)


def consumers(writing: Writing, clock: Clock) -> tuple[Consumer, ...]:
    """Subscribe to them, and to all that partners may hear of."""

    async def take(event: Event, session: AsyncSession) -> None:
        await writing.take(session, event)

    async def enlist(event: Event, session: AsyncSession) -> None:
        await deliveries.enlist(session, event, clock.now())

    return (
        Consumer(name="notifications.messages", subscriptions=dict.fromkeys(_EVENTS, take), batch=20),
        Consumer(
            name="notifications.webhooks",
            subscriptions=dict.fromkeys(OFFERS, enlist),
            batch=50,
            only_with="webhook_endpoints",
        ),
    )
