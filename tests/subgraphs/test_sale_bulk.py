"""History that is loaded in bulk is as good as history that happened."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from kernel.calls import InProcessCalls
from kernel.database import Database, plain_url
from kernel.identity import Caller
from kernel.settings import Settings
from kernel.subgraph import Parts
from subgraphs.orders import app as orders
from subgraphs.orders.storage import bulk as orders_bulk
from subgraphs.payments import app as payments
from subgraphs.payments.storage import bulk as payments_bulk
from subgraphs.shipping import app as shipping
from subgraphs.shipping.storage import bulk as shipping_bulk

AT = datetime(2025, 3, 1, tzinfo=UTC)
BUYER = Caller(id="usr_1", kind="customer")
STAFF = Caller(id="usr_9", kind="staff", scopes=frozenset({"payments:refund"}))
ADDRESS = {"name": "Ada", "line1": "Weg 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}
ENTITY = [{"__typename": "Order", "id": "ord_1"}]


async def load(url, bulk, **rows):
    connection = await asyncpg.connect(plain_url(url))
    try:
        async with connection.transaction():
            await bulk.copy(connection, **rows)
    finally:
        await connection.close()


@pytest.fixture
def built(make_database, clock):
    async def build(app, name):
        url = await make_database(name)
        parts = Parts(database=Database(url, schema=name), calls=InProcessCalls(name, {}), clock=clock)
        return url, app.build(Settings.load(), parts)

    return build


async def run(subgraph, document, caller=BUYER, **variables):
    result = await subgraph.executor.execute(document, variables, caller=caller)
    await subgraph.close()
    assert not result.errors, result.errors
    return result.data


async def test_historic_orders_are_shown_with_lines_and_timeline(built):
    url, subgraph = await built(orders, "orders")
    order = orders_bulk.OrderRow(
        id="ord_1",
        number="SG-000001",
        cart_id="cart_1",
        checkout_id="chk_1",
        customer_id="usr_1",
        email="ada@example.com",
        currency="EUR",
        status="DELIVERED",
        subtotal_net_minor=1000,
        subtotal_tax_minor=190,
        shipping_net_minor=412,
        shipping_tax_minor=78,
        total_minor=1680,
        shipping_method_id="shm_standard",
        shipping_method_name="Standard",
        address=ADDRESS,
        placed_at=AT,
        confirmed_at=AT,
    )
    line = orders_bulk.OrderLineRow(
        id="line_1",
        order_id="ord_1",
        position=0,
        sku="SKU-A",
        variant_id="var_a",
        product_id="prod_a",
        name="Thing",
        quantity=2,
        unit_price_minor=595,
        net_minor=1000,
        tax_minor=190,
    )
    entry = orders_bulk.TimelineRow(
        id="evt_1",
        order_id="ord_1",
        kind="PLACED",
        from_status=None,
        to_status="PAYMENT",
        message="The order was placed.",
        actor="usr_1",
        at=AT,
    )
    await load(url, orders_bulk, orders=[order], lines=[line], timeline=[entry])
    document = """{ order(id: "ord_1") { number status total { gross { amount } } shippingAddress { city }
      lines { sku quantity total { gross { amount } } } timeline { kind toStatus } } }"""
    assert (await run(subgraph, document))["order"] == {
        "number": "SG-000001",
        "status": "DELIVERED",
        "total": {"gross": {"amount": "16.80"}},
        "shippingAddress": {"city": "Berlin"},
        "lines": [{"sku": "SKU-A", "quantity": 2, "total": {"gross": {"amount": "11.90"}}}],
        "timeline": [{"kind": "PLACED", "toStatus": "PAYMENT"}],
    }


async def test_historic_payments_balance_and_can_be_refunded(built):
    url, subgraph = await built(payments, "payments")
    rows = [
        payments_bulk.PaymentRow(
            id="pay_1",
            order_id="ord_1",
            customer_id="usr_1",
            amount_minor=1680,
            currency="EUR",
            token="tok_approve",
            created_at=AT,
        ),
        payments_bulk.PaymentRow(
            id="pay_2",
            order_id="ord_1",
            customer_id="usr_1",
            amount_minor=1000,
            currency="EUR",
            token="tok_approve",
            created_at=AT,
            refunded_minor=400,
            refunded_at=AT + timedelta(days=3),
            refund_id="ref_2",
            refund_reason="broken",
        ),
    ]
    await load(url, payments_bulk, payments=rows)
    refund = await subgraph.executor.execute(
        'mutation { paymentRefund(paymentId: "pay_2", idempotencyKey: "k") { refund { amount { amount } } } }',
        caller=STAFF,
    )
    assert refund.data["paymentRefund"]["refund"] == {"amount": {"amount": "6.00"}}
    document = """query ($o: [_Any!]!) { _entities(representations: $o) { ... on Order {
      payments { status refunded { amount } refunds { amount { amount } } events { kind } } } } }"""
    shown = (await run(subgraph, document, o=ENTITY))["_entities"][0]["payments"]
    assert [(one["status"], one["refunded"]["amount"]) for one in shown] == [
        ("CAPTURED", "0.00"),
        ("REFUNDED", "10.00"),
    ]
    assert [event["kind"] for event in shown[0]["events"]] == ["CHARGE_REQUESTED", "CHARGE_SUCCEEDED"]
    connection = await asyncpg.connect(plain_url(url))
    sums = await connection.fetch(
        "SELECT sum(CASE side WHEN 'DEBIT' THEN amount_minor ELSE -amount_minor END) AS total "
        "FROM payments.ledger_entries GROUP BY transaction_id"
    )
    await connection.close()
    assert [row["total"] for row in sums] == [0, 0, 0, 0]


async def test_historic_shipments_are_shown_and_left_alone_by_the_carrier_job(built):
    url, subgraph = await built(shipping, "shipping")
    row = shipping_bulk.ShipmentRow(
        id="shp_1",
        order_id="ord_1",
        customer_id="usr_1",
        email="ada@example.com",
        warehouse_id="wh_1",
        method_id="shm_standard",
        address=ADDRESS,
        lines=(("SKU-A", 2),),
        tracking_number="SBX1",
        created_at=AT,
        shipped_at=AT,
        delivered_at=AT,
    )
    await load(url, shipping_bulk, shipments=[row])
    assert await subgraph.jobs[0].run() == 0
    document = """query ($o: [_Any!]!) { _entities(representations: $o) { ... on Order {
      shipments { status lines { quantity variant { sku } } events { status } } } } }"""
    assert (await run(subgraph, document, o=ENTITY))["_entities"][0]["shipments"] == [
        {
            "status": "DELIVERED",
            "lines": [{"quantity": 2, "variant": {"sku": "SKU-A"}}],
            "events": [
                {"status": "PENDING"},
                {"status": "LABELLED"},
                {"status": "IN_TRANSIT"},
                {"status": "DELIVERED"},
            ],
        }
    ]
