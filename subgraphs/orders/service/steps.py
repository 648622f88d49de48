"""The steps of checkout and cancellation: what each asks of others, what it changes here, and how it is undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from sqlalchemy import CTE
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.events.outbox import record
from kernel.ids import new_id
from kernel.money import Money
from subgraphs.orders.domain.errors import InsufficientStockError
from subgraphs.orders.domain.order import EntryKind, Order, TimelineEntry, cancelled_event, confirmed_event
from subgraphs.orders.domain.ports import Payments, PaymentState, Ports, Shipping, Stock, VoucherPurchase, Vouchers
from subgraphs.orders.domain.returns import ReturnStatus
from subgraphs.orders.domain.saga import Failure, Saga, SagaKind, StepName
from subgraphs.orders.domain.status import CHECKOUT, ORDER, CheckoutStatus, OrderStatus
from subgraphs.orders.service.destinations import destination_of
from subgraphs.orders.service.edit_steps import AllocateMore, ApplyEdit, HoldShipments, SettleStock
from subgraphs.orders.service.return_steps import ApproveReturn, CloseReturn, RefundAmount, ReturnStock
from subgraphs.orders.service.runner import Done, Outcome, StepHandler, Unknown
from subgraphs.orders.service.uncompensated import Uncompensated
from subgraphs.orders.storage import carts as cart_store
from subgraphs.orders.storage import checkouts as checkout_store
from subgraphs.orders.storage import orders as order_store
from subgraphs.orders.storage import returns as return_store

_CANCELLED = "the order was cancelled"


class ReserveStock:
    """Holds the stock that the checkout has lost meanwhile."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock

    async def run(self, saga: Saga) -> Outcome:
        """Hold stock for as long as a checkout does."""
        data = saga.data
        key = saga.key(StepName.RESERVE_STOCK)
        try:
            held = await self._stock.reserve(saga.checkout_id, data["quantities"], data["reserve_seconds"], key)
        except InsufficientStockError as error:
            shortages = [asdict(short) for short in error.shortages]
            return Failure(error.code, error.message, {"shortages": shortages})
        return Done({"reservation_id": held.id})

    async def undo(self, saga: Saga) -> None:
        """Let go of what is held."""
        reservation_id = saga.result(StepName.RESERVE_STOCK)["reservation_id"]
        reason = saga.failure.code.lower() if saga.failure else ""
        await self._stock.release(reservation_id, reason, saga.undo_key(StepName.RESERVE_STOCK))


class RedeemVoucher:
    """Counts the use of the buyer's voucher."""

    def __init__(self, vouchers: Vouchers) -> None:
        self._vouchers = vouchers

    async def run(self, saga: Saga) -> Outcome:
        """Count a use; the order is its own idempotency key."""
        data = saga.data
        purchase = VoucherPurchase(
            goods=Money(data["goods_minor"], data["currency"]), customer_id=data["customer_id"], email=data["email"]
        )
        await self._vouchers.redeem(data["voucher_code"], saga.order_id, purchase)
        return Done()

    async def undo(self, saga: Saga) -> None:
        """Uncount it."""
        await self._vouchers.release(saga.order_id)


class ProcessPayment:
    """Takes the money; after a try whose end is not known, asks before it sends anything again."""

    def __init__(self, payments: Payments) -> None:
        self._payments = payments

    async def run(self, saga: Saga) -> Outcome:
        """Take the total of the order; where it is nothing there is nothing to take."""
        if not saga.data["total_minor"]:
            return Done({"payment_id": None})
        key = saga.key(StepName.PROCESS_PAYMENT)
        payment = None if saga.first_try else await self._payments.find(key)
        if payment is None:
            payment = await self._payments.process(
                order_id=saga.order_id,
                amount=Money(saga.data["total_minor"], saga.data["currency"]),
                token=saga.data["payment_token"],
                customer_id=saga.data["customer_id"],
                key=key,
            )
        if payment.state == PaymentState.PENDING:
            return Unknown("the provider has not answered yet")
        if payment.state == PaymentState.DECLINED:
            facts = {"decline_code": payment.decline_code, "retryable": payment.retryable}
            return Failure("PAYMENT_DECLINED", f"The payment was declined: {payment.decline_code}.", facts)
        return Done({"payment_id": payment.id})

    async def undo(self, saga: Saga) -> None:
        """Give the money back."""
        payment_id = saga.result(StepName.PROCESS_PAYMENT)["payment_id"]
        if payment_id is not None:
            key = saga.undo_key(StepName.PROCESS_PAYMENT)
            await self._payments.refund(payment_id, "the order could not be completed", key)


class ConfirmOrder(Uncompensated):
    """Gives the held stock to the order, confirms it here and tells everybody; mail and analytics follow from that.

    It is the last step, so it is never undone: refused, it has allocated nothing.
    """

    def __init__(self, stock: Stock, clock: Clock) -> None:
        self._stock = stock
        self._clock = clock

    async def run(self, saga: Saga) -> Outcome:
        """Allocate and confirm; the checkout is completed with it."""
        reservation_id = saga.result(StepName.RESERVE_STOCK)["reservation_id"]
        key = saga.key(StepName.CONFIRM_ORDER)
        stock = await self._stock.allocate(reservation_id, saga.order_id, key, destination_of(saga))
        now = self._clock.now()

        async def effect(session: AsyncSession) -> Sequence[CTE]:
            order, lines = await order_store.locked_with_lines(session, saga.order_id)
            ORDER.check(order.status, OrderStatus.CONFIRMED)
            await record(session, confirmed_event(order, lines, stock, now), subject=order.id)
            entry = _entry(order, EntryKind.CONFIRMED, "Paid, and the goods are set aside.", self._clock)
            return (
                order_store.status_change(order, OrderStatus.CONFIRMED, confirmed_at=now),
                order_store.entry_insertion(replace(entry, to_status=OrderStatus.CONFIRMED)),
                _checkout_change(saga, CheckoutStatus.COMPLETED),
            )

        return Done({"confirmed_at": now.isoformat()}, effect)


class HaltShipments(Uncompensated):
    """Stops the parcels; refused when one is on its way."""

    def __init__(self, shipping: Shipping) -> None:
        self._shipping = shipping

    async def run(self, saga: Saga) -> Outcome:
        """Stop the parcels."""
        await self._shipping.halt(saga.order_id)
        return Done()


class CancelOrder(Uncompensated):
    """Cancels the order here and tells everybody."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def run(self, saga: Saga) -> Outcome:
        """Cancel the order."""

        async def effect(session: AsyncSession) -> Sequence[CTE]:
            order = await _locked(session, saga.order_id)
            return await cancel(session, order, saga.data["reason"], saga.data["actor"], self._clock)

        return Done(effect=effect)


class ReleaseAllocation(Uncompensated):
    """Takes the stock of a cancelled order back."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock

    async def run(self, saga: Saga) -> Outcome:
        """Take the stock back."""
        key = saga.key(StepName.RELEASE_ALLOCATION)
        await self._stock.release_allocation(saga.order_id, _CANCELLED, key)
        return Done()


class RefundPayment(Uncompensated):
    """Gives the money of a cancelled order back."""

    def __init__(self, payments: Payments) -> None:
        self._payments = payments

    async def run(self, saga: Saga) -> Outcome:
        """Give the money back."""
        key = saga.key(StepName.REFUND_PAYMENT)
        await self._payments.refund_order(saga.order_id, _CANCELLED, key)
        return Done()


class Ends:
    """What changes here when a saga has gone back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def compensated(self, session: AsyncSession, saga: Saga) -> Sequence[CTE]:
        """Cancel the order of a failed checkout or exchange; the checkout is open again, the exchange is none."""
        if saga.kind not in {SagaKind.CHECKOUT, SagaKind.EXCHANGE}:
            return ()
        order = await _locked(session, saga.order_id)
        reason = saga.failure.code if saga.failure else ""
        cancelled = await cancel(session, order, reason, "system", self._clock)
        if saga.kind is SagaKind.CHECKOUT:
            return (*cancelled, _checkout_change(saga, CheckoutStatus.OPEN), cart_store.reopening(order.cart_id))
        await self._call_return_off(session, saga)
        return cancelled

    async def _call_return_off(self, session: AsyncSession, saga: Saga) -> None:
        await _locked(session, saga.data["exchanged_order_id"])
        known = await return_store.by_id(session, saga.data["return_id"])
        if known is not None:
            await return_store.change(session, known.to(ReturnStatus.CANCELLED), self._clock.now())


async def cancel(session: AsyncSession, order: Order, reason: str, actor: str, clock: Clock) -> Sequence[CTE]:
    """Cancel a locked order: tells it in the outbox now, and leaves the change of state to the caller's statement."""
    ORDER.check(order.status, OrderStatus.CANCELLED)
    await record(session, cancelled_event(order, reason), subject=order.id)
    entry = _entry(order, EntryKind.CANCELLED, f"Cancelled: {reason.lower().replace('_', ' ')}.", clock)
    return (
        order_store.status_change(order, OrderStatus.CANCELLED),
        order_store.entry_insertion(replace(entry, to_status=OrderStatus.CANCELLED, actor=actor)),
    )


def make_steps(ports: Ports, clock: Clock) -> Mapping[StepName, StepHandler]:
    """Make the handler of every step."""
    return {
        StepName.RESERVE_STOCK: ReserveStock(ports.stock),
        StepName.REDEEM_VOUCHER: RedeemVoucher(ports.vouchers),
        StepName.PROCESS_PAYMENT: ProcessPayment(ports.payments),
        StepName.CONFIRM_ORDER: ConfirmOrder(ports.stock, clock),
        StepName.HALT_SHIPMENTS: HaltShipments(ports.shipping),
        StepName.CANCEL_ORDER: CancelOrder(clock),
        StepName.RELEASE_ALLOCATION: ReleaseAllocation(ports.stock),
        StepName.REFUND_PAYMENT: RefundPayment(ports.payments),
        StepName.RETURN_STOCK: ReturnStock(ports.stock),
        StepName.REFUND_AMOUNT: RefundAmount(ports.payments),
        StepName.CLOSE_RETURN: CloseReturn(clock),
        StepName.HOLD_SHIPMENTS: HoldShipments(ports.shipping),
        StepName.ALLOCATE_MORE: AllocateMore(ports.stock),
        StepName.SETTLE_STOCK: SettleStock(ports.stock),
        StepName.APPLY_EDIT: ApplyEdit(clock),
        StepName.APPROVE_RETURN: ApproveReturn(ports.shipping, clock),
    }


def _entry(order: Order, kind: EntryKind, message: str, clock: Clock) -> TimelineEntry:
    return TimelineEntry(
        id=new_id("evt"),
        order_id=order.id,
        kind=kind,
        message=message,
        at=clock.now(),
        from_status=order.status,
    )


async def _locked(session: AsyncSession, order_id: str) -> Order:
    order = await order_store.by_id(session, order_id, lock=True)
    if order is None:
        raise LookupError(f"saga without its order {order_id}")
    return order


def _checkout_change(saga: Saga, status: CheckoutStatus) -> CTE:
    CHECKOUT.check(CheckoutStatus.PAYMENT, status)
    return checkout_store.leaving_payment(saga.checkout_id, saga.order_id, status)
