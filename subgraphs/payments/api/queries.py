"""Reads of payments: one by its key for our services, all of them and the books for staff."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry

from kernel.graphql import Money, connection
from kernel.identity import require, require_service
from kernel.pagination import Page
from subgraphs.payments.api.context import Info
from subgraphs.payments.api.types import Payment, PaymentConnection, PaymentWhere
from subgraphs.payments.domain.ledger import Account
from subgraphs.payments.domain.provider import RecordKind
from subgraphs.payments.domain.reconciliation import Difference, DifferenceKind, Reconciliation
from subgraphs.payments.domain.webhook import Webhook, WebhookOutcome
from subgraphs.payments.storage.search import Wanted

strawberry.enum(Account, name="LedgerAccount", description="Whose money an entry of the ledger is about.")
strawberry.enum(RecordKind, name="PaymentRecordKind", description="What a line of a statement is about.")
strawberry.enum(DifferenceKind, name="PaymentDifferenceKind", description="How our books and a statement differ.")
strawberry.enum(WebhookOutcome, name="PaymentWebhookOutcome", description="What came of a webhook.")

_MOST_WEBHOOKS = 100


@strawberry.type(description="What an account of the ledger holds in one currency: debits less credits.")
class LedgerBalance:
    """What an account holds."""

    account: Account
    balance: Money


@strawberry.type(description="Something that our books and the provider's statement do not agree on.")
class PaymentDifference:
    """Something that the two sides do not agree on."""

    kind: DifferenceKind
    about: RecordKind
    reference: str
    payment_id: strawberry.ID | None
    here: Money | None
    at_provider: Money | None

    @classmethod
    def of(cls, one: Difference) -> Self:
        """Show a difference."""
        return cls(
            kind=one.kind,
            about=one.about,
            reference=one.reference,
            payment_id=strawberry.ID(one.payment_id) if one.payment_id else None,
            here=Money.of(one.here) if one.here else None,
            at_provider=Money.of(one.at_provider) if one.at_provider else None,
        )


@strawberry.type(description="A comparison of our books with a provider's statement.")
class PaymentReconciliation:
    """A comparison with a provider's statement."""

    provider: str
    since: datetime
    until: datetime
    lines_here: int
    lines_at_provider: int
    undecided: int = strawberry.field(description="Payments whose outcome is not known yet; they are no differences.")
    differences: list[PaymentDifference]

    @classmethod
    def of(cls, one: Reconciliation) -> Self:
        """Show a comparison."""
        return cls(
            provider=one.provider,
            since=one.since,
            until=one.until,
            lines_here=one.lines_here,
            lines_at_provider=one.lines_at_provider,
            undecided=one.undecided,
            differences=[PaymentDifference.of(each) for each in one.differences],
        )


@strawberry.type(description="A message that a provider sent by itself.")
class PaymentWebhook:
    """A message that a provider sent by itself."""

    id: strawberry.ID
    provider: str
    kind: str
    outcome: WebhookOutcome
    detail: str | None
    attempts: int
    happened_at: datetime
    received_at: datetime

    @classmethod
    def of(cls, one: Webhook) -> Self:
        """Show a webhook."""
        return cls(
            id=strawberry.ID(one.id),
            provider=one.provider,
            kind=one.kind,
            outcome=one.outcome,
            detail=one.detail or None,
            attempts=one.attempts,
            happened_at=one.happened_at,
            received_at=one.received_at,
        )


@strawberry.type
class Query:
    """Reads of payments."""

    @strawberry.federation.field(
        inaccessible=True,
        description="The payment of an idempotency key; the provider is asked when its outcome is not known.",
    )
    async def payment_by_key(self, info: Info, idempotency_key: str) -> Payment | None:
        """Find out what became of a payment."""
        require_service(info.context.caller)
        payment = await info.context.service.charges.find(idempotency_key)
        return None if payment is None else Payment.of(payment)

    @strawberry.field(description="A payment; for staff.")
    async def payment(self, info: Info, id: strawberry.ID) -> Payment | None:
        """Find a payment."""
        require(info.context.caller, kinds={"staff", "admin"})
        payment = await info.context.service.desk.payment(id)
        return None if payment is None else Payment.of(payment)

    @strawberry.field(description="All payments, the newest first; for staff.")
    async def payments(
        self,
        info: Info,
        *,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        where: PaymentWhere | None = None,
    ) -> PaymentConnection:
        """Give a page of all payments."""
        require(info.context.caller, kinds={"staff", "admin"})
        desk, wanted = info.context.service.desk, _wanted(where)
        found = await desk.page(Page(first, after, last, before), wanted)
        page = connection(found.map(Payment.of), count=lambda: desk.count(wanted))
        return PaymentConnection(edges=page.edges, page_info=page.page_info, count=page.count)

    @strawberry.field(description="What every account of the ledger holds; for staff.")
    async def ledger_balances(self, info: Info) -> list[LedgerBalance]:
        """Give the balances."""
        require(info.context.caller, kinds={"staff", "admin"})
        balances = await info.context.service.desk.balances()
        return [LedgerBalance(account=each.account, balance=Money.of(each.amount)) for each in balances]

    @strawberry.field(
        description="Where our books and a provider's statement of a time, at most 31 days, differ; for staff."
    )
    async def payment_reconciliation(
        self, info: Info, since: datetime, until: datetime, provider: str | None = None
    ) -> PaymentReconciliation:
        """Compare with a statement."""
        require(info.context.caller, kinds={"staff", "admin"})
        report = await info.context.service.reconciler.report(provider, since, until)
        return PaymentReconciliation.of(report)

    @strawberry.field(description="What providers sent by themselves, the latest first; for staff.")
    async def payment_webhooks(
        self, info: Info, first: int = 20, outcome: WebhookOutcome | None = None
    ) -> list[PaymentWebhook]:
        """Give the latest webhooks."""
        require(info.context.caller, kinds={"staff", "admin"})
        limit = max(1, min(first, _MOST_WEBHOOKS))
        return [PaymentWebhook.of(each) for each in await info.context.service.desk.webhooks(outcome, limit)]


def _wanted(where: PaymentWhere | None) -> Wanted:
    if where is None:
        return Wanted()
    return Wanted(
        statuses=tuple(where.status_in or ()),
        order_id=where.order_id,
        customer_id=where.customer_id,
        provider_reference=where.provider_reference,
    )
