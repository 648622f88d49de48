"""What providers tell by themselves: kept once, then taken in as an answer would be.

A webhook is stored before it is acknowledged, so none is lost, and its id makes a repetition harmless. One that tells
of something whose beginning is not known here yet waits until that is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from kernel import telemetry
from kernel.errors import DomainError, InfrastructureError, InvalidInputError
from subgraphs.payments.domain.payment import Payment
from subgraphs.payments.domain.provider import ChargeReport, ProviderEvent, RefundReport, Report
from subgraphs.payments.domain.webhook import Webhook, WebhookOutcome
from subgraphs.payments.service.charges import Charges
from subgraphs.payments.service.disputes import Disputes
from subgraphs.payments.service.refunds import Refunds
from subgraphs.payments.service.till import BATCH, Till
from subgraphs.payments.storage import payments as store
from subgraphs.payments.storage import webhooks as webhook_store

_MOST_ATTEMPTS = 12
_LONGEST_WAIT = timedelta(hours=1)
_log = telemetry.get_logger("payments")


class Webhooks:
    """Receives webhooks and has the rest of payments act on them."""

    def __init__(self, till: Till, charges: Charges, refunds: Refunds, disputes: Disputes) -> None:
        self._till = till
        self._charges = charges
        self._refunds = refunds
        self._disputes = disputes

    async def receive(self, provider: str, headers: Mapping[str, str], body: bytes) -> str:
        """Take a webhook in; one that came before changes nothing. Gives its id.

        Raises:
            UnknownProviderError: no such provider.
            SignatureError: it is not the provider's, or too old.
            InvalidInputError: it makes no sense.
        """
        event = self._till.provider(provider).read_webhook(headers, body, self._till.now)
        webhook = _webhook(provider, event, body, self._till)
        async with self._till.database.transaction() as session:
            new = await webhook_store.keep(session, webhook, self._till.again_at)
        if new:
            await self._take_in(webhook, event.report)
        return event.id

    async def settle_due(self) -> int:
        """Look again at every webhook that waits for something; tell how many."""
        async with self._till.database.transaction() as session:
            due = await webhook_store.due(session, self._till.now, self._till.again_at, BATCH)
        for webhook in due:
            await self._take_in(webhook, self._till.provider(webhook.provider).parse_webhook(webhook.body).report)
        return len(due)

    async def _take_in(self, webhook: Webhook, report: Report | None) -> None:
        try:
            outcome, detail = await self._outcome(webhook, report), ""
        except DomainError as error:
            _log.warning("webhook refused", provider=webhook.provider, webhook=webhook.id, reason=error.message)
            outcome, detail = WebhookOutcome.REFUSED, error.message
        except InfrastructureError as error:
            outcome, detail = WebhookOutcome.WAITING, error.message
        if outcome == WebhookOutcome.WAITING and webhook.attempts >= _MOST_ATTEMPTS:
            outcome, detail = WebhookOutcome.REFUSED, detail or "It tells of a payment that is not known."
        async with self._till.database.transaction() as session:
            if outcome == WebhookOutcome.WAITING:
                later = min((self._till.again_at - self._till.now) * 2**webhook.attempts, _LONGEST_WAIT)
                await webhook_store.wait(session, webhook, self._till.now + later, detail)
            else:
                await webhook_store.close(session, webhook, outcome, detail)

    async def _outcome(self, webhook: Webhook, report: Report | None) -> WebhookOutcome:
        if report is None:
            return WebhookOutcome.IRRELEVANT
        payment = await self._about(webhook.provider, report)
        if payment is None:
            return WebhookOutcome.WAITING
        news = await self._tell(payment, report)
        return WebhookOutcome.APPLIED if news else WebhookOutcome.KNOWN

    async def _about(self, provider: str, report: Report) -> Payment | None:
        async with self._till.database.session() as session:
            if isinstance(report, ChargeReport):
                payment = await store.by_key(session, report.key)
                return payment if payment is not None and payment.provider == provider else None
            payment = await store.by_reference(session, provider, report.charge_reference)
        return payment if payment is not None and payment.captured else None

    async def _tell(self, payment: Payment, report: Report) -> bool:
        if isinstance(report, ChargeReport):
            return (await self._charges.settle(payment, report.answer)).status != payment.status
        if isinstance(report, RefundReport):
            return await self._refunds.report(payment, report)
        return await self._disputes.report(payment, report)


def _webhook(provider: str, event: ProviderEvent, body: bytes, till: Till) -> Webhook:
    if not 0 < len(event.id) <= 200:
        raise InvalidInputError("A webhook needs an id.", path=("id",))
    return Webhook(
        provider=provider,
        id=event.id,
        kind=event.kind[:100],
        happened_at=event.at,
        received_at=till.now,
        body=body,
        outcome=WebhookOutcome.WAITING,
        detail="",
        attempts=0,
    )
