"""Takes held money, all of it or a part, or lets go of it: one of the two, and once."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.ids import new_id
from kernel.money import Money
from kernel.transitions import IllegalTransitionError
from subgraphs.payments.domain.errors import (
    CaptureExceedsPaymentError,
    IdempotencyKeyReusedError,
    OperationUnderWayError,
    OutcomeUnknownError,
)
from subgraphs.payments.domain.payment import (
    PAYMENT,
    EventKind,
    Operation,
    OperationKind,
    Payment,
    PaymentStatus,
    Progress,
)
from subgraphs.payments.domain.provider import Accepted, ChargeAnswer, Declined
from subgraphs.payments.domain.settling import Posting
from subgraphs.payments.service.charges import Charges
from subgraphs.payments.service.till import BATCH, Till
from subgraphs.payments.storage import payments as store
from subgraphs.payments.storage import requests as request_store

_POSSIBLE = {
    OperationKind.CAPTURE: (PaymentStatus.CAPTURED, {PaymentStatus.AUTHORIZED}),
    OperationKind.VOID: (PaymentStatus.VOIDED, {PaymentStatus.AUTHORIZED, PaymentStatus.REQUIRES_ACTION}),
}
"""What each operation leads to, and from where."""


class Captures:
    """Ends what is held."""

    def __init__(self, till: Till, charges: Charges) -> None:
        self._till = till
        self._charges = charges

    async def capture(self, *, payment_id: str, amount: Money | None, key: str) -> Payment:
        """Take what is held, or a part of it, after which the rest is let go; the same key does so once.

        Raises:
            NotFoundError: no such payment.
            IllegalTransitionError: nothing is held.
            CaptureExceedsPaymentError: less than that is held.
            OperationUnderWayError: it is being captured or voided under another key.
        """
        return await self._begin(OperationKind.CAPTURE, payment_id, amount, key)

    async def void(self, *, payment_id: str, key: str) -> Payment:
        """Let go of what is held, or give up a payment whose buyer was sent to a step; the same key does so once.

        Raises:
            NotFoundError: no such payment.
            IllegalTransitionError: there is nothing to let go.
            OperationUnderWayError: it is being captured or voided under another key.
        """
        return await self._begin(OperationKind.VOID, payment_id, None, key)

    async def settle_due(self) -> int:
        """Ask again for every capture and void whose outcome has been open for too long; tell how many."""
        async with self._till.database.transaction() as session:
            due = await request_store.due_operations(session, self._till.now, self._till.again_at, BATCH)
        return await self._till.each(self._carry_out, due)

    async def _begin(self, kind: OperationKind, payment_id: str, amount: Money | None, key: str) -> Payment:
        async with self._till.database.transaction() as session:
            payment = await self._till.locked(session, payment_id)
            operation = await request_store.operation_by_key(session, key)
            if operation is None:
                operation = await self._claim(session, kind, payment, amount, key)
            elif (operation.kind, operation.payment_id) != (kind, payment_id) or amount not in {None, operation.amount}:
                raise IdempotencyKeyReusedError
        return await self._carry_out(operation) if operation.status == Progress.PENDING else payment

    async def _claim(
        self, session: AsyncSession, kind: OperationKind, payment: Payment, amount: Money | None, key: str
    ) -> Operation:
        wanted, legal = _POSSIBLE[kind]
        if payment.status not in legal:
            raise IllegalTransitionError("The payment", payment.status, wanted, PAYMENT.legal(payment.status))
        amount = payment.amount if amount is None else amount
        if amount.currency != payment.amount.currency or not 0 < amount.minor <= payment.amount.minor:
            raise CaptureExceedsPaymentError(amount, payment.amount)
        asked = EventKind.CAPTURE_REQUESTED if kind == OperationKind.CAPTURE else EventKind.VOID_REQUESTED
        event = self._till.event(asked, amount)
        operation = Operation(
            id=new_id("op"),
            payment_id=payment.id,
            kind=kind,
            idempotency_key=key,
            amount=amount,
            status=Progress.PENDING,
            created_at=event.at,
        )
        if not await request_store.add_operation(session, operation, self._till.again_at):
            raise OperationUnderWayError
        await store.post(session, payment.after(event), [Posting(event)], expected={payment.status})
        return operation

    async def _carry_out(self, operation: Operation) -> Payment:
        payment = await self._till.payment(operation.payment_id)
        try:
            answer = await self._ask(payment, operation)
        except OutcomeUnknownError:
            return payment
        if isinstance(answer, Declined):
            return await self._refused(operation, answer)
        return await self._charges.settle(payment, answer)

    async def _ask(self, payment: Payment, operation: Operation) -> ChargeAnswer:
        provider, key = self._till.provider(payment.provider), operation.idempotency_key
        if operation.kind == OperationKind.VOID:
            return await self._till.ask(payment.provider, provider.void(key, payment.provider_reference))
        question = provider.capture(key, payment.provider_reference, operation.amount)
        answer = await self._till.ask(payment.provider, question)
        if isinstance(answer, Accepted) and answer.amount is None:
            return replace(answer, amount=operation.amount)
        return answer

    async def _refused(self, operation: Operation, answer: Declined) -> Payment:
        refused = EventKind.CAPTURE_DECLINED if operation.kind == OperationKind.CAPTURE else EventKind.VOID_DECLINED
        async with self._till.database.transaction() as session:
            payment = await self._till.locked(session, operation.payment_id)
            if payment.status not in _POSSIBLE[operation.kind][1]:
                return payment
            event = self._till.event(refused, operation.amount, code=answer.code)
            await request_store.settle_operations(session, payment.id, {operation.kind: Progress.DECLINED})
            due_at = self._till.again_at if payment.status == PaymentStatus.REQUIRES_ACTION else None
            await store.post(session, payment, [Posting(event)], expected={payment.status}, due_at=due_at)
        return payment
