"""Back in stock: who asked is told once, by an event that notifications turn into a message."""

from __future__ import annotations

import re
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.events.catalogue import BackInStock, InventoryChanged
from kernel.events.outbox import record_many
from kernel.ids import new_id
from subgraphs.inventory.storage import watches
from subgraphs.inventory.storage.watches import Watch

_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[^@\s.]{2,63}")

MOST: Final = 100
"""SKUs that one address can wait for: guests may name any address, and nobody's post box is to be filled by us."""


class Watches:
    """What can be done with waiting for stock."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def subscribe(self, sku: str, email: str, user_id: str | None) -> tuple[Watch, bool]:
        """Wait for a SKU, and tell whether that is new; asking again changes nothing.

        Raises:
            ConflictError: the address waits for too many SKUs already.
        """
        address = email.strip().lower()
        if _EMAIL.fullmatch(address) is None:
            raise InvalidInputError("That is no e-mail address.", path=("email",))
        if not 1 <= len(sku) <= 250:
            raise InvalidInputError("A SKU has from 1 to 250 characters.", path=("sku",))
        async with self._database.transaction() as session:
            wish = Watch(id=new_id("watch"), sku=sku, email=address, user_id=user_id)
            waiting = await watches.add(session, wish)
            new = waiting.id == wish.id
            if new and await watches.count(session, address) > MOST:
                raise ConflictError(f"An address can wait for {MOST} SKUs.", code="TOO_MANY_WATCHES", path=("email",))
            return waiting, new

    async def unsubscribe(self, watch_id: str) -> None:
        """Wait no longer; the id is known only to who got it.

        Raises:
            NotFoundError: nobody waits under this id.
        """
        async with self._database.transaction() as session:
            if not await watches.remove(session, watch_id):
                raise NotFoundError("Nobody waits under this id.", path=("id",))

    async def tell(self, session: AsyncSession, change: InventoryChanged) -> int:
        """Tell all who wait for a SKU that it can be bought, in the caller's transaction; tell how many these are."""
        if change.available <= 0:
            return 0
        waiting = await watches.claim(session, change.sku, self._clock.now())
        told = [
            (
                change.sku,
                BackInStock(
                    watch_id=each.id,
                    sku=each.sku,
                    product_id=change.product_id,
                    email=each.email,
                    user_id=each.user_id,
                    name=each.name,
                ),
            )
            for each in waiting
        ]
        await record_many(session, told)
        return len(told)
