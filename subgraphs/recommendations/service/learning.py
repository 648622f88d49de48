"""What each event adds to the counts, in the transaction that marks the event as done."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.catalogue import CategoryChanged, InventoryChanged, ProductCreated, ProductUpdated, ProductViewed
from subgraphs.recommendations.domain.baskets import Basket
from subgraphs.recommendations.domain.features import features_of
from subgraphs.recommendations.storage import catalogue, counting


class Learning:
    """Learns from what happens in the shop."""

    async def order(self, session: AsyncSession, basket: Basket) -> None:
        """Count a confirmed order, once."""
        if basket.units and await counting.begin_order(session, basket):
            await counting.add_popularity(session, basket)
            await counting.add_pairs(session, basket)
            await counting.add_purchases(session, basket)

    async def view(self, session: AsyncSession, viewed: ProductViewed) -> None:
        """Remember a view; one whose viewer was erased since is nobody's."""
        viewer = viewed.customer_id or viewed.session
        if viewer:
            await counting.add_view(session, viewer, viewed.product_id, datetime.fromisoformat(viewed.viewed_at))

    async def product(self, session: AsyncSession, product: ProductCreated | ProductUpdated) -> None:
        """Keep what a product is like, and whether it is shown."""
        await catalogue.put_product(
            session,
            product.product_id,
            name=product.name,
            category_id=product.category_id,
            features=features_of(product),
            published=product.published,
        )

    async def category(self, session: AsyncSession, changed: CategoryChanged) -> None:
        """Keep where a category stands."""
        await catalogue.put_category(session, changed.category_id, changed.parent_id, removed=changed.removed)

    async def stock(self, session: AsyncSession, changed: InventoryChanged) -> None:
        """Show a product only while there is any of it to be had."""
        if changed.product_id is not None:
            await catalogue.put_stock(session, changed.sku, changed.product_id, changed.available)
