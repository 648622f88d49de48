"""What is told of stock as it happens."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import strawberry

from subgraphs.inventory.api.context import Info
from subgraphs.inventory.api.types import ProductVariant


@strawberry.type
class Subscription:
    """What is told as it happens."""

    @strawberry.subscription(
        description="A variant, each time more or less of it can be bought. Changes that follow each other closely are "
        "told once."
    )
    async def availability_changed(self, info: Info, sku: str) -> AsyncGenerator[ProductVariant]:
        """Give the variant whenever its availability is another one."""
        async with aclosing(info.context.service.feed.follow(sku, {"InventoryChanged"})) as news:
            await anext(news)
            async for _ in news:
                await info.context.planning.skus.refresh([sku])
                yield ProductVariant(sku=sku)
