"""What a provider does by itself, seen from the buyer's order: the saga waits, learns, and never takes money twice."""

import httpx
import pytest
from starlette.applications import Starlette

from tests.sale import APPS, BUYER, load_stock
from tests.shop import open_shop

STEP = """query ($orders: [_Any!]!) { _entities(representations: $orders) { ... on Order {
    payments { id status action { url } captured { amount } refunded { amount } } } } }"""
CHARGED = "SELECT count(*) FROM payments.sandbox_charges WHERE charged"


@pytest.fixture
async def shop(make_database, clock):
    url = await make_database(*APPS)
    await load_stock(url, clock.now())
    async with open_shop(url, clock) as shop:
        yield shop


async def pay(shop, token):
    """Press the button; gives the id of the order."""
    checkout, total = await shop.checkout()
    await shop.complete(checkout, total, token=token)
    [(order_id,)] = await shop.query("SELECT id FROM orders.orders")
    return order_id


async def payment(shop, order_id):
    found = await shop.run("payments", STEP, BUYER, orders=[{"__typename": "Order", "id": order_id}])
    [one] = found["_entities"][0]["payments"]
    return one


async def answer(shop, url, decision):
    """Press a button on the page of the sandbox bank."""
    transport = httpx.ASGITransport(Starlette(routes=list(shop.subgraphs["payments"].routes)))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        assert (await client.post(f"{url}/{decision}")).status_code == 200


@pytest.mark.parametrize(("decision", "status", "taken"), [("approve", "CONFIRMED", 4988), ("decline", "CANCELLED", 0)])
async def test_a_checkout_with_a_step_of_the_buyers_bank(shop, decision, status, taken):
    order_id = await pay(shop, "tok_3ds")
    assert (await shop.order(order_id))["status"] == "PAYMENT"
    waiting = await payment(shop, order_id)
    assert waiting["status"] == "REQUIRES_ACTION"
    await answer(shop, waiting["action"]["url"], decision)
    await shop.settle()
    assert (await shop.order(order_id))["status"] == status
    books = await shop.books()
    assert (books["taken"], books["ledger"]) == (taken, 0)
    assert await shop.query(CHARGED) == [(1 if taken else 0,)]


async def test_a_buyer_who_never_comes_back_loses_nothing(shop):
    order_id = await pay(shop, "tok_3ds")
    for _ in range(4):
        await shop.settle(seconds=1000)
    assert (await shop.order(order_id))["status"] == "CANCELLED"
    assert (await payment(shop, order_id))["status"] == "VOIDED"
    assert await shop.query(CHARGED) == [(0,)]


@pytest.mark.parametrize("token", ["tok_webhook_only", "tok_webhook_duplicate", "tok_webhook", "tok_timeout"])
async def test_webhooks_and_completion_make_one_order_and_one_charge(shop, token):
    order_id = await pay(shop, token)
    await shop.settle(seconds=30)
    assert (await shop.order(order_id))["status"] in {"CONFIRMED", "SHIPPED", "DELIVERED"}
    assert await shop.query(CHARGED) == [(1,)]
    assert (await shop.books())["taken"] == 4988
    assert (await shop.books())["ledger"] == 0


async def test_a_card_number_never_gets_into_the_shop(shop):
    checkout, total = await shop.checkout()
    refused = await shop.complete(checkout, total, token="4111 1111 1111 1111")
    assert refused["order"] is None
    assert refused["errors"][0]["code"] == "INVALID_INPUT"
    for table in ("orders.sagas", "orders.orders", "payments.payments", "payments.sandbox_charges", "orders.outbox"):
        assert await shop.query(f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE '%4111%'") == [(0,)]
