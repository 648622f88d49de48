"""Use cases of payments: take money once, hold it, give it back, hear what providers tell, and prove the books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kernel.clock import Clock
from kernel.database import Database
from subgraphs.payments.domain.provider import PaymentProvider
from subgraphs.payments.service.captures import Captures
from subgraphs.payments.service.charges import Charges
from subgraphs.payments.service.desk import Desk
from subgraphs.payments.service.disputes import Disputes
from subgraphs.payments.service.reconciliation import Reconciler
from subgraphs.payments.service.refunds import Refunds
from subgraphs.payments.service.till import Till
from subgraphs.payments.service.webhooks import Webhooks

__all__ = ["PaymentsService", "make_service"]


@dataclass(frozen=True, slots=True)
class PaymentsService:
    """All use cases of payments."""

    database: Database
    charges: Charges
    captures: Captures
    refunds: Refunds
    webhooks: Webhooks
    reconciler: Reconciler
    desk: Desk

    async def settle_due(self) -> int:
        """Bring everything that has been open for too long further; tell how much that was."""
        parts = (self.charges, self.captures, self.refunds, self.webhooks)
        return sum([await part.settle_due() for part in parts])


def make_service(
    database: Database,
    providers: Sequence[PaymentProvider],
    clock: Clock,
    *,
    provider_timeout: float = 10.0,
    settle_after: float = 15.0,
    action_within: float = 1800.0,
) -> PaymentsService:
    """Put the use cases together; new payments go to the first of the providers."""
    till = Till(
        database,
        {provider.name: provider for provider in providers},
        clock,
        provider_timeout=provider_timeout,
        settle_after=settle_after,
        action_within=action_within,
    )
    refunds = Refunds(till)
    charges = Charges(till, refunds)
    webhooks = Webhooks(till, charges, refunds, Disputes(till))
    captures, reconciler = Captures(till, charges), Reconciler(till)
    return PaymentsService(database, charges, captures, refunds, webhooks, reconciler, Desk(database))
