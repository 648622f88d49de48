"""What stock hears of others: which product a SKU belongs to, what was shipped, which orders were cancelled."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.catalogue import InventoryChanged, OrderCancelled, OrderShipped, ProductCreated, ProductUpdated
from kernel.events.consumers import Consumer
from kernel.events.envelope import Event
from subgraphs.inventory.service import InventoryService
from subgraphs.inventory.service.planning import Planning
from subgraphs.inventory.storage import catalogue

_OF_PRODUCT = (InventoryChanged, ProductCreated, ProductUpdated)


def make_consumers(service: InventoryService, planning: Planning) -> tuple[Consumer, ...]:
    """Make the subscriptions of stock."""

    async def ship(event: Event, session: AsyncSession) -> None:
        if isinstance(event.data, OrderShipped):
            await service.ship(session, event.data.order_id, event.data.lines)

    async def cancel(event: Event, session: AsyncSession) -> None:
        if isinstance(event.data, OrderCancelled):
            await service.deallocate(session, event.data.order_id, event.data.reason)

    async def note(event: Event, _session: AsyncSession) -> None:
        """Have what is kept of availability renewed; the work itself waits until nothing is locked."""
        if isinstance(event.data, InventoryChanged):
            planning.skus.touch(event.data.sku)
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
        ),
    )


async def remember_variants(event: Event, session: AsyncSession) -> None:
    """Keep which product and variant each SKU belongs to."""
    if isinstance(event.data, ProductCreated | ProductUpdated):
        variants = [(each.sku, each.id, each.name) for each in event.data.variants]
        await catalogue.set_skus(session, event.data.product_id, variants)
