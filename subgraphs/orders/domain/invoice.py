"""Invoices: what was bought, for whom, with its tax; numbered one after another, without gaps.

An order that is changed gets another invoice, which names the one that it replaces.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from subgraphs.orders.domain.errors import NoInvoiceError
from subgraphs.orders.domain.order import Order, OrderLine
from subgraphs.orders.domain.status import OrderStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """An invoice; it tells of the order as it was sold."""

    number: int
    issued_at: datetime
    order: Order
    lines: tuple[OrderLine, ...]
    replaces: int | None = None

    @property
    def name(self) -> str:
        """The number as it is written."""
        return written(self.number)


def written(number: int) -> str:
    """Write an invoice's number."""
    return f"INV-{number:06}"


def check_invoiced(order: Order) -> None:
    """Let an order pass that was paid.

    Raises:
        NoInvoiceError: it was never confirmed, so there is nothing to invoice.
    """
    if order.confirmed_at is None or order.status == OrderStatus.PAYMENT:
        raise NoInvoiceError
