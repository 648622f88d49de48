"""Takes money once, or holds it, and finds out what became of it.

A request is claimed by its idempotency key in one committed statement before the provider is called, and the answer is
written in another transaction, so none is open while the provider thinks. Whatever happens between the two leaves a
PENDING row that is settled by asking again with the same key: by the caller, or by the job.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.card_numbers import refuse_card_numbers
from kernel.errors import InvalidInputError, NotFoundError
from kernel.ids import new_id
from kernel.money import Money
from subgraphs.payments.domain.errors import IdempotencyKeyReusedError, OutcomeUnknownError
from subgraphs.payments.domain.payment import OPEN, Payment, PaymentStatus
from subgraphs.payments.domain.provider import ActionRequired, ChargeAnswer, PaymentProvider, Voided
from subgraphs.payments.domain.settling import Settled, settled
from subgraphs.payments.service.refunds import Refunds
from subgraphs.payments.service.telling import tell_settled
from subgraphs.payments.service.till import BATCH, Till
from subgraphs.payments.storage import payments as store
from subgraphs.payments.storage import requests as request_store

ACTION_EXPIRED = "action_expired"
"""The decline code of a buyer who did not come back from the provider's step."""


class Charges:
    """Begins payments and brings them to an end."""

    def __init__(self, till: Till, refunds: Refunds) -> None:
        self._till = till
        self._refunds = refunds

    async def process(
        self, *, order_id: str, amount: Money, token: str, customer_id: str | None, key: str, capture: bool = True
    ) -> Payment:
        """Take an amount for an order, or hold it; the same key does so once and always gets the same payment.

        Raises:
            IdempotencyKeyReusedError: the key was used for another order, amount or token.
            InvalidInputError: there is nothing to pay, or the token is a card's number.
        """
        refuse_card_numbers(token, path=("input", "token"))
        if amount.minor <= 0:
            raise InvalidInputError("Only more than nothing can be paid.", path=("input", "amount"))
        payment = self._new_payment(order_id, amount, token, customer_id, key, capture=capture)
        async with self._till.database.transaction() as session:
            claimed = await store.claim(session, payment, self._till.again_at)
        if claimed:
            return await self._charge(payment)
        known = await self._known(key)
        if not known.same_request(order_id, amount, token, capture=capture):
            raise IdempotencyKeyReusedError
        return await self._charge(known) if known.status == PaymentStatus.PENDING else known

    async def find(self, key: str) -> Payment | None:
        """Find a payment by its key; of one that is not decided yet the provider is asked first."""
        async with self._till.database.session() as session:
            payment = await store.by_key(session, key)
        if payment is None or payment.status not in OPEN:
            return payment
        try:
            answer = await self._till.ask(payment.provider, self._provider(payment).find_charge(key))
        except OutcomeUnknownError:
            return payment
        return payment if answer is None else await self.settle(payment, answer)

    async def settle(self, payment: Payment, answer: ChargeAnswer) -> Payment:
        """Write what the provider told of a payment, in an answer or a webhook; what is known changes nothing."""
        if payment.status in OPEN:  # without a lock: who expects a state that is gone writes nothing
            becomes = settled(payment, answer, self._till.now)
            async with self._till.database.transaction() as session:
                if becomes is not None and await self._write(session, payment, becomes):
                    return await self._back(becomes)
        async with self._till.database.transaction() as session:
            payment = await self._till.locked(session, payment.id)
            becomes = settled(payment, answer, self._till.now)
            if becomes is None:
                return payment
            await self._write(session, payment, becomes)
        return await self._back(becomes)

    async def settle_due(self) -> int:
        """Ask again for every payment that has been undecided for too long; tell how many."""
        async with self._till.database.transaction() as session:
            due = await store.due(session, self._till.now, self._till.again_at, BATCH)
        return await self._till.each(self._decide, due)

    async def _decide(self, payment: Payment) -> Payment:
        if payment.status == PaymentStatus.PENDING:
            return await self._charge(payment)
        provider, key = self._provider(payment), payment.idempotency_key
        try:
            answer = await self._till.ask(payment.provider, provider.find_charge(key))
            if isinstance(answer, ActionRequired):
                void = provider.void(f"expired:{payment.id}", payment.provider_reference)
                answer = await self._till.ask(payment.provider, void)
        except OutcomeUnknownError:
            return payment
        if isinstance(answer, Voided):
            payment = replace(payment, decline_code=ACTION_EXPIRED)
        return payment if answer is None else await self.settle(payment, answer)

    async def _charge(self, payment: Payment) -> Payment:
        provider, key = self._provider(payment), payment.idempotency_key
        try:
            question = provider.charge(key, payment.amount, payment.token, capture=payment.capture)
            answer = await self._till.ask(payment.provider, question)
        except OutcomeUnknownError:
            return payment
        return await self.settle(payment, answer)

    async def _write(self, session: AsyncSession, before: Payment, becomes: Settled) -> bool:
        after = becomes.payment
        due_at = self._till.action_until if after.status == PaymentStatus.REQUIRES_ACTION else None
        if not await store.post(session, after, becomes.postings, expected={before.status}, due_at=due_at):
            return False
        if becomes.ends:
            await request_store.settle_operations(session, after.id, becomes.ends)
        if becomes.to_give_back:
            await self._refunds.claim_late(session, after)
        else:
            await tell_settled(session, after)
        return True

    async def _back(self, becomes: Settled) -> Payment:
        if becomes.to_give_back:
            await self._refunds.give_late_back(becomes.payment)
            return await self._till.payment(becomes.payment.id)
        return becomes.payment

    def _provider(self, payment: Payment) -> PaymentProvider:
        return self._till.provider(payment.provider)

    async def _known(self, key: str) -> Payment:
        async with self._till.database.session() as session:
            payment = await store.by_key(session, key)
        if payment is None:
            raise NotFoundError("No such payment.", path=("idempotencyKey",))
        return payment

    def _new_payment(
        self, order_id: str, amount: Money, token: str, customer_id: str | None, key: str, *, capture: bool
    ) -> Payment:
        nothing = Money.zero(amount.currency)
        return Payment(
            id=new_id("pay"),
            idempotency_key=key,
            order_id=order_id,
            customer_id=customer_id,
            provider=self._till.default_provider,
            amount=amount,
            token=token,
            capture=capture,
            status=PaymentStatus.PENDING,
            captured=nothing,
            refunding=nothing,
            refunded=nothing,
            charged_back=nothing,
            fees=nothing,
            provider_reference="",
            decline_code="",
            retryable=False,
            action_url="",
            created_at=self._till.now,
        )
