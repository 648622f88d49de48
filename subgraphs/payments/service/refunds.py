"""Gives money back: all of a payment or parts of it, each once, and never more than was taken."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.ids import new_id
from kernel.money import Money
from subgraphs.payments.domain.errors import (
    IdempotencyKeyReusedError,
    OutcomeUnknownError,
    RefundExceedsPaymentError,
)
from subgraphs.payments.domain.ledger import refund_entries
from subgraphs.payments.domain.payment import PAYMENT, EventKind, Payment, PaymentStatus, Progress, Refund
from subgraphs.payments.domain.provider import Accepted, Answer, Declined, RefundReport
from subgraphs.payments.domain.settling import Posting
from subgraphs.payments.service.telling import tell_refunded
from subgraphs.payments.service.till import BATCH, Till
from subgraphs.payments.storage import payments as store
from subgraphs.payments.storage import requests as request_store

_LATE = "the payment had ended before the money came"
_AT_THE_PROVIDER = "given back at the provider"


class Refunds:
    """Gives money back."""

    def __init__(self, till: Till) -> None:
        self._till = till

    async def refund(self, *, payment_id: str, amount: Money | None, reason: str, key: str) -> Refund:
        """Give an amount back, or all that is left; the same key gives it once.

        Raises:
            NotFoundError: no such payment.
            IllegalTransitionError: nothing was captured, or nothing of it is left.
            RefundExceedsPaymentError: less than that is left.
        """
        async with self._till.database.transaction() as session:
            payment = await self._till.locked(session, payment_id)
            refund = await request_store.refund_by_key(session, key)
            if refund is None:
                refund = await self._claim(session, payment, amount, reason, key)
            elif refund.payment_id != payment_id or amount not in {None, refund.amount}:
                raise IdempotencyKeyReusedError
        return await self._give_back(refund, payment) if refund.status == Progress.PENDING else refund

    async def claim_late(self, session: AsyncSession, payment: Payment) -> None:
        """Set aside what came after a payment's end; the caller holds the payment."""
        await self._claim(session, payment, None, _LATE, _late_key(payment))

    async def give_late_back(self, payment: Payment) -> None:
        """Give back what was set aside so."""
        async with self._till.database.session() as session:
            refund = await request_store.refund_by_key(session, _late_key(payment))
        if refund is not None and refund.status == Progress.PENDING:
            await self._give_back(refund, payment)

    async def report(self, payment: Payment, report: RefundReport) -> bool:
        """Take what the provider tells of a refund, also of one that was made at its own desk; tell if it was news.

        Raises:
            RefundExceedsPaymentError: more went back than was left.
        """
        async with self._till.database.transaction() as session:
            payment = await self._till.locked(session, payment.id)
            key = report.key or f"{payment.provider}:{_reference(report)}"
            refund = await request_store.refund_by_key(session, key)
            if refund is None:
                if report.key or isinstance(report.answer, Declined):
                    return False
                refund = await self._claim(session, payment, report.amount, _AT_THE_PROVIDER, key)
                payment = payment.after(self._till.event(EventKind.REFUND_REQUESTED, refund.amount))
            return refund.payment_id == payment.id and await self._settle(session, payment, refund, report.answer)

    async def settle_due(self) -> int:
        """Ask again for every refund whose outcome has been open for too long; tell how many."""
        async with self._till.database.transaction() as session:
            due = await request_store.due_refunds(session, self._till.now, self._till.again_at, BATCH)
        return await self._till.each(self._give_back_due, due)

    async def _give_back_due(self, refund: Refund) -> Refund:
        return await self._give_back(refund, await self._till.payment(refund.payment_id))

    async def _claim(
        self, session: AsyncSession, payment: Payment, amount: Money | None, reason: str, key: str
    ) -> Refund:
        if payment.status != PaymentStatus.CHARGED_BACK:
            PAYMENT.check(payment.status, PaymentStatus.REFUNDED)
        left = payment.refundable
        wanted = left if amount is None else amount
        if wanted.currency != left.currency or not 0 < wanted.minor <= left.minor:
            raise RefundExceedsPaymentError(wanted, left)
        event = self._till.event(EventKind.REFUND_REQUESTED, wanted)
        refund = Refund(
            id=new_id("ref"),
            payment_id=payment.id,
            idempotency_key=key,
            amount=wanted,
            reason=reason,
            status=Progress.PENDING,
            provider_reference="",
            created_at=event.at,
        )
        await store.post(session, payment.after(event), [Posting(event)], expected={payment.status})
        await request_store.add_refund(session, refund, self._till.again_at)
        return refund

    async def _give_back(self, refund: Refund, payment: Payment) -> Refund:
        key, provider = refund.idempotency_key, self._till.provider(payment.provider)
        try:
            question = provider.refund(key, payment.provider_reference, refund.amount)
            answer = await self._till.ask(payment.provider, question)
        except OutcomeUnknownError:
            return refund
        async with self._till.database.transaction() as session:
            await self._settle(session, await self._till.locked(session, payment.id), refund, answer)
        async with self._till.database.session() as session:
            return await request_store.refund_by_key(session, key) or refund

    async def _settle(self, session: AsyncSession, payment: Payment, refund: Refund, answer: Answer) -> bool:
        """Write the end of a refund of a locked payment; False when it was known."""
        if isinstance(answer, Declined):
            if not await request_store.settle_refund(session, refund, Progress.DECLINED, ""):
                return False
            event = self._till.event(EventKind.REFUND_DECLINED, refund.amount, code=answer.code)
            return await store.post(session, payment.after(event), [Posting(event)], expected={payment.status})
        if not await request_store.settle_refund(session, refund, Progress.SUCCEEDED, answer.reference):
            return False
        event = self._till.event(EventKind.REFUND_SUCCEEDED, refund.amount, answer.reference)
        posting = Posting(event, refund_entries(refund.amount), refund.id)
        await store.post(session, payment.after(event), [posting], expected={payment.status})
        await tell_refunded(session, payment, refund)
        return True


def _late_key(payment: Payment) -> str:
    return f"late:{payment.id}"


def _reference(report: RefundReport) -> str:
    return report.answer.reference if isinstance(report.answer, Accepted) else ""
