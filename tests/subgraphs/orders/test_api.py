"""Who sees what through GraphQL, in which shape and at which cost."""

from functools import partial

import pytest

from kernel.calls import InProcessCalls
from kernel.database import count_statements
from kernel.graphql.execution import Executor
from kernel.identity import ANONYMOUS, Caller
from kernel.settings import Settings
from kernel.subgraph import Parts
from subgraphs.orders.api.context import make_context
from subgraphs.orders.api.schema import make_schema
from subgraphs.orders.app import build

BUYER = Caller(id="usr_1", kind="customer", email="ada@example.com")
OTHER = Caller(id="usr_2", kind="customer")
STAFF = Caller(id="usr_9", kind="staff")

ORDER = "query ($id: ID!) { order(id: $id) { id number status nextStatuses } }"
OF_USERS = """
query ($users: [_Any!]!) {
  _entities(representations: $users) {
    ... on User {
      id
      cart { id }
      orders(first: 5) {
        totalCount
        nodes { id lines { sku total { gross { amount } } variant { sku } product { id } } timeline { kind } }
      }
    }
  }
}
"""


@pytest.fixture
def executor(world):
    return Executor("orders", make_schema(), partial(make_context, world.service))


@pytest.fixture
def run(executor):
    async def run(document, caller=BUYER, **variables):
        result = await executor.execute(document, variables, caller=caller)
        assert not result.errors, result.errors
        return result.data

    return run


async def code_of(executor, document, caller, **variables):
    result = await executor.execute(document, variables, caller=caller)
    return result.errors[0]["extensions"]["code"] if result.errors else None


@pytest.mark.parametrize(("caller", "seen"), [(BUYER, True), (STAFF, True), (OTHER, False), (ANONYMOUS, False)])
async def test_an_order_is_null_for_everybody_else(world, run, caller, seen):
    order = await world.complete(await world.checkout())
    shown = (await run(ORDER, caller, id=order.id))["order"]
    expected = {
        "id": order.id,
        "number": order.number,
        "status": "CONFIRMED",
        "nextStatuses": ["FULFILMENT", "SHIPPED", "CANCELLED"],
    }
    assert shown == (expected if seen else None)


@pytest.mark.parametrize("field", ["cart", "checkout", "order"])
async def test_an_id_that_is_none_is_null(run, field):
    document = f'{{ {field}(id: "nothing of the kind") {{ id }} }}'
    assert (await run(document))[field] is None


async def test_a_guests_order_is_found_by_its_id_but_not_by_its_number(world, run):
    order = await world.complete(await world.checkout(caller=ANONYMOUS), caller=ANONYMOUS)
    keys = [{"__typename": "Order", "id": order.id}, {"__typename": "Order", "number": order.number}]
    document = "query ($o: [_Any!]!) { _entities(representations: $o) { ... on Order { id } } }"
    assert (await run(document, ANONYMOUS, o=keys))["_entities"] == [{"id": order.id}, None]
    assert (await run(document, STAFF, o=keys))["_entities"] == [{"id": order.id}, {"id": order.id}]


@pytest.mark.parametrize("users", [1, 10])
async def test_orders_of_any_number_of_users_cost_five_statements(world, run, users):
    for at in range(users):
        buyer = Caller(id=f"usr_{at}", kind="customer", email="a@example.com")
        world.depot.stock["SKU-A"] = 1000
        for key in ("first", "second"):
            await world.complete(await world.checkout([("SKU-A", 1)], buyer), key=key, caller=buyer)
        await world.cart([("SKU-A", 1)], buyer)
    wanted = [{"__typename": "User", "id": f"usr_{at}"} for at in range(users)]
    with count_statements(world.database) as counted:
        data = await run(OF_USERS, STAFF, users=wanted)
    assert counted.total == 5
    for user in data["_entities"]:
        assert user["cart"] is not None
        assert user["orders"]["totalCount"] == 2
        assert [order["lines"][0]["product"]["id"] for order in user["orders"]["nodes"]] == ["prod_SKU-A"] * 2
        assert [entry["kind"] for entry in user["orders"]["nodes"][0]["timeline"]] == ["PLACED", "CONFIRMED"]


async def test_other_peoples_orders_are_refused(executor, world):
    for caller, code in ((OTHER, "FORBIDDEN"), (ANONYMOUS, "UNAUTHENTICATED")):
        users = [{"__typename": "User", "id": "usr_1"}]
        assert await code_of(executor, OF_USERS, caller, users=users) == code


async def test_staff_sees_the_work_behind_an_order_and_its_buyer_does_not(world, run, executor):
    order = await world.complete(await world.checkout(), token="tok_pending")
    document = "query ($id: ID!) { order(id: $id) { sagas { kind status tries steps { name status } } } }"
    assert (await run(document, STAFF, id=order.id))["order"]["sagas"] == [
        {
            "kind": "CHECKOUT",
            "status": "WAITING",
            "tries": 1,
            "steps": [
                {"name": "RESERVE_STOCK", "status": "DONE"},
                {"name": "PROCESS_PAYMENT", "status": "PENDING"},
                {"name": "CONFIRM_ORDER", "status": "PENDING"},
            ],
        }
    ]
    assert await code_of(executor, document, BUYER, id=order.id) == "FORBIDDEN"


@pytest.mark.parametrize("caller", [BUYER, ANONYMOUS])
async def test_all_orders_are_for_staff(executor, caller):
    assert await code_of(executor, "{ orders { nodes { id } } }", caller) in {"FORBIDDEN", "UNAUTHENTICATED"}


async def test_orders_are_paged_newest_first_both_ways(world, run, clock):
    placed = []
    for at in range(5):
        clock.advance(seconds=10)
        placed.append((await world.complete(await world.checkout([("SKU-B", 1)]), key=f"k{at}")).id)
    newest = placed[::-1]
    document = """query ($first: Int, $after: String, $last: Int, $before: String) {
      orders(first: $first, after: $after, last: $last, before: $before) {
        nodes { id } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
    first = (await run(document, STAFF, first=2))["orders"]
    assert [node["id"] for node in first["nodes"]] == newest[:2]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (5, True)
    second = (await run(document, STAFF, first=2, after=first["pageInfo"]["endCursor"]))["orders"]
    assert [node["id"] for node in second["nodes"]] == newest[2:4]
    back = (await run(document, STAFF, last=2, before=second["pageInfo"]["startCursor"]))["orders"]
    assert [node["id"] for node in back["nodes"]] == newest[:2]
    user = [{"__typename": "User", "id": "usr_1"}]
    of_user = """query ($u: [_Any!]!, $before: String!) { _entities(representations: $u) {
      ... on User { orders(last: 2, before: $before) { nodes { id } pageInfo { hasPreviousPage } } } } }"""
    page = (await run(of_user, BUYER, u=user, before=second["pageInfo"]["endCursor"]))["_entities"][0]["orders"]
    assert [node["id"] for node in page["nodes"]] == newest[1:3]
    assert page["pageInfo"]["hasPreviousPage"] is True


async def test_orders_are_filtered_by_status(world, run):
    order = await world.complete(await world.checkout())
    await world.complete(await world.checkout(), token="tok_pending", key="k2")
    document = "query ($where: OrderWhere) { orders(where: $where) { nodes { id } totalCount } }"
    found = await run(document, STAFF, where={"statusIn": ["CONFIRMED", "SHIPPED"]})
    assert found["orders"] == {"nodes": [{"id": order.id}], "totalCount": 1}


async def test_a_cart_shows_what_it_costs_and_names_what_others_own(run):
    cart = (await run("mutation { cartCreate(currency: EUR) { cart { id } } }".replace("EUR", '"EUR"')))["cartCreate"]
    document = """mutation ($id: ID!) { cartLinesAdd(id: $id, lines: [{sku: "SKU-A", quantity: 2}]) {
      cart { quantity subtotal { amount currency } lines { sku variant { sku } product { id } } } errors { code } } }"""
    added = (await run(document, id=cart["cart"]["id"]))["cartLinesAdd"]
    assert added["errors"] == []
    assert added["cart"] == {
        "quantity": 2,
        "subtotal": {"amount": "39.98", "currency": "EUR"},
        "lines": [{"sku": "SKU-A", "variant": {"sku": "SKU-A"}, "product": {"id": "prod_SKU-A"}}],
    }


async def test_a_checkout_shows_amounts_with_their_tax(world, run):
    checkout = await world.checkout()
    document = """query ($id: ID!) { checkout(id: $id) {
      status subtotal { gross { amount } } shipping { gross { amount } } tax { amount }
      total { net { amount } tax { amount } gross { amount } } shippingMethod { id } order { id }
      availableShippingMethods { method { id } name price { amount } } reservation { expiresAt } cart { id } } }"""
    shown = (await run(document, id=checkout.id))["checkout"]
    assert shown["total"] == {
        "net": {"amount": "41.92"},
        "tax": {"amount": "7.96"},
        "gross": {"amount": "49.88"},
    }
    assert [option["method"]["id"] for option in shown["availableShippingMethods"]] == ["shm_standard", "shm_express"]
    assert (shown["status"], shown["tax"]["amount"], shown["order"]) == ("OPEN", "7.96", None)
    assert shown["cart"]["id"] == checkout.cart_id


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ('mutation { cartLinesAdd(id: "cart_x", lines: []) { errors { code } } }', "INVALID_INPUT"),
        ('mutation { cartLinesAdd(id: "c", lines: [{sku: "A", quantity: 1}]) { errors { code } } }', "NOT_FOUND"),
        ('mutation { cartLineUpdate(id: "c", sku: "A", quantity: -1) { errors { code } } }', "INVALID_INPUT"),
        ('mutation { cartLineRemove(id: "c", sku: "A") { errors { code } } }', "NOT_FOUND"),
        ('mutation { checkoutCreate(cartId: "c") { errors { code } } }', "NOT_FOUND"),
        ('mutation { checkoutShippingMethodSet(id: "c", methodId: "m") { errors { code } } }', "NOT_FOUND"),
        ('mutation { orderCancel(id: "o") { errors { code } } }', "NOT_FOUND"),
        (
            (
                'mutation { checkoutComplete(id: "c", idempotencyKey: "k", input: {paymentToken: "t", '
                'expectedTotal: {amount: "1.00", currency: "EUR"}}) { errors { code } } }'
            ),
            "NOT_FOUND",
        ),
        (
            (
                'mutation { checkoutComplete(id: "c", idempotencyKey: "k", input: {paymentToken: "t", '
                'expectedTotal: {amount: "1.005", currency: "EUR"}}) { errors { code } } }'
            ),
            "INVALID_INPUT",
        ),
    ],
)
async def test_what_is_refused_is_data(run, document, code):
    (payload,) = (await run(document)).values()
    assert [error["code"] for error in payload["errors"]] == [code]


@pytest.mark.parametrize("field", ["cart", "checkout", "order"])
async def test_text_that_no_database_holds_is_the_clients_mistake(executor, field):
    document = f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}"
    assert await code_of(executor, document, BUYER, id="a\x00b") == "INVALID_INPUT"


async def test_a_part_of_the_shop_that_is_away_is_told_as_such(database, clock):
    parts = Parts(database=database, calls=InProcessCalls("orders", {}), clock=clock)
    alone = build(Settings.load(), parts)
    created = await alone.executor.execute("mutation { cartCreate { cart { id } } }", caller=BUYER)
    document = """mutation ($id: ID!) { cartLinesAdd(id: $id, lines: [{sku: "A"}]) { errors { code message } } }"""
    result = await alone.executor.execute(document, {"id": created.data["cartCreate"]["cart"]["id"]}, caller=BUYER)
    assert result.data["cartLinesAdd"]["errors"] == [
        {"code": "SERVICE_UNAVAILABLE", "message": "A part of the shop does not answer; try again soon."}
    ]


@pytest.mark.parametrize("currency", ["XXQ", "EURO", "eur"])
async def test_a_currency_that_nobody_knows_is_the_clients_mistake(executor, currency):
    document = "mutation ($currency: CurrencyCode!) { cartCreate(currency: $currency) { errors { code } } }"
    refused = await executor.execute(document, {"currency": currency}, caller=BUYER)
    assert [error["extensions"]["code"] for error in refused.errors] == ["INVALID_INPUT"]
