"""Invoices as buyers and the staff see them."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime

import strawberry

from subgraphs.orders.api.context import Info
from subgraphs.orders.domain import invoice as domain


@strawberry.type(description="The invoice of an order that was paid.")
class OrderInvoice:
    """The invoice of an order that was paid."""

    invoice: strawberry.Private[domain.Invoice]
    number: str
    issued_at: datetime

    @strawberry.field(description="The page as PDF, in Base64.")
    async def pdf(self, info: Info) -> str | None:
        """Print the invoice."""
        return b64encode(await info.context.service.invoices.pdf(self.invoice)).decode()

    @classmethod
    def of(cls, invoice: domain.Invoice) -> OrderInvoice:
        """Show an invoice."""
        return cls(invoice=invoice, number=invoice.name, issued_at=invoice.issued_at)
