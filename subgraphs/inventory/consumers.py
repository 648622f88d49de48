"""What stock hears of others: which product a SKU belongs to, what was shipped, which orders were cancelled."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.catalogue import (
    InventoryChanged,
    OrderCancelled,
    OrderConfirmed,
    OrderShipped,
    ProductCreated,
    ProductUpdated,
)
from kernel.events.consumers import Consumer
from kernel.events.envelope import Event
from subgraphs.inventory.service import InventoryService
from subgraphs.inventory.service.planning import Planning
from subgraphs.inventory.storage import catalogue, demand
from subgraphs.inventory.storage.demand import Wanted

_TOGETHER = 20
_OF_PRODUCT = (InventoryChanged, ProductCreated, ProductUpdated)


def make_consumers(service: InventoryService, planning: Planning) -> tuple[Consumer, ...]:
    """Make the subscriptions of stock."""

    async def ship(event: Event, session: AsyncSession) -> None:
        if isinstance(event.data, OrderShipped):
            await service.ship(session, event.data.order_id, event.data.lines)

    async def cancel(event: Event, session: AsyncSession) -> None:
        if isinstance(event.data, OrderCancelled):
            await service.deallocate(session, event.data.order_id, event.data.reason)

    async def note(event: Event, session: AsyncSession) -> None:
        """Tell who waits, and have what is kept of availability renewed once nothing is locked any more."""
        if isinstance(event.data, InventoryChanged):
            planning.skus.touch(event.data.sku)
            await planning.watches.tell(session, event.data)
        product_id = event.data.product_id if isinstance(event.data, _OF_PRODUCT) else None
        if product_id is not None:
            planning.products.touch(product_id)

    return (
        Consumer(
            name="inventory.catalogue",
            subscriptions={"ProductCreated": remember_variants, "ProductUpdated": remember_variants},
        ),
        Consumer(name="inventory.orders", subscriptions={"OrderShipped": ship, "OrderCancelled": cancel}),
        Consumer(
            name="inventory.availability",
            subscriptions={kind.__name__: note for kind in _OF_PRODUCT},
            batch=_TOGETHER,
        ),
        Consumer(
            name="inventory.demand",
            subscriptions={
                "ProductCreated": remember_group,
                "ProductUpdated": remember_group,
                "OrderConfirmed": count_demand,
                "OrderCancelled": take_back_demand,
            },
            batch=_TOGETHER,
        ),
    )


async def remember_variants(event: Event, session: AsyncSession) -> None:
    """Keep which product and variant each SKU belongs to."""
    if isinstance(event.data, ProductCreated | ProductUpdated):
        variants = [(each.sku, each.id, each.name) for each in event.data.variants]
        await catalogue.set_skus(session, event.data.product_id, variants)


async def remember_group(event: Event, session: AsyncSession) -> None:
    """Keep whose season each SKU shares."""
    if isinstance(event.data, ProductCreated | ProductUpdated):
        await demand.set_group(session, event.data.category_id, [each.sku for each in event.data.variants])


async def count_demand(event: Event, session: AsyncSession) -> None:
    """Count what a paid order wants; told again, it is not counted again."""
    if isinstance(event.data, OrderConfirmed):
        day = datetime.fromisoformat(event.data.confirmed_at).astimezone(UTC).date()
        lines = [Wanted(line.sku, line.warehouse_id or "", line.quantity) for line in event.data.stock]
        await demand.add_order(session, event.data.order_id, day, lines)


async def take_back_demand(event: Event, session: AsyncSession) -> None:
    """Take a cancelled order out of the count."""
    if isinstance(event.data, OrderCancelled):
        await demand.cancel_order(session, event.data.order_id)
