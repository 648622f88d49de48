"""Use cases of invoices: number one when it is first asked for, and print it as PDF."""

from __future__ import annotations

import asyncio

from kernel.clock import Clock
from kernel.database import Database
from subgraphs.orders.domain.invoice import Invoice, check_invoiced
from subgraphs.orders.domain.order import Order
from subgraphs.orders.service.invoice_page import print_invoice
from subgraphs.orders.storage import invoices as store
from subgraphs.orders.storage import orders as order_store


class InvoiceService:
    """Numbers and prints invoices."""

    def __init__(self, database: Database, clock: Clock, *, seller: str) -> None:
        self.database = database
        self._clock = clock
        self._seller = seller

    async def of_order(self, order: Order) -> Invoice:
        """Give an order's invoice, with a number that it keeps until the order is changed.

        Raises:
            NoInvoiceError: the order was never paid.
        """
        check_invoiced(order)
        async with self.database.session() as session:
            known = await store.issued(session, order.id, order.revision)
            lines = tuple((await order_store.lines_of(session, [order.id]))[order.id])
        if known is None:
            async with self.database.transaction() as session:
                known = await store.issue(session, order.id, order.revision, self._clock.now())
        return Invoice(number=known.number, issued_at=known.at, order=order, lines=lines, replaces=known.replaces)

    async def pdf(self, invoice: Invoice) -> bytes:
        """Print an invoice; on a thread, since drawing takes some milliseconds."""
        return await asyncio.to_thread(print_invoice, invoice, self._seller)
