"""What happens to carts by themselves: those left alone are told of, those forgotten are cleared away."""

from __future__ import annotations

from datetime import timedelta

from kernel.clock import Clock
from kernel.database import Database
from kernel.events.catalogue import CartAbandoned, OrderLineFacts
from kernel.events.outbox import record_many
from subgraphs.orders.storage import cart_care as store
from subgraphs.orders.storage.cart_care import AbandonedCart


class CartCare:
    """Looks after carts that nobody touches."""

    def __init__(self, database: Database, clock: Clock, *, abandoned_after: float, kept_for: float) -> None:
        self.database = database
        self._clock = clock
        self._abandoned_after = timedelta(seconds=abandoned_after)
        self._kept_for = timedelta(seconds=kept_for)

    async def run(self) -> int:
        """Tell of carts that were left alone, and clear away those that were forgotten; how many there were."""
        return await self.tell_abandoned() + await self.clear_away()

    async def tell_abandoned(self) -> int:
        """Tell of each cart with an address once, until it is changed and left alone again."""
        now = self._clock.now()
        async with self.database.transaction() as session:
            found = await store.take_abandoned(session, now - self._abandoned_after, now)
            await record_many(session, [(each.cart.id, _event(each, now.isoformat())) for each in found])
        return len(found)

    async def clear_away(self) -> int:
        """Delete carts that nobody has touched for long, with the checkouts that came to nothing."""
        async with self.database.transaction() as session:
            return await store.delete_forgotten(session, self._clock.now() - self._kept_for)


def _event(abandoned: AbandonedCart, at: str) -> CartAbandoned:
    cart = abandoned.cart
    return CartAbandoned(
        cart_id=cart.id,
        customer_id=cart.customer_id,
        email=abandoned.email,
        currency=cart.currency,
        total_minor=cart.subtotal.minor,
        lines=tuple(
            OrderLineFacts(
                sku=line.sku,
                product_id=line.product_id,
                name=line.name,
                quantity=line.quantity,
                unit_price_minor=line.unit_price.minor,
            )
            for line in cart.lines
        ),
        abandoned_at=at,
    )
