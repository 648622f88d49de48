"""Chargebacks: the bank takes a buyer's money back, and sometimes gives it again."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.errors import ConflictError
from kernel.ids import new_id
from subgraphs.payments.domain.ledger import chargeback_entries, chargeback_won_entries
from subgraphs.payments.domain.payment import Chargeback, ChargebackStatus, EventKind, Payment
from subgraphs.payments.domain.provider import DisputeReport, DisputeStage
from subgraphs.payments.domain.settling import Posting, fee_posting
from subgraphs.payments.service.telling import tell_disputed
from subgraphs.payments.service.till import Till
from subgraphs.payments.storage import payments as store
from subgraphs.payments.storage import requests as request_store

_DECISIONS = {
    DisputeStage.WON: (ChargebackStatus.WON, EventKind.CHARGEBACK_WON),
    DisputeStage.LOST: (ChargebackStatus.LOST, EventKind.CHARGEBACK_LOST),
}


class Disputes:
    """Takes in what banks decide."""

    def __init__(self, till: Till) -> None:
        self._till = till

    async def report(self, payment: Payment, report: DisputeReport) -> bool:
        """Take what the provider tells of a dispute, whichever of its messages comes first; tell if it was news.

        Raises:
            ConflictError: more is disputed than was taken.
        """
        async with self._till.database.transaction() as session:
            payment = await self._till.locked(session, payment.id)
            chargeback = await request_store.chargeback_by_reference(session, report.reference)
            news = chargeback is None
            if chargeback is None:
                payment, chargeback = await self._open(session, payment, report)
            if report.stage == DisputeStage.OPENED or chargeback.status != ChargebackStatus.OPEN:
                return news
            await self._close(session, payment, chargeback, report.stage)
        return True

    async def _open(self, session: AsyncSession, payment: Payment, report: DisputeReport) -> tuple[Payment, Chargeback]:
        amount, disputable = report.amount, payment.captured - payment.charged_back
        if amount.currency != disputable.currency or not 0 < amount.minor <= disputable.minor:
            raise ConflictError(f"{amount} is disputed, where {disputable} was taken.")
        event = self._till.event(EventKind.CHARGEBACK_OPENED, amount, report.reference, report.reason)
        chargeback = Chargeback(
            id=new_id("cb"),
            payment_id=payment.id,
            provider_reference=report.reference,
            amount=amount,
            reason=report.reason[:200],
            status=ChargebackStatus.OPEN,
            opened_at=event.at,
            closed_at=None,
        )
        opened = Posting(event, chargeback_entries(amount), chargeback.id)
        postings = (opened, *fee_posting(payment, report.fee, event.at, f"{chargeback.id}:fee"))
        after = await self._post(session, payment, *postings)
        await request_store.add_chargeback(session, chargeback)
        await tell_disputed(session, payment, chargeback)
        return after, chargeback

    async def _close(
        self, session: AsyncSession, payment: Payment, chargeback: Chargeback, stage: DisputeStage
    ) -> None:
        status, kind = _DECISIONS[stage]
        event = self._till.event(kind, chargeback.amount, chargeback.provider_reference)
        entries = chargeback_won_entries(chargeback.amount) if status == ChargebackStatus.WON else ()
        await self._post(session, payment, Posting(event, entries, f"{chargeback.id}:{status.lower()}"))
        await request_store.close_chargeback(session, chargeback, status, event.at)
        await tell_disputed(session, payment, chargeback.closed(status, event.at))

    async def _post(self, session: AsyncSession, payment: Payment, *postings: Posting) -> Payment:
        after = payment.after(*(posting.event for posting in postings))
        await store.post(session, after, postings, expected={payment.status})
        return after
