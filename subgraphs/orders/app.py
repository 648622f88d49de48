"""Orders put together."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from kernel.events.feed import PostgresFeed
from kernel.jobs import Job
from kernel.personal_data import personal_data_consumer
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from subgraphs.orders.api.context import make_context
from subgraphs.orders.api.schema import make_schema
from subgraphs.orders.consumers import make_consumers
from subgraphs.orders.domain.ports import Ports
from subgraphs.orders.domain.tax_table import STANDARD_TABLE
from subgraphs.orders.remote import RemoteCatalogue, RemotePayments, RemoteShipping, RemoteStock, RemoteVouchers
from subgraphs.orders.service import OrdersService
from subgraphs.orders.service.cart_care import CartCare
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
from subgraphs.orders.service.steps import Ends, make_steps
from subgraphs.orders.service.taxes import TaxService
from subgraphs.orders.settings import OrdersSettings
from subgraphs.orders.storage.personal_data import PERSONAL_DATA


def build(settings: Settings, parts: Parts) -> Subgraph:
    """Build orders over the other subgraphs."""
    own, calls = OrdersSettings.load(), parts.calls
    ports = Ports(
        catalogue=RemoteCatalogue(calls),
        stock=RemoteStock(calls),
        payments=RemotePayments(calls),
        shipping=RemoteShipping(calls),
        vouchers=RemoteVouchers(calls),
    )
    service = make_service(parts, own, ports, alone=settings.mode == "embedded")
    care = CartCare(
        parts.database, parts.clock, abandoned_after=own.cart_abandoned_after, kept_for=own.cart_kept_days * 86400
    )
    return Subgraph(
        name="orders",
        schema=make_schema(),
        make_context=partial(make_context, service),
        database=parts.database,
        migrations=Path(__file__).parent / "migrations",
        consumers=(
            *make_consumers(service.orders),
            personal_data_consumer("orders", PERSONAL_DATA, settings),
        ),
        jobs=(
            Job(name="orders.sagas", run=service.sagas.run_due, every=own.saga_every),
            Job(name="orders.carts", run=care.run, every=own.cart_care_every),
            Job(name="orders.taxes", run=service.taxes.refresh, every=own.tax_classes_every),
        ),
    )


def make_service(parts: Parts, own: OrdersSettings, ports: Ports, *, alone: bool = False) -> OrdersService:
    """Put the use cases together over their ports; `alone` when no other process serves the same orders."""
    database, clock = parts.database, parts.clock
    held = own.reservation_seconds
    runner = SagaRunner(
        database,
        clock,
        make_steps(ports, clock),
        Ends(clock),
        lease=own.saga_lease,
        retry=own.saga_retry,
        retry_longest=own.saga_retry_longest,
        alone=alone,
    )
    checkouts = CheckoutService(database, ports, clock, reservation_seconds=held)
    carts = CartService(database, ports.catalogue, ports.stock, clock)
    taxes = TaxService(database, own.tax_rates or STANDARD_TABLE)
    return OrdersService(
        database=database,
        carts=carts,
        cart_vouchers=CartVoucherService(database, carts, ports.vouchers, clock),
        drafts=DraftService(carts, checkouts),
        checkouts=checkouts,
        completion=CompletionService(
            database,
            checkouts,
            taxes.provider,
            runner,
            clock,
            reservation_seconds=held,
            at_once=own.completions_at_once,
        ),
        orders=OrderService(database, runner, clock),
        sagas=runner,
        oversight=SagaOversight(database, clock),
        invoices=InvoiceService(database, clock, seller=own.seller),
        returns=ReturnService(database, runner, ports.shipping, clock),
        edits=EditService(database, ports.catalogue, taxes.provider, runner),
        exchanges=ExchangeService(database, ports.catalogue, taxes.provider, runner, clock, reservation_seconds=held),
        taxes=taxes,
        feed=PostgresFeed(database),
    )
