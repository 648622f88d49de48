"""What shipping does when others report: a confirmed order is to be sent, perhaps from elsewhere."""

from __future__ import annotations

from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.catalogue import AllocationMoved, OrderConfirmed
from kernel.events.consumers import Consumer
from kernel.events.envelope import Event
from subgraphs.shipping.service.shipments import Shipments


def make_consumers(shipments: Shipments) -> tuple[Consumer, ...]:
    """Make the consumers of shipping."""

    async def plan(event: Event, session: AsyncSession) -> None:
        await shipments.plan(session, cast("OrderConfirmed", event.data))

    async def replan(event: Event, session: AsyncSession) -> None:
        await shipments.replan(session, cast("AllocationMoved", event.data))

    return (
        Consumer(name="shipping.orders", subscriptions={"OrderConfirmed": plan}),
        Consumer(name="shipping.stock", subscriptions={"AllocationMoved": replan}),
    )
