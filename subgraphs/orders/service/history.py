"""Use cases of placed orders: reading them, cancelling them, and what other subgraphs report about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import NotFoundError
from kernel.events.catalogue import (
    OrderDelivered,
    OrderShipped,
    PaymentDisputed,
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
)
from kernel.identity import Caller
from kernel.ids import new_id
from kernel.money import Money
from kernel.pagination import Page, Slice
from kernel.transitions import IllegalTransitionError
from subgraphs.orders.domain.errors import OrderNotCancellableError
from subgraphs.orders.domain.order import EVERY_ORDER, EntryKind, Order, OrderFilter, TimelineEntry
from subgraphs.orders.domain.saga import Saga, SagaKind, start
from subgraphs.orders.domain.status import ORDER, OrderStatus
from subgraphs.orders.service.access import may_see
from subgraphs.orders.service.runner import SagaRunner
from subgraphs.orders.storage import orders as store
from subgraphs.orders.storage import sagas as saga_store

_DISPUTES: Final = {
    "OPEN": "The buyer's bank took {amount} back.",
    "WON": "The bank has decided for us; {amount} came back.",
    "LOST": "The bank has decided for the buyer; {amount} is theirs.",
}
_CALLED_OFF: Final = frozenset({OrderStatus.CANCELLED, OrderStatus.REFUNDED})


class OrderService:
    """Reads orders and brings them to their end."""

    def __init__(self, database: Database, runner: SagaRunner, clock: Clock) -> None:
        self.database = database
        self._runner = runner
        self._clock = clock

    async def get(self, caller: Caller, order_id: str) -> Order | None:
        """Read an order; one of somebody else does not exist."""
        async with self.database.session() as session:
            order = await store.by_id(session, order_id)
        return order if order is not None and may_see(caller, order.customer_id) else None

    async def page(self, page: Page, where: OrderFilter = EVERY_ORDER) -> Slice[Order]:
        """Read a page of all orders, the newest first."""
        async with self.database.session() as session:
            return await store.page_of(session, page, where)

    async def count(self, where: OrderFilter = EVERY_ORDER) -> int:
        """Count all orders."""
        async with self.database.session() as session:
            return await store.count(session, where)

    async def cancel(self, caller: Caller, order_id: str, reason: str) -> Order:
        """Cancel an order that has not left: its parcels are stopped, its stock and money go back.

        Cancelling a cancelled order changes nothing.

        Raises:
            NotFoundError: no such order for this caller.
            IllegalTransitionError: an order in this state cannot be cancelled.
            OrderNotCancellableError: a part of it is on its way.
        """
        saga = await self._start_cancellation(caller, order_id, reason)
        if saga is not None:
            ended = await self._runner.run(saga)
            if ended.failure is not None:
                raise OrderNotCancellableError(ended.failure.message, code=ended.failure.code)
        order = await self.get(caller, order_id)
        if order is None:
            raise NotFoundError("No such order.", path=("id",))
        return order

    async def shipped(self, session: AsyncSession, event: OrderShipped) -> None:
        """Note that a parcel has left; with the last one the order is shipped."""
        order = await self._locked(session, event.order_id)
        status = OrderStatus.SHIPPED if event.complete else OrderStatus.FULFILMENT
        message = f"A parcel is on its way with {event.carrier}, tracking number {event.tracking_number}."
        if order.status == status:
            await store.tell(session, self._entry(order, EntryKind.SHIPPED, message))
        else:
            await self._move(session, order, status, EntryKind.SHIPPED, message)

    async def delivered(self, session: AsyncSession, event: OrderDelivered) -> None:
        """Note that a parcel has arrived; with the last one the order is delivered."""
        order = await self._locked(session, event.order_id)
        message = "A parcel was delivered."
        if event.complete:
            await self._move(session, order, OrderStatus.DELIVERED, EntryKind.DELIVERED, message)
        else:
            await store.tell(session, self._entry(order, EntryKind.DELIVERED, message))

    async def paid(self, session: AsyncSession, event: PaymentProcessed) -> None:
        """Note a payment, and wake the saga that may be waiting for it."""
        order, amount = await self._locked(session, event.order_id), Money(event.amount_minor, event.currency)
        entry = self._entry(order, EntryKind.PAYMENT_PROCESSED, f"{amount} was paid.")
        charged = order.charged + amount
        await store.change_status(session, order, order.status, entry, charged_minor=charged.minor)
        await saga_store.wake(session, order.id, self._clock.now())
        if order.status == OrderStatus.CANCELLED:
            await self._give_back_late_payment(session, order, event.payment_id)

    async def not_paid(self, session: AsyncSession, event: PaymentFailed) -> None:
        """Note a decline, and wake the saga that may be waiting for it."""
        reason = event.decline_code.replace("_", " ")
        order = await self._locked(session, event.order_id)
        await store.tell(session, self._entry(order, EntryKind.PAYMENT_FAILED, f"The payment was declined: {reason}."))
        await saga_store.wake(session, order.id, self._clock.now())

    async def refunded(self, session: AsyncSession, event: PaymentRefunded) -> None:
        """Note a refund; an order that was called off is refunded when all that was taken went back."""
        order = await self._locked(session, event.order_id)
        amount = Money(event.amount_minor, event.currency)
        message, sum_of_all = f"{amount} was refunded.", order.refunded + amount
        if sum_of_all >= order.taken and ORDER.allowed(order.status, OrderStatus.REFUNDED):
            status = OrderStatus.REFUNDED
            entry = self._entry(order, EntryKind.REFUNDED, message, from_status=order.status, to_status=status)
        else:
            status = order.status
            entry = self._entry(order, EntryKind.REFUNDED, message)
        await store.change_status(session, order, status, entry, refunded_minor=sum_of_all.minor)

    async def disputed(self, session: AsyncSession, event: PaymentDisputed) -> None:
        """Note that a buyer had their bank take money back, and how the bank decided."""
        order = await self._locked(session, event.order_id)
        amount = Money(event.amount_minor, event.currency)
        message = _DISPUTES.get(event.status, "The dispute about {amount} is {status}.")
        words = message.format(amount=amount, status=event.status.lower())
        await store.tell(session, self._entry(order, EntryKind.PAYMENT_DISPUTED, words))

    async def _start_cancellation(self, caller: Caller, order_id: str, reason: str) -> Saga | None:
        """Store the saga of a cancellation, or None when there is nothing to be done any more."""
        async with self.database.transaction() as session:
            order = await store.by_id(session, order_id, lock=True)
            if order is None or not may_see(caller, order.customer_id):
                raise NotFoundError("No such order.", path=("id",))
            sagas = await saga_store.of_orders(session, [order_id])
            if order.status in _CALLED_OFF or _being_cancelled(sagas.get(order_id, ())):
                return None
            _check_cancellable(order)
            data = {"reason": reason, "actor": caller.author}
            saga = start(new_id("saga"), SagaKind.CANCELLATION, order_id, order.checkout_id, data)
            await self._runner.begin(session, saga, saga.id)
        return saga

    async def _move(
        self, session: AsyncSession, order: Order, status: OrderStatus, kind: EntryKind, message: str
    ) -> None:
        ORDER.check(order.status, status)
        entry = self._entry(order, kind, message, from_status=order.status, to_status=status)
        await store.change_status(session, order, status, entry)

    async def _give_back_late_payment(self, session: AsyncSession, order: Order, payment_id: str) -> None:
        """Start a refund of what came after the order was cancelled, unless a saga that lives does so anyway."""
        sagas = (await saga_store.of_orders(session, [order.id])).get(order.id, [])
        if any(not saga.ended or saga.kind == SagaKind.CANCELLATION for saga in sagas):
            return
        saga = start(new_id("saga"), SagaKind.LATE_PAYMENT, order.id, order.checkout_id, {})
        now = self._clock.now()
        await saga_store.add(session, saga, f"late:{payment_id}", now, now)

    async def _locked(self, session: AsyncSession, order_id: str) -> Order:
        order = await store.by_id(session, order_id, lock=True)
        if order is None:
            raise NotFoundError(f"No order {order_id}.")
        return order

    def _entry(
        self,
        order: Order,
        kind: EntryKind,
        message: str,
        *,
        from_status: OrderStatus | None = None,
        to_status: OrderStatus | None = None,
    ) -> TimelineEntry:
        return TimelineEntry(
            id=new_id("evt"),
            order_id=order.id,
            kind=kind,
            message=message,
            at=self._clock.now(),
            from_status=from_status,
            to_status=to_status,
        )


def _check_cancellable(order: Order) -> None:
    """Refuse what cannot be cancelled by a person; an order that is being paid is its saga's to cancel."""
    if order.status == OrderStatus.PAYMENT:
        message = "The order's payment is not settled yet; cancel it when that is known."
        raise OrderNotCancellableError(message, code="PAYMENT_PENDING")
    if order.replaces is not None:
        raise OrderNotCancellableError("The order is the other half of an exchange; what it brings can be sent back.")
    try:
        ORDER.check(order.status, OrderStatus.CANCELLED)
    except IllegalTransitionError as error:
        raise OrderNotCancellableError(error.message) from error


def _being_cancelled(sagas: Sequence[Saga]) -> bool:
    return any(saga.kind == SagaKind.CANCELLATION and not saga.ended for saga in sagas)
