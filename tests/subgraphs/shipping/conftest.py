"""Shipping on a real database, with the sandbox carrier."""

import pytest

from kernel.calls import InProcessCalls
from kernel.database import Database
from kernel.events.catalogue import OrderConfirmed, PostalAddress, StockLine
from kernel.settings import Settings
from kernel.subgraph import Parts
from subgraphs.shipping.app import build
from subgraphs.shipping.sandbox import SandboxCarrier
from subgraphs.shipping.service import make_service

ADDRESS = PostalAddress(name="Ada Lovelace", line1="Weg 1", city="Berlin", postal_code="10115", country="DE")


@pytest.fixture
async def database(make_database):
    async with Database(await make_database("shipping"), schema="shipping") as database:
        yield database


@pytest.fixture
def carrier(database, clock):
    return SandboxCarrier(database, clock, transit_after=1, delivered_after=5)


@pytest.fixture
def service(database, carrier, clock):
    return make_service(database, carrier, clock)


@pytest.fixture
def shipping(database, clock):
    """The subgraph as it is built for real."""
    return build(Settings.load(), Parts(database=database, calls=InProcessCalls("shipping", {}), clock=clock))


@pytest.fixture
def confirmed():
    """Make the event of a confirmed order, with stock from as many warehouses as named."""

    def make(order_id="ord_1", warehouses=("wh_a",), customer_id="usr_1"):
        stock = tuple(StockLine(sku="SKU-1", quantity=2, warehouse_id=warehouse) for warehouse in warehouses)
        return OrderConfirmed(
            order_id=order_id,
            number="SG-1",
            customer_id=customer_id,
            email="ada@example.com",
            currency="EUR",
            total_minor=2000,
            lines=(),
            stock=stock,
            shipping_address=ADDRESS,
            shipping_method_id="shm_standard",
            confirmed_at="2026-06-01T12:00:00+00:00",
        )

    return make


@pytest.fixture
def plan(database, service):
    """Have the shipments of a confirmed order made."""

    async def plan(event):
        async with database.transaction() as session:
            await service.shipments.plan(session, event)

    return plan
