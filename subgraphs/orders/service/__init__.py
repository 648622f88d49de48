"""Use cases of orders: carts, checkouts, completion by saga, and what happens to an order afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.database import Database
from kernel.events.feed import EventFeed
from subgraphs.orders.service.cart_vouchers import CartVoucherService
from subgraphs.orders.service.carts import CartService
from subgraphs.orders.service.checkouts import CheckoutService
from subgraphs.orders.service.completion import CompletionService
from subgraphs.orders.service.drafts import DraftService
from subgraphs.orders.service.edits import EditService
from subgraphs.orders.service.exchanges import ExchangeService
from subgraphs.orders.service.history import OrderService
from subgraphs.orders.service.invoices import InvoiceService
from subgraphs.orders.service.oversight import SagaOversight
from subgraphs.orders.service.returns import ReturnService
from subgraphs.orders.service.runner import SagaRunner
from subgraphs.orders.service.taxes import TaxService

__all__ = ["OrdersService"]


@dataclass(frozen=True, slots=True)
class OrdersService:
    """All use cases of orders."""

    database: Database
    carts: CartService
    cart_vouchers: CartVoucherService
    checkouts: CheckoutService
    completion: CompletionService
    orders: OrderService
    sagas: SagaRunner
    oversight: SagaOversight
    returns: ReturnService
    edits: EditService
    exchanges: ExchangeService
    taxes: TaxService
    invoices: InvoiceService
    drafts: DraftService
    feed: EventFeed
