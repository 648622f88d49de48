"""The events that people are told of, and those that say whom to tell."""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.consumers import Consumer
from kernel.events.envelope import Event
from subgraphs.notifications.service.writing import Writing

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
)


def consumers(writing: Writing) -> tuple[Consumer, ...]:
    """Subscribe to them."""

    async def take(event: Event, session: AsyncSession) -> None:
        await writing.take(session, event)

    return (Consumer(name="notifications.messages", subscriptions=dict.fromkeys(_EVENTS, take), batch=20),)
