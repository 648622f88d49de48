"""A whole sale over the real subgraphs: products, inventory, orders, payments and shipping, with their events."""

import asyncio
import random

import pytest

from kernel.calls import CallTimeoutError, InProcessCalls
from kernel.database import count_statements
from kernel.identity import Caller
from tests.sale import ADD, ADDRESS, ADDRESS_SET, APPS, CANCEL, CHECKOUT, METHOD_SET, load_stock
from tests.shop import open_shop


@pytest.fixture
async def shop(make_database, clock):
    url = await make_database(*APPS)
    await load_stock(url, clock.now())
    async with open_shop(url, clock) as shop:
        yield shop


async def test_from_a_cart_to_the_door(shop):
    order = await shop.buy()
    assert order["status"] == "CONFIRMED"
    assert order["total"]["gross"] == {"amount": "49.88", "currency": "EUR"}
    await shop.settle()
    await shop.settle(seconds=2)
    assert (await shop.order(order["id"]))["status"] == "SHIPPED"
    await shop.settle(seconds=30)
    shown = await shop.order(order["id"])
    assert shown["status"] == "DELIVERED"
    assert shown["nextStatuses"] == ["RETURNED"]
    kinds = [entry["kind"] for entry in shown["timeline"]]
    assert kinds[:2] == ["PLACED", "CONFIRMED"]
    assert sorted(kinds[2:]) == ["DELIVERED", "DELIVERED", "PAYMENT_PROCESSED", "SHIPPED", "SHIPPED"]
    assert await shop.books() == {
        "orders": [("DELIVERED", 1)],
        "taken": 4988,
        "stock": [("SKU-A", 8, 0, 0), ("SKU-B", 9, 0, 0)],
        "ledger": 0,
    }


async def test_payments_and_shipments_are_fields_of_the_order(shop):
    order = await shop.buy()
    await shop.settle()
    wanted = [{"__typename": "Order", "id": order["id"]}]
    document = "query ($o: [_Any!]!) { _entities(representations: $o) { ... on Order { %s } } }"
    paid = await shop.run("payments", document % "payments { status amount { amount } }", o=wanted)
    assert paid["_entities"][0]["payments"] == [{"status": "CAPTURED", "amount": {"amount": "49.88"}}]
    sent = await shop.run("shipping", document % "shipments { lines { variant { sku } quantity } }", o=wanted)
    parcels = [parcel["lines"][0] for parcel in sent["_entities"][0]["shipments"]]
    assert parcels == [
        {"variant": {"sku": "SKU-A"}, "quantity": 2},
        {"variant": {"sku": "SKU-B"}, "quantity": 1},
    ]


async def test_adding_to_a_cart_costs_eight_statements_at_most(shop):
    cart = await shop.cart()
    with count_statements(*shop.databases) as counted:
        await shop.mutate(ADD, id=cart, lines=[{"sku": "SKU-A", "quantity": 1}, {"sku": "SKU-B", "quantity": 1}])
    assert counted.total <= 8


async def test_completing_a_checkout_costs_twenty_five_statements_at_most(shop):
    checkout, total = await shop.checkout()
    with count_statements(*shop.databases) as counted:
        await shop.complete(checkout, total)
    assert counted.total <= 25, "\n".join(counted.statements)


async def test_a_whole_checkout_costs_sixty_statements_at_most(shop):
    with count_statements(*shop.databases) as counted:
        await shop.buy()
    assert counted.total <= 60, counted.total


async def test_a_decline_leaves_nothing_behind(shop):
    checkout, total = await shop.checkout()
    declined = await shop.complete(checkout, total, token="tok_decline_insufficient_funds")
    assert declined["order"] is None
    assert declined["errors"][0]["__typename"] == "PaymentDeclinedError"
    assert declined["errors"][0]["declineCode"] == "insufficient_funds"
    await shop.settle()
    books = await shop.books()
    assert (books["orders"], books["taken"]) == ([("CANCELLED", 1)], 0)
    assert books["stock"] == [("SKU-A", 10, 0, 0), ("SKU-B", 10, 0, 0)]


@pytest.mark.parametrize("token", ["tok_timeout", "tok_timeout_uncharged"])
async def test_a_lost_answer_of_the_provider_is_one_charge_in_the_end(shop, token):
    order = await shop.buy(token=token)
    assert order["status"] == "PAYMENT"
    for _ in range(8):
        await shop.settle(seconds=6)
    assert (await shop.order(order["id"]))["status"] in {"CONFIRMED", "SHIPPED", "DELIVERED"}
    assert (await shop.books())["taken"] == 4988
    assert await shop.query("SELECT count(*) FROM payments.sandbox_charges WHERE charged") == [(1,)]


async def test_cancelling_gives_stock_and_money_back(shop):
    order = await shop.buy()
    await shop.settle()
    cancelled = await shop.mutate(CANCEL, id=order["id"])
    assert cancelled["errors"] == []
    await shop.settle(seconds=100)
    assert (await shop.order(order["id"]))["status"] == "REFUNDED"
    assert await shop.books() == {
        "orders": [("REFUNDED", 1)],
        "taken": 0,
        "stock": [("SKU-A", 10, 0, 0), ("SKU-B", 10, 0, 0)],
        "ledger": 0,
    }
    assert (await shop.mutate(CANCEL, id=order["id"]))["errors"] == []


async def test_what_is_on_its_way_cannot_be_cancelled(shop):
    order = await shop.buy()
    await shop.settle()
    await shop.settle(seconds=2)
    refused = await shop.mutate(CANCEL, id=order["id"])
    assert [error["code"] for error in refused["errors"]] == ["INVALID_STATE"]
    await shop.settle(seconds=30)
    assert (await shop.order(order["id"]))["status"] == "DELIVERED"
    assert (await shop.books())["taken"] == 4988


async def test_a_parcel_that_left_before_orders_heard_of_it_cannot_be_cancelled(shop):
    order = await shop.buy()
    await shop.settle()
    shop.clock.advance(seconds=2)
    await shop.subgraphs["shipping"].jobs[0].run()
    refused = await shop.mutate(CANCEL, id=order["id"])
    assert [error["code"] for error in refused["errors"]] == ["INVALID_STATE"]
    await shop.settle(seconds=30)
    assert (await shop.order(order["id"]))["status"] == "DELIVERED"


@pytest.mark.parametrize("head_start", ["cancel", "ship"])
async def test_cancelling_and_shipping_at_once_end_in_one_of_the_two(shop, head_start):
    order = await shop.buy()
    await shop.settle()
    shop.clock.advance(seconds=2)
    races = [shop.mutate(CANCEL, id=order["id"]), shop.subgraphs["shipping"].jobs[0].run()]
    await asyncio.gather(*(races if head_start == "cancel" else races[::-1]))
    await shop.settle(seconds=60)
    status = (await shop.order(order["id"]))["status"]
    books = await shop.books()
    if status == "REFUNDED":
        assert books["stock"] == [("SKU-A", 10, 0, 0), ("SKU-B", 10, 0, 0)]
        assert (books["taken"], books["ledger"]) == (0, 0)
    else:
        assert status == "DELIVERED"
        assert books["stock"] == [("SKU-A", 8, 0, 0), ("SKU-B", 9, 0, 0)]
        assert (books["taken"], books["ledger"]) == (4988, 0)


async def test_too_much_is_told_line_by_line(shop):
    cart = await shop.cart([("SKU-A", 11), ("SKU-B", 99)])
    refused = await shop.mutate(CHECKOUT, cart=cart)
    assert refused["checkout"] is None
    assert [(e["sku"], e["requested"], e["available"]) for e in refused["errors"]] == [
        ("SKU-A", 11, 10),
        ("SKU-B", 99, 10),
    ]


async def test_racing_buyers_share_what_there_is(shop):
    buyers = [Caller(id=f"usr_{at}", kind="customer", email=f"b{at}@example.com") for at in range(12)]

    async def buy(buyer):
        created = await shop.mutate(CHECKOUT, buyer, cart=await shop.cart([("SKU-A", 2)], buyer))
        if created["errors"]:
            return None
        checkout = created["checkout"]["id"]
        await shop.mutate(ADDRESS_SET, buyer, id=checkout, address=ADDRESS)
        total = (await shop.mutate(METHOD_SET, buyer, id=checkout))["checkout"]["total"]["gross"]
        return (await shop.complete(checkout, total, caller=buyer))["order"]["status"]

    outcomes = await asyncio.gather(*map(buy, buyers))
    assert sorted(filter(None, outcomes)) == ["CONFIRMED"] * 5
    books = await shop.books()
    assert books["stock"][0] == ("SKU-A", 10, 0, 10)
    assert (books["taken"], books["ledger"]) == (5 * (2 * 1999 + 490), 0)


async def test_thirty_buyers_of_ten_pieces_over_unreliable_calls_leave_no_anomaly(shop, monkeypatch):
    """Every fourth call of a saga is lost, half of them after the work was done; some cards are declined."""
    chance = random.Random(7)
    plain = InProcessCalls.execute

    async def execute(self, subgraph, document, variables=None, **options):
        lost = "mutation" in document and "stockReserve" not in document and chance.random() < 0.25
        if lost and chance.random() < 0.5:
            raise CallTimeoutError(subgraph, 5)
        answer = await plain(self, subgraph, document, variables, **options)
        if lost:
            raise CallTimeoutError(subgraph, 5)
        return answer

    async def buy(at):
        buyer = Caller(id=f"usr_{at}", kind="customer", email=f"b{at}@example.com")
        token = "tok_decline_stolen_card" if at % 5 == 0 else "tok_timeout" if at % 5 == 1 else "tok_approve"
        created = await shop.mutate(CHECKOUT, buyer, cart=await shop.cart([("SKU-A", 1)], buyer))
        if created["errors"]:
            return
        checkout = created["checkout"]["id"]
        await shop.mutate(ADDRESS_SET, buyer, id=checkout, address=ADDRESS)
        total = (await shop.mutate(METHOD_SET, buyer, id=checkout))["checkout"]["total"]["gross"]
        clicks = (shop.complete(checkout, total, token, key=f"click-{click}", caller=buyer) for click in range(2))
        await asyncio.gather(*clicks)

    monkeypatch.setattr(InProcessCalls, "execute", execute)
    await asyncio.gather(*map(buy, range(30)))
    for _ in range(20):
        await shop.settle(seconds=61)
    assert await shop.query("SELECT count(*) FROM orders.sagas WHERE status NOT IN ('COMPLETED', 'COMPENSATED')") == [
        (0,)
    ]
    books = await shop.books()
    states = dict(books["orders"])
    assert set(states) <= {"DELIVERED", "CANCELLED", "REFUNDED"}
    delivered = states["DELIVERED"]
    assert delivered > 0
    assert (books["taken"], books["ledger"]) == (delivered * (1999 + 490), 0)
    assert books["stock"][0] == ("SKU-A", 10 - delivered, 0, 0)
    assert await shop.query(
        "SELECT order_id FROM payments.payments WHERE status = 'CAPTURED' GROUP BY 1 HAVING count(*) > 1"
    ) == []  # fmt: skip


class Killed(BaseException):
    """The process was ended here."""


ASKED = ("paymentProcess", "stockAllocate", "stockReserve")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("kills", [1, 2])
async def test_killed_around_any_call_it_is_one_order_and_one_charge(shop, moment, asked, kills, monkeypatch):
    checkout, total = await shop.checkout()
    if asked == "stockReserve":
        shop.clock.advance(seconds=1000)
        await shop.settle()
    left = [kills]
    plain = InProcessCalls.execute

    async def execute(self, subgraph, document, variables=None, **options):
        hit = f"{asked}(" in document and left[0] > 0
        if hit:
            left[0] -= 1
        if hit and moment == "before":
            raise Killed
        answer = await plain(self, subgraph, document, variables, **options)
        if hit and moment == "after":
            raise Killed
        return answer

    monkeypatch.setattr(InProcessCalls, "execute", execute)
    with pytest.raises(Killed):
        await shop.complete(checkout, total)
    for _ in range(kills):
        shop.clock.advance(seconds=25)
        try:
            await shop.settle()
        except Killed:
            assert kills > 1
    await shop.settle(seconds=1)
    again = await shop.complete(checkout, total)
    assert again["errors"] == []
    books = await shop.books()
    assert sum(count for _, count in books["orders"]) == 1
    assert (books["taken"], books["ledger"]) == (4988, 0)
    assert await shop.query("SELECT count(*) FROM payments.sandbox_charges WHERE charged") == [(1,)]
    await shop.settle(seconds=60)
    assert await shop.books() == {
        "orders": [("DELIVERED", 1)],
        "taken": 4988,
        "stock": [("SKU-A", 8, 0, 0), ("SKU-B", 9, 0, 0)],
        "ledger": 0,
    }


STAFF = Caller(id="usr_staff", kind="staff", roles=frozenset({"staff"}), scopes=frozenset({"payments:refund"}))
REQUEST = """mutation ($id: ID!, $lines: [OrderReturnLineInput!]!) {
  orderReturnRequest(orderId: $id, input: { lines: $lines, reason: "too small" }) {
    orderReturn { id status } errors { code message } } }"""
APPROVE = """mutation ($id: ID!) {
  orderReturnApprove(id: $id) { orderReturn { status trackingNumber } errors { code message } } }"""
RECEIVE = """mutation ($id: ID!, $lines: [OrderReturnReceivedLineInput!]!) {
  orderReturnReceive(id: $id, lines: $lines) {
    orderReturn { status refund { amount } } errors { code message } } }"""
REFUND = """mutation ($id: ID!, $amount: MoneyInput!) {
  orderRefund(id: $id, amount: $amount, reason: "a scratch", idempotencyKey: "sorry") { errors { code message } } }"""


@pytest.fixture
async def delivered(shop):
    """An order that has arrived, and its lines."""
    order = await shop.buy()
    await shop.settle()
    await shop.settle(seconds=2)
    await shop.settle(seconds=30)
    document = "query ($id: ID!) { order(id: $id) { lines { id sku quantity } } }"
    return order["id"], (await shop.run("orders", document, id=order["id"]))["order"]["lines"]


async def test_what_comes_back_is_on_the_shelf_and_its_money_with_the_buyer(shop, delivered):
    order, lines = delivered
    wanted = [{"lineId": line["id"], "quantity": line["quantity"]} for line in lines]
    asked = (await shop.mutate(REQUEST, id=order, lines=wanted))["orderReturn"]
    approved = await shop.mutate(APPROVE, STAFF, id=asked["id"])
    assert (approved["errors"], approved["orderReturn"]["status"]) == ([], "APPROVED")
    came = [{"lineId": line["id"], "state": state} for line, state in zip(lines, ["SELLABLE", "DAMAGED"], strict=True)]
    done = await shop.mutate(RECEIVE, STAFF, id=asked["id"], lines=came)
    assert (done["errors"], done["orderReturn"]) == ([], {"status": "REFUNDED", "refund": {"amount": "44.98"}})
    await shop.settle()
    assert await shop.books() == {
        "orders": [("RETURNED", 1)],
        "taken": 490,
        "stock": [("SKU-A", 10, 0, 0), ("SKU-B", 9, 0, 0)],
        "ledger": 0,
    }


async def test_a_part_goes_back_once(shop, delivered):
    order, _ = delivered
    for _ in range(2):
        assert (await shop.mutate(REFUND, STAFF, id=order, amount={"amount": "5", "currency": "EUR"}))["errors"] == []
    await shop.settle()
    books = await shop.books()
    assert (books["orders"], books["taken"], books["ledger"]) == ([("DELIVERED", 1)], 4488, 0)


async def test_a_voucher_is_redeemed_and_given_back_with_the_order(shop):
    gift = {"code": "TEN", "name": "Ten", "percent": "10", "startsAt": "2020-01-01T00:00:00Z", "usageLimit": 1}
    give_out = "mutation ($input: VoucherCreateInput!) { voucherCreate(input: $input) { errors { code } } }"
    await shop.run("products", give_out, Caller(id="usr_admin", kind="admin"), input=gift)
    apply = """mutation ($id: ID!) { checkoutVoucherApply(id: $id, code: "ten") {
      checkout { discount { amount } total { gross { amount currency } } } errors { code } } }"""
    checkout, _ = await shop.checkout()
    applied = (await shop.mutate(apply, id=checkout))["checkout"]
    assert (applied["discount"]["amount"], applied["total"]["gross"]["amount"]) == ("4.50", "45.38")
    paid = await shop.complete(checkout, applied["total"]["gross"])
    assert (paid["errors"], (await shop.books())["taken"]) == ([], 4538)
    another, _ = await shop.checkout()
    assert (await shop.mutate(apply, id=another))["errors"] == [{"code": "VOUCHER_USED_UP"}]
    await shop.settle()
    await shop.mutate(CANCEL, id=paid["order"]["id"])
    await shop.settle()
    assert (await shop.mutate(apply, id=another))["errors"] == []


async def test_a_cart_tells_what_can_be_had_of_it(shop):
    cart = await shop.cart([("SKU-A", 11), ("SKU-B", 1)])
    document = "query ($id: ID!) { cart(id: $id) { notices { kind sku available } } }"
    notices = (await shop.run("orders", document, id=cart))["cart"]["notices"]
    assert notices == [{"kind": "INSUFFICIENT_STOCK", "sku": "SKU-A", "available": 10}]
