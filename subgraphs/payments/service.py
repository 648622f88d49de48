"""Use cases of payments: take money once, find out what became of it, give it back.

A request is claimed by its idempotency key in one committed statement before the provider is called, and the
answer is written in another transaction, so none is open while the provider thinks. Whatever happens between
the two leaves a PENDING row that is settled by asking again with the same key: by the caller, or by the job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import InvalidInputError, NotFoundError
from kernel.events.catalogue import PaymentFailed, PaymentProcessed, PaymentRefunded
from kernel.events.outbox import record
from kernel.ids import new_id
from kernel.money import Money
from subgraphs.payments.domain.ledger import capture_entries, refund_entries
from subgraphs.payments.domain.payment import (
    PAYMENT,
    EventKind,
    IdempotencyKeyReusedError,
    OutcomeUnknownError,
    Payment,
    PaymentEvent,
    PaymentStatus,
    Refund,
    RefundExceedsPaymentError,
    RefundStatus,
    amounts,
)
from subgraphs.payments.domain.provider import Accepted, Answer, Declined, PaymentProvider
from subgraphs.payments.storage import payments as store

T = TypeVar("T")

_BATCH = 10


class PaymentsService:
    """Takes money and gives it back, each exactly once."""

    def __init__(
        self,
        database: Database,
        provider: PaymentProvider,
        clock: Clock,
        *,
        provider_timeout: float = 10.0,
        settle_after: float = 15.0,
    ) -> None:
        self.database = database
        self._provider = provider
        self._clock = clock
        self._provider_timeout = provider_timeout
        self._settle_after = timedelta(seconds=settle_after)

    async def process(self, *, order_id: str, amount: Money, token: str, customer_id: str | None, key: str) -> Payment:
        """Take an amount for an order; the same key takes it once and always gets the same payment.

        Raises:
            IdempotencyKeyReusedError: the key was used for another order, amount or token.
        """
        if amount.minor <= 0:
            raise InvalidInputError("Only more than nothing can be paid.", path=("input", "amount"))
        payment = self._new_payment(order_id, amount, token, customer_id, key)
        async with self.database.transaction() as session:
            claimed = await store.claim(session, payment, self._clock.now() + self._settle_after)
        if claimed:
            return await self._charge(payment)
        known = await self._known(key)
        if not known.same_request(order_id, amount, token):
            raise IdempotencyKeyReusedError
        return await self._charge(known) if known.status == PaymentStatus.PENDING else known

    async def find(self, key: str) -> Payment | None:
        """Find a payment by its key; one that is pending is asked for at the provider first."""
        async with self.database.session() as session:
            payment = await store.by_key(session, key)
        if payment is None or payment.status != PaymentStatus.PENDING:
            return payment
        try:
            answer = await self._ask(self._provider.find_charge(key))
        except OutcomeUnknownError:
            return payment
        return payment if answer is None else await self._settle(payment, answer)

    async def refund(self, *, payment_id: str, amount: Money | None, reason: str, key: str) -> Refund:
        """Give an amount back, or all that is left; the same key gives it once.

        Raises:
            NotFoundError: no such payment.
            IllegalTransitionError: nothing was captured, or nothing of it is left.
            RefundExceedsPaymentError: less than that is left.
        """
        async with self.database.transaction() as session:
            payment = await store.by_id(session, payment_id, lock=True)
            if payment is None:
                raise NotFoundError("No such payment.", path=("paymentId",))
            refund = await store.refund_by_key(session, key)
            if refund is None:
                refund = await self._claim_refund(session, payment, amount, reason, key)
            elif refund.payment_id != payment_id or amount not in {None, refund.amount}:
                raise IdempotencyKeyReusedError
        return await self._give_back(refund, payment) if refund.status == RefundStatus.PENDING else refund

    async def settle_due(self) -> int:
        """Ask again for every payment and refund whose outcome has been open for too long; tell how many."""
        now = self._clock.now()
        async with self.database.transaction() as session:
            payments = await store.due_payments(session, now, now + self._settle_after, _BATCH)
            refunds = await store.due_refunds(session, now, now + self._settle_after, _BATCH)
        await asyncio.gather(*map(self._charge, payments), *map(self._give_back_due, refunds))
        return len(payments) + len(refunds)

    async def _give_back_due(self, refund: Refund) -> Refund:
        return await self._give_back(refund, await self._payment(refund.payment_id))

    async def _charge(self, payment: Payment) -> Payment:
        key = payment.idempotency_key
        try:
            answer = await self._ask(self._provider.charge(key, payment.amount, payment.token))
        except OutcomeUnknownError:
            return payment
        return await self._settle(payment, answer)

    async def _settle(self, payment: Payment, answer: Answer) -> Payment:
        settled = _settled(payment, answer)
        event = self._charge_event(settled)
        entries = capture_entries(payment.amount) if isinstance(answer, Accepted) else ()
        async with self.database.transaction() as session:
            if await store.settle(session, payment, answer, event, entries):
                await record(session, _told(settled), subject=payment.order_id)
                return settled
        return await self._known(payment.idempotency_key)

    def _charge_event(self, payment: Payment) -> PaymentEvent:
        if payment.status == PaymentStatus.CAPTURED:
            return self._event(EventKind.CHARGE_SUCCEEDED, payment.amount, payment.provider_reference)
        return self._event(EventKind.CHARGE_DECLINED, payment.amount, code=payment.decline_code)

    async def _claim_refund(
        self, session: AsyncSession, payment: Payment, amount: Money | None, reason: str, key: str
    ) -> Refund:
        PAYMENT.check(payment.status, PaymentStatus.REFUNDED)
        events = await store.events_of(session, [payment.id])
        left = amounts(events[payment.id], payment.amount.currency).refundable
        wanted = left if amount is None else amount
        if wanted.currency != left.currency or not 0 < wanted.minor <= left.minor:
            raise RefundExceedsPaymentError(wanted, left)
        refund = Refund(
            id=new_id("ref"),
            payment_id=payment.id,
            idempotency_key=key,
            amount=wanted,
            reason=reason,
            status=RefundStatus.PENDING,
            provider_reference="",
            created_at=self._clock.now(),
        )
        await store.claim_refund(session, refund, self._clock.now() + self._settle_after)
        await store.append(session, payment.id, self._event(EventKind.REFUND_REQUESTED, wanted))
        return refund

    async def _give_back(self, refund: Refund, payment: Payment) -> Refund:
        key = refund.idempotency_key
        try:
            answer = await self._ask(self._provider.refund(key, payment.provider_reference, refund.amount))
        except OutcomeUnknownError:
            return refund
        async with self.database.transaction() as session:
            if await store.settle_refund(session, refund, answer):
                await self._tell_refund(session, refund, payment, answer)
        async with self.database.session() as session:
            return await store.refund_by_key(session, key) or refund

    async def _tell_refund(self, session: AsyncSession, refund: Refund, payment: Payment, answer: Answer) -> None:
        if isinstance(answer, Declined):
            event = self._event(EventKind.REFUND_DECLINED, refund.amount, code=answer.code)
            await store.append(session, payment.id, event)
            return
        event = self._event(EventKind.REFUND_SUCCEEDED, refund.amount, answer.reference)
        await store.append(session, payment.id, event, refund.id, refund_entries(refund.amount))
        refunded = PaymentRefunded(
            payment_id=payment.id,
            order_id=payment.order_id,
            amount_minor=refund.amount.minor,
            currency=refund.amount.currency,
            refund_id=refund.id,
            reason=refund.reason,
        )
        await record(session, refunded, subject=payment.order_id)

    async def _ask(self, question: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._provider_timeout):
                return await question
        except TimeoutError as error:
            raise OutcomeUnknownError("The payment provider took too long.") from error

    async def _known(self, key: str) -> Payment:
        async with self.database.session() as session:
            payment = await store.by_key(session, key)
        if payment is None:
            raise NotFoundError("No such payment.", path=("idempotencyKey",))
        return payment

    async def _payment(self, payment_id: str) -> Payment:
        async with self.database.session() as session:
            payment = await store.by_id(session, payment_id)
        if payment is None:
            raise NotFoundError("No such payment.", path=("paymentId",))
        return payment

    def _event(self, kind: EventKind, amount: Money, reference: str = "", code: str = "") -> PaymentEvent:
        return PaymentEvent(kind=kind, amount=amount, at=self._clock.now(), provider_reference=reference, code=code)

    def _new_payment(self, order_id: str, amount: Money, token: str, customer_id: str | None, key: str) -> Payment:
        return Payment(
            id=new_id("pay"),
            idempotency_key=key,
            order_id=order_id,
            customer_id=customer_id,
            amount=amount,
            token=token,
            status=PaymentStatus.PENDING,
            refunded=Money.zero(amount.currency),
            provider_reference="",
            decline_code="",
            retryable=False,
            created_at=self._clock.now(),
        )


def _settled(payment: Payment, answer: Answer) -> Payment:
    if isinstance(answer, Accepted):
        return replace(payment, status=PaymentStatus.CAPTURED, provider_reference=answer.reference)
    return replace(payment, status=PaymentStatus.DECLINED, decline_code=answer.code, retryable=answer.retryable)


def _told(payment: Payment) -> PaymentProcessed | PaymentFailed:
    facts: dict[str, Any] = {
        "payment_id": payment.id,
        "order_id": payment.order_id,
        "amount_minor": payment.amount.minor,
        "currency": payment.amount.currency,
    }
    if payment.status == PaymentStatus.CAPTURED:
        return PaymentProcessed(**facts, provider_reference=payment.provider_reference)
    return PaymentFailed(**facts, decline_code=payment.decline_code, retryable=payment.retryable)
