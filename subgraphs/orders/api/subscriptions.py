"""What is told of orders as it happens."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import strawberry

from kernel.errors import NotFoundError
from subgraphs.orders.api.context import Info
from subgraphs.orders.api.orders import Order

_CHANGES: Final = frozenset(
    {"OrderPlaced", "OrderConfirmed", "OrderCancelled", "OrderShipped", "OrderDelivered", "PaymentRefunded"}
)


@strawberry.type
class Subscription:
    """What is told as it happens."""

    @strawberry.subscription(
        description="An order, each time its state has changed; for whoever may see it. Changes that follow each other "
        "closely are told once."
    )
    async def order_status_changed(self, info: Info, id: strawberry.ID) -> AsyncGenerator[Order | None]:
        """Give the order whenever its state is another one; whether the caller may see it is asked each time."""
        orders, caller = info.context.service.orders, info.context.caller
        known = await orders.get(caller, id)
        if known is None:
            raise NotFoundError("No such order.", path=("id",))
        async with aclosing(info.context.service.feed.follow(id, _CHANGES)) as news:
            async for _ in news:
                order = await orders.get(caller, id)
                if order is None:
                    return
                if order.status != known.status:
                    known = order
                    yield Order.of(order)
