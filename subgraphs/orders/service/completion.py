"""Completing a checkout, exactly once.

One transaction claims the checkout, inserts the order, the saga and its idempotency key, and tells OrderPlaced;
everything that can happen only once is unique in the database there, before anything moves. Then the saga runs
as far as it goes. Whoever comes second, by the same key or another, finds the order of the first.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy.exc import IntegrityError

from kernel.card_numbers import refuse_card_numbers
from kernel.clock import Clock
from kernel.database import Database, constraint_name
from kernel.errors import ConflictError, DomainError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.events.outbox import record
from kernel.identity import Caller, refuse_impersonation
from kernel.ids import new_id
from kernel.money import Money
from subgraphs.orders.domain.checkout import Checkout, Totals, check_ready, check_total, totals
from subgraphs.orders.domain.errors import (
    CartChangedError,
    ClaimedError,
    IdempotencyKeyReusedError,
    InsufficientStockError,
    PaymentDeclinedError,
    PriceChangedError,
    Shortage,
)
from subgraphs.orders.domain.order import (
    EntryKind,
    Order,
    OrderLine,
    TimelineEntry,
    place,
    placed_event,
)
from subgraphs.orders.domain.ports import STORED_METHOD
from subgraphs.orders.domain.saga import Failure, Saga, SagaKind, StepName, StepStatus, start
from subgraphs.orders.domain.status import CheckoutStatus, OrderStatus, SagaStatus
from subgraphs.orders.domain.tax import TaxProvider
from subgraphs.orders.service.checkouts import CheckoutService
from subgraphs.orders.service.destinations import spell
from subgraphs.orders.service.runner import SagaRunner
from subgraphs.orders.storage import checkouts as checkout_store
from subgraphs.orders.storage import orders as order_store
from subgraphs.orders.storage import sagas as saga_store

_LONGEST_TEXT: Final = 200
_CLAIMS: Final = frozenset({"orders_one_per_cart", "sagas_key"})


@dataclass(frozen=True, slots=True)
class Completion:
    """What a buyer asks for when they pay."""

    expected_total: Money
    payment_token: str
    key: str

    def fingerprint(self) -> str:
        """Tell this request from another one under the same key; the token is not kept readable."""
        return hashlib.sha256(f"{self.expected_total}|{self.payment_token}".encode()).hexdigest()


class CompletionService:
    """Turns checkouts into orders."""

    def __init__(
        self,
        database: Database,
        checkouts: CheckoutService,
        taxes: TaxProvider,
        runner: SagaRunner,
        clock: Clock,
        *,
        reservation_seconds: int = 900,
        at_once: int = 24,
    ) -> None:
        self.database = database
        self._checkouts = checkouts
        self._taxes = taxes
        self._runner = runner
        self._clock = clock
        self._reservation_seconds = reservation_seconds
        self._places = asyncio.Semaphore(at_once)

    def totals_of(self, checkout: Checkout) -> Totals:
        """Work out what a checkout costs as far as it has been filled in."""
        return totals(checkout, self._taxes)

    async def complete(self, caller: Caller, checkout_id: str, request: Completion) -> Order:
        """Pay a checkout and give its order; one whose payment is not known yet is given in status PAYMENT.

        Only so many are at work at once, the others wait in the order in which they came: a rush that took all
        connections would only make everybody time out, and try again.

        Raises:
            NotFoundError: no such checkout for this caller.
            IdempotencyKeyReusedError: the key was used for another request.
            CartChangedError: the cart or checkout was changed since.
            CheckoutNotReadyError: the address or the shipping method is missing.
            PriceChangedError: the total is not what was expected.
            InsufficientStockError: the stock was lost meanwhile.
            PaymentDeclinedError: the provider declined.
            ForbiddenError: somebody of the shop acts in the buyer's name.
        """
        refuse_impersonation(caller)
        _check_request(request)
        async with self._places:
            return await self._complete(caller, checkout_id, request)

    async def _complete(self, caller: Caller, checkout_id: str, request: Completion) -> Order:
        checkout = await self._checkouts.get(caller, checkout_id)
        if checkout is None:
            raise NotFoundError("No such checkout.", path=("id",))
        if request.payment_token.startswith(STORED_METHOD) and caller.id != checkout.customer_id:
            raise ForbiddenError("A stored payment method pays for its owner alone.")
        if checkout.status != CheckoutStatus.OPEN:
            return await self._replay(checkout_id, request)
        priced = await self._current(checkout)
        amounts = await self._agreed(checkout, priced, request)
        claimed = await self._claim(priced, amounts, request)
        if claimed is None:
            return await self._replay(checkout_id, request)
        order, saga = claimed
        return await self._outcome(await self._runner.run(saga), order)

    async def _current(self, checkout: Checkout) -> Checkout:
        """Give the checkout at the prices of now."""
        if checkout.cart_version != checkout.current_cart_version:
            raise CartChangedError
        check_ready(checkout)
        priced = replace(checkout, lines=await self._checkouts.priced(checkout.lines, checkout.currency))
        return await self._checkouts.with_voucher_of_now(priced)

    async def _agreed(self, seen: Checkout, priced: Checkout, request: Completion) -> Totals:
        try:
            return check_total(priced, request.expected_total, self._taxes)
        except PriceChangedError:
            if priced != seen:
                await self._checkouts.refresh(priced)
            raise

    async def _claim(self, checkout: Checkout, amounts: Totals, request: Completion) -> tuple[Order, Saga] | None:
        """Make the order and its saga, or None when somebody else has done so."""
        now = self._clock.now()
        order = place(checkout, amounts, new_id("ord"), now)
        lines = _order_lines(order.id, checkout, amounts)
        saga = self._new_saga(checkout, order, request)
        try:
            async with self.database.transaction() as session:
                together = (
                    order_store.lines_insertion(lines),
                    order_store.entry_insertion(_placed_entry(order)),
                    *saga_store.insertions(saga, request.key, request.fingerprint(), now + self._runner.lease, now),
                )
                order = replace(order, number=await checkout_store.claim(session, checkout, order, now, together))
                await record(session, placed_event(order, lines), subject=order.id)
        except ClaimedError:
            return None
        except IntegrityError as error:
            if constraint_name(error) not in _CLAIMS:
                raise
            return None
        return order, saga

    async def _replay(self, checkout_id: str, request: Completion) -> Order:
        """Give what an earlier request has brought, by this key or another."""
        async with self.database.session() as session:
            started = await saga_store.by_key(session, checkout_id, request.key)
            checkout = await checkout_store.by_id(session, checkout_id)
        if started is not None:
            saga, fingerprint = started
            if fingerprint != request.fingerprint():
                raise IdempotencyKeyReusedError
            return await self._outcome(saga)
        if checkout is None or checkout.order_id is None:
            raise CartChangedError
        return await self._order(checkout.order_id)

    async def _outcome(self, saga: Saga, placed: Order | None = None) -> Order:
        """Give the order of a saga; one that was placed just now need not be read again."""
        if saga.failure is not None:
            raise error_of(saga.failure)
        if placed is None or saga.status != SagaStatus.COMPLETED:
            return await self._order(saga.order_id)
        confirmed_at = datetime.fromisoformat(saga.result(StepName.CONFIRM_ORDER)["confirmed_at"])
        return replace(placed, status=OrderStatus.CONFIRMED, confirmed_at=confirmed_at, version=placed.version + 1)

    async def _order(self, order_id: str) -> Order:
        async with self.database.session() as session:
            order = await order_store.by_id(session, order_id)
        if order is None:
            raise NotFoundError("No such order.", path=("id",))
        return order

    def _new_saga(self, checkout: Checkout, order: Order, request: Completion) -> Saga:
        data: dict[str, Any] = {
            "total_minor": order.total.gross.minor,
            "currency": order.currency,
            "customer_id": order.customer_id,
            "payment_token": request.payment_token,
            "quantities": {line.sku: line.quantity for line in checkout.lines},
            "reserve_seconds": self._reservation_seconds,
        }
        if checkout.voucher is not None:
            voucher = {"voucher_code": checkout.voucher.code, "goods_minor": checkout.goods.minor}
            data |= {**voucher, "email": checkout.email}
        if checkout.address is not None:
            data["destination"] = spell(checkout.address)
        without = frozenset() if checkout.voucher else frozenset({StepName.REDEEM_VOUCHER})
        saga = start(new_id("saga"), SagaKind.CHECKOUT, order.id, checkout.id, data, without=without)
        held = checkout.reservation
        if held is None or held.expires_at <= self._clock.now():
            return saga
        return saga.with_step(StepName.RESERVE_STOCK, StepStatus.DONE, {"reservation_id": held.id})


def error_of(failure: Failure) -> DomainError:
    """Make the error again for which a saga turned round."""
    details: Mapping[str, Any] = failure.details
    if "decline_code" in details:
        return PaymentDeclinedError(details["decline_code"], retryable=details["retryable"])
    if "shortages" in details:
        return InsufficientStockError(tuple(Shortage(**short) for short in details["shortages"]))
    return ConflictError(failure.message, code=failure.code)


def _check_request(request: Completion) -> None:
    texts = {"idempotencyKey": request.key, "paymentToken": request.payment_token}
    for name, text in texts.items():
        if not 1 <= len(text) <= _LONGEST_TEXT:
            raise InvalidInputError(f"{name} has from 1 to {_LONGEST_TEXT} characters.", path=(name,))
    refuse_card_numbers(request.payment_token, path=("input", "paymentToken"))


def _order_lines(order_id: str, checkout: Checkout, amounts: Totals) -> tuple[OrderLine, ...]:
    return tuple(
        OrderLine(
            id=new_id("line"),
            order_id=order_id,
            position=position,
            sku=line.sku,
            variant_id=line.variant_id,
            product_id=line.product_id,
            name=line.name,
            quantity=line.quantity,
            unit_price=line.unit_price,
            total=total,
            discount=discount,
        )
        for position, (line, total, discount) in enumerate(
            zip(checkout.lines, amounts.lines, amounts.discounts, strict=True)
        )
    )


def _placed_entry(order: Order) -> TimelineEntry:
    return TimelineEntry(
        id=new_id("evt"),
        order_id=order.id,
        kind=EntryKind.PLACED,
        message="The order was placed and waits for its payment.",
        at=order.placed_at,
        actor=order.customer_id or "guest",
        to_status=OrderStatus.PAYMENT,
    )
