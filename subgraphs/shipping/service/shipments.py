"""Makes the shipments of an order and drives them through the carrier.

The carrier is only ever asked between transactions. A shipment that is taken up is due again after a while,
so that a process which dies in between leaves nothing behind but a delay; booking the same shipment twice
books it once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from kernel import telemetry
from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import InfrastructureError, NotFoundError
from kernel.events.catalogue import AllocationMoved, OrderConfirmed, OrderDelivered, OrderShipped
from kernel.events.outbox import record
from kernel.ids import new_id
from kernel.pagination import Page, Slice
from subgraphs.shipping.domain.carrier import Journey, Parcel, Tracking, TrackingKind
from subgraphs.shipping.domain.shipment import (
    SHIPMENT,
    Shipment,
    ShipmentHeldError,
    ShipmentStatus,
    all_reached,
    by_warehouse,
    check_none_left,
    packed,
    within,
    without,
)
from subgraphs.shipping.service.carriers import CarrierDesk
from subgraphs.shipping.storage import search
from subgraphs.shipping.storage import shipments as store
from subgraphs.shipping.storage import tracking as tracking_store
from subgraphs.shipping.storage.search import Wanted

_BATCH = 50
_ASK_WITHIN = timedelta(minutes=30)
"""How long a carrier is trusted that there is no news of a parcel yet."""
_LEADS_TO = {
    TrackingKind.DELIVERY_FAILED: ShipmentStatus.DELIVERY_FAILED,
    TrackingKind.DELIVERED: ShipmentStatus.DELIVERED,
    TrackingKind.RETURNED: ShipmentStatus.RETURNED,
}
"""The state that a carrier's message stands for, beyond having been handed over."""
_log = telemetry.get_logger("shipping")


class Shipments:
    """Makes and drives shipments."""

    def __init__(
        self,
        database: Database,
        carriers: CarrierDesk,
        clock: Clock,
        *,
        track_every: float,
        carrier_retry: float,
    ) -> None:
        self.database = database
        self._carriers = carriers
        self._clock = clock
        self._track_every = timedelta(seconds=track_every)
        self._carrier_retry = timedelta(seconds=carrier_retry)

    @property
    def carrier(self) -> str:
        """Who takes parcels that are made now."""
        return self._carriers.name

    async def plan(self, session: AsyncSession, order: OrderConfirmed) -> None:
        """Make one shipment for each warehouse of a confirmed order, in the caller's transaction."""
        now = self._clock.now()
        await store.lock_order(session, order.order_id)
        if not order.stock or await store.is_halted(session, order.order_id):
            return
        planned = packed(order, self._carriers.name, now)
        await store.add(session, planned, due_at=None if await store.is_held(session, order.order_id) else now)

    async def replan(self, session: AsyncSession, moved: AllocationMoved) -> None:
        """Let lines come from other warehouses, in the caller's transaction.

        A parcel that is labelled already leaves from where it is: stock lets the allocation follow it. So it stays,
        too, where the other warehouse has sent its parcel of this order before. Only what is still in the parcel moves:
        the order may have been changed since, and told so earlier, so that this is taken into account or gone.
        """
        now = self._clock.now()
        await store.lock_order(session, moved.order_id)
        shipments = await store.of_order_locked(session, moved.order_id)
        known = {each.warehouse_id: each for each in shipments if each.status != ShipmentStatus.CANCELLED}
        due_at = None if await store.is_held(session, moved.order_id) else now
        left = known.get(moved.warehouse_id)
        if left is None or left.status != ShipmentStatus.PENDING:
            return
        parcels = {
            warehouse: lines
            for warehouse, lines in by_warehouse(within(moved.lines, left.lines)).items()
            if warehouse not in known or known[warehouse].status == ShipmentStatus.PENDING
        }
        for warehouse, lines in parcels.items():
            if warehouse in known:
                await store.repack(session, known[warehouse], (*known[warehouse].lines, *lines))
            else:
                parcel = replace(left, id=new_id("shp"), warehouse_id=warehouse, lines=lines, created_at=now)
                await store.add(session, [parcel], due_at=due_at)
        rest = without(left.lines, [line for lines in parcels.values() for line in lines])
        if rest:
            await store.repack(session, left, rest)
        else:
            await store.move(session, left, ShipmentStatus.CANCELLED, now, due_at=None)

    async def page(self, page: Page, wanted: Wanted) -> Slice[Shipment]:
        """Read a page of shipments, the newest first."""
        async with self.database.session() as session:
            return await search.page_of(session, page, wanted)

    async def count(self, wanted: Wanted) -> int:
        """Count the shipments that are looked for."""
        async with self.database.session() as session:
            return await search.count(session, wanted)

    async def halt(self, order_id: str) -> None:
        """Stop everything of an order that has not left a warehouse; doing so again changes nothing.

        Raises:
            ShipmentHandedOverError: a part is on its way; nothing was stopped.
        """
        now = self._clock.now()
        async with self.database.transaction() as session:
            await store.lock_order(session, order_id)
            await store.halt(session, order_id, now)
            shipments = await store.of_order_locked(session, order_id)
            check_none_left(shipments)
            for shipment in shipments:
                if shipment.status != ShipmentStatus.CANCELLED:
                    await store.move(session, shipment, ShipmentStatus.CANCELLED, now, due_at=None)

    async def ship(self, shipment_id: str) -> Shipment:
        """Hand a shipment over to the carrier now, as staff does who watched it being fetched.

        Raises:
            NotFoundError: no such shipment.
            IllegalTransitionError: it has left already, or was cancelled.
            ShipmentHeldError: its order is being changed.
        """
        shipment = await self._known(shipment_id)
        await self._check_not_held(shipment.order_id)
        if shipment.status == ShipmentStatus.PENDING:
            await self._label(shipment)
            shipment = await self._known(shipment_id)
        SHIPMENT.check(shipment.status, ShipmentStatus.IN_TRANSIT)
        async with self.database.transaction() as session:
            await self._hand_over(session, shipment, self._clock.now())
        return await self._known(shipment_id)

    async def drive_due(self) -> int:
        """Bring every shipment that is due one step further; tell how many were moved."""
        now = self._clock.now()
        async with self.database.transaction() as session:
            due = await store.take_due(session, now, now + self._carrier_retry, _BATCH)
        return sum([await self._drive(shipment) for shipment in due])

    async def _drive(self, shipment: Shipment) -> bool:
        try:
            if shipment.status == ShipmentStatus.PENDING:
                return await self._label(shipment)
            return await self._follow(shipment, await self._carriers.track(shipment.tracking_number))
        except InfrastructureError as error:
            _log.warning("carrier did not answer", shipment=shipment.id, error=error.message)
            return False

    async def _follow(self, shipment: Shipment, journey: Journey) -> bool:
        async with self.database.transaction() as session:
            news = await self._take_in(session, shipment.carrier, journey.told)
            await store.postpone(session, shipment.id, self._ask_again(journey.news_at))
        return news

    def _ask_again(self, news_at: datetime | None) -> datetime:
        """Choose when to ask about a parcel again: when its carrier expects news, not earlier, and not much later."""
        now = self._clock.now()
        soon, late = now + self._track_every, now + _ASK_WITHIN
        return soon if news_at is None else min(max(news_at, soon), late)

    async def hear(self, carrier: str, tracking: Tracking) -> bool:
        """Take in what a carrier told, by asking or by itself; what is known or out of date changes no state.

        Returns:
            Whether it was told for the first time.
        """
        async with self.database.transaction() as session:
            return await self._take_in(session, carrier, [tracking])

    async def _take_in(self, session: AsyncSession, carrier: str, told: Sequence[Tracking]) -> bool:
        """Keep what a carrier told and act on what is new of it; tell whether anything was."""
        beyond = [tracking for tracking in told if tracking.kind != TrackingKind.BOOKED]
        new = await tracking_store.keep(session, carrier, beyond, self._clock.now()) if beyond else []
        for tracking in new:
            order_id = await store.order_of(session, carrier, tracking.tracking_number)
            if order_id is not None:
                await self._advance(session, order_id, tracking)
        return bool(new)

    async def _advance(self, session: AsyncSession, order_id: str, tracking: Tracking) -> None:
        parcels = {one.tracking_number: one for one in await store.of_order_locked(session, order_id)}
        shipment = parcels[tracking.tracking_number]
        at = min(tracking.at, self._clock.now())
        if shipment.status == ShipmentStatus.LABELLED:  # whatever a carrier tells, it has the parcel
            await self._hand_over(session, shipment, at)
            shipment = replace(shipment, status=ShipmentStatus.IN_TRANSIT)
        status = _LEADS_TO.get(tracking.kind)
        if status is None or not SHIPMENT.allowed(shipment.status, status):
            return
        if status == ShipmentStatus.DELIVERED:
            await self._deliver(session, shipment, at)
            return
        tries = await tracking_store.attempts(session, shipment.carrier, shipment.tracking_number)
        due_at = self._clock.now() + self._track_every if status == ShipmentStatus.DELIVERY_FAILED else None
        await store.move(session, shipment, status, at, due_at=due_at, attempts=tries)

    async def _label(self, shipment: Shipment) -> bool:
        parcel = Parcel(reference=shipment.id, method_id=shipment.method_id, address=shipment.address)
        label = await self._carriers.book(parcel)
        now = self._clock.now()
        async with self.database.transaction() as session:
            return await store.move(
                session,
                shipment,
                ShipmentStatus.LABELLED,
                now,
                due_at=self._ask_again(label.news_at),
                tracking_number=label.tracking_number,
                label_url=label.url,
            )

    async def _hand_over(self, session: AsyncSession, shipment: Shipment, at: datetime) -> None:
        status = ShipmentStatus.IN_TRANSIT
        complete = await self._complete(session, shipment, status)
        due_at = self._clock.now() + self._track_every
        if not await store.move(session, shipment, status, at, due_at=due_at, shipped_at=at):
            return
        shipped = OrderShipped(
            order_id=shipment.order_id,
            shipment_id=shipment.id,
            carrier=shipment.carrier,
            tracking_number=shipment.tracking_number,
            lines=shipment.lines,
            customer_id=shipment.customer_id,
            email=shipment.email,
            shipped_at=at.isoformat(),
            complete=complete,
        )
        await record(session, shipped, subject=shipment.order_id)

    async def _deliver(self, session: AsyncSession, shipment: Shipment, at: datetime) -> None:
        status = ShipmentStatus.DELIVERED
        complete = await self._complete(session, shipment, status)
        if not await store.move(session, shipment, status, at, due_at=None, delivered_at=at):
            return
        delivered = OrderDelivered(
            order_id=shipment.order_id,
            shipment_id=shipment.id,
            customer_id=shipment.customer_id,
            email=shipment.email,
            delivered_at=at.isoformat(),
            complete=complete,
        )
        await record(session, delivered, subject=shipment.order_id)

    async def _complete(self, session: AsyncSession, shipment: Shipment, status: ShipmentStatus) -> bool:
        """Tell whether this shipment is the last one of its order to reach a state; locks them all."""
        parcels = await store.of_order_locked(session, shipment.order_id)
        return all_reached([status if one.id == shipment.id else one.status for one in parcels], status)

    async def _check_not_held(self, order_id: str) -> None:
        async with self.database.session() as session:
            if await store.is_held(session, order_id):
                raise ShipmentHeldError("The order is being changed; send it when that is done.")

    async def _known(self, shipment_id: str) -> Shipment:
        async with self.database.session() as session:
            shipment = await store.by_id(session, shipment_id)
        if shipment is None:
            raise NotFoundError("No such shipment.", path=("id",))
        return shipment
