"""What shipping does when others report: a confirmed order is to be sent, perhaps changed, perhaps from elsewhere."""

from __future__ import annotations

from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.catalogue import AllocationMoved, OrderConfirmed, OrderEdited
from kernel.events.consumers import Consumer
from kernel.events.envelope import Event
from subgraphs.shipping.service import ShippingService


def make_consumers(service: ShippingService) -> tuple[Consumer, ...]:
    """Make the consumers of shipping."""
    shipments = service.shipments

    async def plan(event: Event, session: AsyncSession) -> None:
        await shipments.plan(session, cast("OrderConfirmed", event.data))

    async def pack_anew(event: Event, session: AsyncSession) -> None:
        edited = cast("OrderEdited", event.data)
        await service.changing.pack_anew(session, edited, shipments.carrier)

    async def replan(event: Event, session: AsyncSession) -> None:
        await shipments.replan(session, cast("AllocationMoved", event.data))

    return (
        Consumer(name="shipping.orders", subscriptions={"OrderConfirmed": plan, "OrderEdited": pack_anew}),
        Consumer(name="shipping.stock", subscriptions={"AllocationMoved": replan}),
    )
