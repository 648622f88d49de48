"""What the staff looks at: payments, the ledger's accounts, webhooks."""

from __future__ import annotations

from kernel.database import Database
from kernel.pagination import Page, Slice
from subgraphs.payments.domain.ledger import Balance
from subgraphs.payments.domain.payment import Payment
from subgraphs.payments.domain.webhook import Webhook, WebhookOutcome
from subgraphs.payments.storage import payments as store
from subgraphs.payments.storage import search
from subgraphs.payments.storage import webhooks as webhook_store
from subgraphs.payments.storage.search import Wanted


class Desk:
    """Reads for staff."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, page: Page, wanted: Wanted) -> Slice[Payment]:
        """Read a page of payments, the newest first."""
        async with self._database.session() as session:
            return await search.page_of(session, page, wanted)

    async def count(self, wanted: Wanted) -> int:
        """Count the payments that are looked for."""
        async with self._database.session() as session:
            return await search.count(session, wanted)

    async def payment(self, payment_id: str) -> Payment | None:
        """Find a payment."""
        async with self._database.session() as session:
            return await store.by_id(session, payment_id)

    async def balances(self) -> list[Balance]:
        """Read what every account of the ledger holds."""
        async with self._database.session() as session:
            return await store.balances(session)

    async def webhooks(self, outcome: WebhookOutcome | None, limit: int) -> list[Webhook]:
        """Read the webhooks that came last."""
        async with self._database.session() as session:
            return await webhook_store.latest(session, outcome, limit)
