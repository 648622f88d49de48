"""What becomes of the parcels of an order that is changed before it leaves: held, then packed anew or sent as they are.

Parcels that wait are cancelled and made anew when they are held, so that whoever labels one of them at that moment
writes nothing: a change of state names the state before.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from kernel.events.catalogue import OrderEdited
from kernel.ids import new_id
from subgraphs.shipping.domain.shipment import (
    Shipment,
    ShipmentStatus,
    check_none_left,
    packed,
)
from subgraphs.shipping.storage import shipments as store


class ChangingOrders:
    """Holds the parcels of orders that are being changed."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self._clock = clock

    async def hold(self, order_id: str) -> None:
        """Let nothing of an order leave until it is packed anew or resumed; doing so again changes nothing.

        Raises:
            ShipmentHandedOverError: a part is on its way; nothing is held.
        """
        now = self._clock.now()
        async with self.database.transaction() as session:
            await store.lock_order(session, order_id)
            if await store.is_held(session, order_id):
                return
            waiting = await self._waiting(session, order_id)
            check_none_left(waiting)
            await store.hold(session, order_id, now)
            await self._cancel(session, waiting)
            anew = [
                replace(
                    one,
                    id=new_id("shp"),
                    status=ShipmentStatus.PENDING,
                    tracking_number="",
                    label_url="",
                    created_at=now,
                )
                for one in waiting
            ]
            if anew:
                await store.add(session, anew, due_at=None)

    async def resume(self, order_id: str) -> None:
        """Let an order go as it was, since it is not changed after all."""
        async with self.database.transaction() as session:
            await store.lock_order(session, order_id)
            await store.let_go(session, order_id, self._clock.now())

    async def pack_anew(self, session: AsyncSession, order: OrderEdited, carrier: str) -> None:
        """Let a changed order go in the parcels that it needs now, in the caller's transaction."""
        now = self._clock.now()
        await store.lock_order(session, order.order_id)
        waiting = {one.warehouse_id: one for one in await self._waiting(session, order.order_id)}
        if await store.is_halted(session, order.order_id):
            return
        parcels = {one.warehouse_id: one for one in packed(order, carrier, now)}
        await self._cancel(session, [one for place, one in waiting.items() if place not in parcels])
        for place, parcel in parcels.items():
            if place in waiting:
                await store.repack(session, waiting[place], parcel.lines)
            else:
                await store.add(session, [parcel], due_at=None)
        await store.let_go(session, order.order_id, now)

    async def _waiting(self, session: AsyncSession, order_id: str) -> list[Shipment]:
        shipments = await store.of_order_locked(session, order_id)
        return [one for one in shipments if one.status != ShipmentStatus.CANCELLED]

    async def _cancel(self, session: AsyncSession, shipments: list[Shipment]) -> None:
        for shipment in shipments:
            await store.move(session, shipment, ShipmentStatus.CANCELLED, self._clock.now(), due_at=None)
