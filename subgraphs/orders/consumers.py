"""What orders does when payments and shipping report."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.consumers import Consumer, Handler
from kernel.events.envelope import Event
from subgraphs.orders.service.history import OrderService


def make_consumers(orders: OrderService) -> tuple[Consumer, ...]:
    """Make the consumers of orders."""
    return (
        Consumer(
            name="orders.progress",
            subscriptions={
                "OrderShipped": _handler(orders.shipped),
                "OrderDelivered": _handler(orders.delivered),
                "PaymentProcessed": _handler(orders.paid),
                "PaymentFailed": _handler(orders.not_paid),
                "PaymentRefunded": _handler(orders.refunded),
                "PaymentDisputed": _handler(orders.disputed),
            },
        ),
    )


def _handler(use_case: Callable[[AsyncSession, Any], Awaitable[None]]) -> Handler:
    async def handle(event: Event, session: AsyncSession) -> None:
        await use_case(session, event.data)

    return handle
