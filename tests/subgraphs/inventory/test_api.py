"""Stock through its schema, as the router and other subgraphs use it."""

from datetime import UTC, datetime

import pytest

from kernel.database import count_statements
from kernel.events.catalogue import (
    OrderCancelled,
    OrderShipped,
    ProductCreated,
    ProductUpdated,
    StockLine,
    VariantFacts,
)
from kernel.events.envelope import Event
from kernel.identity import ANONYMOUS, Caller
from subgraphs.inventory.domain.reservations import Wish

ORDERS = Caller.service("orders")
STAFF = Caller(id="usr_staff", kind="staff", roles=frozenset({"staff"}))
ADMIN = Caller(id="usr_admin", kind="admin")
CUSTOMER = Caller(id="usr_1", kind="customer")

RESERVE = """
mutation ($input: StockReserveInput!, $key: String!) {
  stockReserve(input: $input, idempotencyKey: $key) {
    reservation { id state expiresAt lines { sku warehouseId quantity } }
    errors { __typename code message path ... on InsufficientStockError { sku requested available } }
  }
}
"""
ENTITIES = """
query ($representations: [_Any!]!) {
  _entities(representations: $representations) {
    ... on Product { id availability { inStock quantityAvailable } }
    ... on ProductVariant { sku availability { inStock quantityAvailable lowStock } }
    ... on Warehouse { id name }
  }
}
"""


async def run(inventory, query, caller, **variables):
    result = await inventory.executor.execute(query, variables, caller=caller)
    assert not result.errors, result.errors
    return result.data


async def refused(inventory, query, caller, **variables):
    result = await inventory.executor.execute(query, variables, caller=caller)
    assert len(result.errors) == 1
    return result.errors[0]["extensions"]["code"]


def entities(inventory, *representations):
    return run(inventory, ENTITIES, ANONYMOUS, representations=list(representations))


async def test_reserving_allocating_and_giving_back(inventory, stocked):
    await stocked({"A": {"wh_near": 3}})
    wish = {"checkoutId": "chk_1", "lines": [{"sku": "A", "quantity": 2}], "ttlSeconds": 600}
    payload = (await run(inventory, RESERVE, ORDERS, input=wish, key="k1"))["stockReserve"]
    assert payload["errors"] == []
    held = payload["reservation"]
    assert held["state"] == "HELD"
    assert held["lines"] == [{"sku": "A", "warehouseId": "wh_near", "quantity": 2}]

    allocate = """mutation ($id: ID!) { stockAllocate(reservationId: $id, orderId: "ord_1", idempotencyKey: "k2") {
        allocations { sku warehouseId quantity shipped released } errors { code } } }"""
    payload = (await run(inventory, allocate, ORDERS, id=held["id"]))["stockAllocate"]
    row = {"sku": "A", "warehouseId": "wh_near", "quantity": 2, "shipped": 0, "released": 0}
    assert payload == {"allocations": [row], "errors": []}

    release = """mutation ($id: ID!) { reservationRelease(id: $id, reason: "late", idempotencyKey: "k3") {
        reservation { id } errors { code } } }"""
    payload = (await run(inventory, release, ORDERS, id=held["id"]))["reservationRelease"]
    assert payload == {"reservation": None, "errors": [{"code": "INVALID_STATE"}]}

    give_back = """mutation { allocationRelease(orderId: "ord_1", reason: "cancelled", idempotencyKey: "k4") {
        allocations { released } errors { code } } }"""
    payload = (await run(inventory, give_back, ORDERS))["allocationRelease"]
    assert payload == {"allocations": [{"released": 2}], "errors": []}

    look = """query ($id: ID!) { stockReservation(id: $id) { state }
        stockAllocations(orderId: "ord_1") { quantity released } missing: stockReservation(id: "res_no") { id } }"""
    found = await run(inventory, look, ORDERS, id=held["id"])
    assert found == {
        "stockReservation": {"state": "ALLOCATED"},
        "stockAllocations": [{"quantity": 2, "released": 2}],
        "missing": None,
    }


async def test_every_short_line_is_an_error_of_its_own(inventory, stocked):
    await stocked({"A": {"wh_near": 1}})
    lines = [{"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1}]
    payload = await run(inventory, RESERVE, ORDERS, input={"checkoutId": "chk_1", "lines": lines}, key="k1")
    errors = payload["stockReserve"]["errors"]
    assert [(each["__typename"], each["sku"], each["requested"], each["available"]) for each in errors] == [
        ("InsufficientStockError", "A", 2, 1),
        ("InsufficientStockError", "B", 1, 0),
    ]


@pytest.mark.parametrize(
    ("caller", "code"), [(ANONYMOUS, "UNAUTHENTICATED"), (CUSTOMER, "FORBIDDEN"), (ADMIN, "FORBIDDEN")]
)
async def test_promises_are_for_services_only(inventory, stocked, caller, code):
    await stocked({"A": {"wh_near": 1}})
    wish = {"checkoutId": "chk_1", "lines": [{"sku": "A", "quantity": 1}]}
    assert await refused(inventory, RESERVE, caller, input=wish, key="k1") == code
    assert await refused(inventory, '{ stockReservation(id: "res_1") { id } }', caller) == code
    assert (await entities(inventory, {"__typename": "ProductVariant", "sku": "A"}))["_entities"][0]["availability"][
        "quantityAvailable"
    ] == 1


@pytest.mark.parametrize(("caller", "code"), [(ANONYMOUS, "UNAUTHENTICATED"), (CUSTOMER, "FORBIDDEN")])
@pytest.mark.parametrize(
    "query",
    [
        "{ stockLevels { nodes { sku } } }",
        "{ stockMovements { nodes { sku } } }",
        "{ warehouses { nodes { id } } }",
        """mutation { stockReceive(input: {sku: "A", warehouseId: "wh_near", quantity: 1}, idempotencyKey: "k") {
            stockLevel { onHand } } }""",
        """mutation { stockAdjust(input: {sku: "A", warehouseId: "wh_near", delta: 1, reason: "x"},
            idempotencyKey: "k") { stockLevel { onHand } } }""",
        """mutation { warehouseCreate(input: {code: "B", name: "B", country: "DE"}) { warehouse { id } } }""",
    ],
)
async def test_warehouses_are_for_staff(inventory, stocked, query, caller, code):
    await stocked({"A": {"wh_near": 1}})
    assert await refused(inventory, query, caller) == code


async def test_staff_move_stock_and_read_the_ledger(inventory, stocked):
    await stocked({"A": {"wh_near": 1}})
    receive = """mutation { stockReceive(input: {sku: "A", warehouseId: "wh_far", quantity: 4, reference: "DN-7"},
        idempotencyKey: "k1") { stockLevel { sku onHand available version warehouse { code } variant { sku } }
        errors { code } } }"""
    level = {"sku": "A", "onHand": 4, "available": 4, "version": 1}
    seen = {**level, "warehouse": {"code": "FAR"}, "variant": {"sku": "A"}}
    assert await run(inventory, receive, STAFF) == {"stockReceive": {"stockLevel": seen, "errors": []}}

    adjust = """mutation { stockAdjust(input: {sku: "A", warehouseId: "wh_far", delta: -9, reason: "lost"},
        idempotencyKey: "k2") { stockLevel { sku } errors { __typename code } } }"""
    payload = (await run(inventory, adjust, STAFF))["stockAdjust"]
    assert payload == {"stockLevel": None, "errors": [{"__typename": "ConflictError", "code": "INVALID_STATE"}]}

    policy = """mutation { stockPolicySet(input: {sku: "A", warehouseId: "wh_far", reorderPoint: 5}) {
        stockLevel { reorderPoint } errors { code } } }"""
    assert (await run(inventory, policy, STAFF))["stockPolicySet"]["stockLevel"] == {"reorderPoint": 5}

    ledger = """{ stockMovements(first: 2, where: {sku: "A"}) {
        nodes { type quantity reference reason version warehouse { code } } pageInfo { hasNextPage endCursor } } }"""
    page = (await run(inventory, ledger, STAFF))["stockMovements"]
    entry = {"type": "RECEIVED", "quantity": 4, "reference": "DN-7", "reason": None, "version": 1}
    assert page["nodes"][0]["type"] == "POLICY_SET"
    assert page["nodes"][1] == {**entry, "warehouse": {"code": "FAR"}}
    assert page["pageInfo"]["hasNextPage"]

    low = """{ stockLevels(where: {low: true}) { nodes { sku warehouse { code } } }
        rest: stockLevels(where: {low: false, warehouseId: "wh_near"}) { nodes { sku reserved allocated } } }"""
    found = await run(inventory, low, STAFF)
    assert found["stockLevels"]["nodes"] == [{"sku": "A", "warehouse": {"code": "FAR"}}]
    assert found["rest"]["nodes"] == [{"sku": "A", "reserved": 0, "allocated": 0}]


async def test_administrators_open_and_close_warehouses(inventory, stocked):
    await stocked({})
    create = """mutation { warehouseCreate(input: {code: "BER", name: "Berlin", country: "DE", priority: 9}) {
        warehouse { id code active } errors { code path } } }"""
    made = (await run(inventory, create, ADMIN))["warehouseCreate"]["warehouse"]
    again = (await run(inventory, create, ADMIN))["warehouseCreate"]
    assert again == {"warehouse": None, "errors": [{"code": "ALREADY_EXISTS", "path": ["code"]}]}
    close = """mutation ($id: ID!) { warehouseUpdate(id: $id, input: {active: false}) {
        warehouse { name active } errors { code } } }"""
    payload = (await run(inventory, close, ADMIN, id=made["id"]))["warehouseUpdate"]
    assert payload == {"warehouse": {"name": "Berlin", "active": False}, "errors": []}
    listed = await run(inventory, "{ warehouses(first: 2) { totalCount nodes { code } } }", STAFF)
    assert listed["warehouses"] == {"totalCount": 4, "nodes": [{"code": "NEAR"}, {"code": "FAR"}]}


@pytest.mark.parametrize("n", [1, 10])
async def test_availability_costs_one_statement_for_any_number(inventory, stocked, n):
    await stocked({f"S{number}": {"wh_near": number + 1, "wh_far": 1} for number in range(10)})
    variants = [{"__typename": "ProductVariant", "sku": f"S{number}"} for number in range(n)]
    with count_statements(inventory.database) as counted:
        found = (await entities(inventory, *variants))["_entities"]
    assert counted.total == 1
    assert [each["availability"]["quantityAvailable"] for each in found] == [number + 2 for number in range(n)]

    products = [{"__typename": "Product", "id": f"prod_S{number}"} for number in range(n)]
    with count_statements(inventory.database) as counted:
        found = (await entities(inventory, *products))["_entities"]
    assert counted.total == 1
    assert [each["availability"]["quantityAvailable"] for each in found] == [number + 2 for number in range(n)]


@pytest.mark.parametrize("n", [1, 10])
async def test_stock_of_variants_costs_two_statements_for_any_number(inventory, stocked, n):
    await stocked({f"S{number}": {"wh_near": number + 1, "wh_far": 1} for number in range(10)})
    query = """query ($r: [_Any!]!) { _entities(representations: $r) {
        ... on ProductVariant { stock { onHand warehouse { code } } } } }"""
    variants = [{"__typename": "ProductVariant", "sku": f"S{number}"} for number in range(n)]
    with count_statements(inventory.database) as counted:
        found = (await run(inventory, query, STAFF, r=variants))["_entities"]
    assert counted.total == 2
    assert found[0]["stock"] == [
        {"onHand": 1, "warehouse": {"code": "NEAR"}},
        {"onHand": 1, "warehouse": {"code": "FAR"}},
    ]


async def test_what_stock_does_not_know_is_not_available(inventory, stocked):
    await stocked({"A": {"wh_near": 1}})
    found = await entities(
        inventory,
        {"__typename": "ProductVariant", "sku": "nothing"},
        {"__typename": "Product", "id": "prod_nothing"},
        {"__typename": "Warehouse", "id": "wh_near"},
        {"__typename": "Warehouse", "id": "wh_none"},
    )
    assert found["_entities"] == [
        {"sku": "nothing", "availability": {"inStock": False, "quantityAvailable": 0, "lowStock": False}},
        {"id": "prod_nothing", "availability": {"inStock": False, "quantityAvailable": 0}},
        {"id": "wh_near", "name": "Near"},
        None,
    ]


def event(payload):
    return Event(
        id="evt_1",
        type=type(payload).__name__,
        source="",
        subject="",
        time=datetime(2026, 6, 1, tzinfo=UTC),
        data=payload,
    )


async def hear(inventory, payload):
    name = type(payload).__name__
    consumer = next(each for each in inventory.consumers if name in each.subscriptions)
    async with inventory.database.transaction() as session:
        await consumer.subscriptions[name](event(payload), session)


async def test_products_tell_which_skus_they_have(inventory, stocked):
    await stocked({"A": {"wh_near": 2}, "B": {"wh_near": 3}})
    facts = {"product_id": "prod_new", "name": "New", "category_id": None}
    both = tuple(VariantFacts(id=f"var_{sku}", sku=sku, name=sku) for sku in ("A", "B"))
    await hear(inventory, ProductCreated(**facts, variants=both))
    product = {"__typename": "Product", "id": "prod_new"}
    assert (await entities(inventory, product))["_entities"][0]["availability"]["quantityAvailable"] == 5
    await hear(inventory, ProductUpdated(**facts, variants=both[:1]))
    assert (await entities(inventory, product))["_entities"][0]["availability"]["quantityAvailable"] == 2
    await hear(inventory, ProductUpdated(**facts, variants=()))
    assert (await entities(inventory, product))["_entities"][0]["availability"]["inStock"] is False


async def test_shipped_and_cancelled_orders_move_their_stock(inventory, service, stocked):
    await stocked({"A": {"wh_near": 5}})
    for order, key in (("ord_1", "one"), ("ord_2", "two")):
        held = await service.reserve("chk", [Wish("A", 2)], 60, f"reserve {key}")
        await service.allocate(held.id, order, f"allocate {key}")
    await hear(
        inventory,
        OrderShipped(
            order_id="ord_1",
            shipment_id="shp_1",
            carrier="c",
            tracking_number="t",
            lines=(StockLine(sku="A", quantity=2, warehouse_id="wh_near"),),
            customer_id=None,
            email="",
            shipped_at="",
        ),
    )
    order = {"order_id": "ord_2", "number": "2", "customer_id": None, "email": "", "currency": "EUR", "total_minor": 1}
    await hear(inventory, OrderCancelled(**order, reason="changed my mind"))
    levels = "{ stockLevels { nodes { onHand allocated reserved available } } }"
    (level,) = (await run(inventory, levels, STAFF))["stockLevels"]["nodes"]
    assert level == {"onHand": 3, "allocated": 0, "reserved": 0, "available": 3}
    assert await service.verify() == []
