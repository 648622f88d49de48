"""What staff and services do to stock beyond the simple sale, through the schema."""

from datetime import date

from kernel.events.catalogue import StockLine
from kernel.identity import Caller
from subgraphs.inventory.domain.reservations import Wish
from subgraphs.inventory.service import InventoryService
from subgraphs.inventory.service.auditing import project

ORDERS = Caller.service("orders")
STAFF = Caller(id="usr_staff", kind="staff", roles=frozenset({"staff"}))
CUSTOMER = Caller(id="usr_1", kind="customer")


async def run(inventory, query, caller=STAFF, **variables):
    result = await inventory.executor.execute(query, variables, caller=caller)
    assert not result.errors, result.errors
    return result.data


async def test_counting_and_transferring(inventory, stocked):
    await stocked({"A": {"wh_near": 5}})
    count = """mutation { stockCount(input: {sku: "A", warehouseId: "wh_near", counted: 7}, idempotencyKey: "k1") {
        stockLevel { onHand } errors { code } } }"""
    assert await run(inventory, count) == {"stockCount": {"stockLevel": {"onHand": 7}, "errors": []}}
    transfer = """mutation ($quantity: Int!, $key: String!) { stockTransfer(input: {
        sku: "A", fromWarehouseId: "wh_near", toWarehouseId: "wh_far", quantity: $quantity}, idempotencyKey: $key) {
        source { onHand } target { onHand warehouse { code } } errors { code } } }"""
    moved = (await run(inventory, transfer, quantity=3, key="k2"))["stockTransfer"]
    assert moved == {"source": {"onHand": 4}, "target": {"onHand": 3, "warehouse": {"code": "FAR"}}, "errors": []}
    refused = (await run(inventory, transfer, quantity=9, key="k3"))["stockTransfer"]
    assert refused["errors"] == [{"code": "INVALID_STATE"}]


async def test_taking_goods_back(inventory, stocked, clock):
    await stocked({"A": {"wh_near": 5}})
    service = InventoryService(inventory.database, clock)
    held = await service.reserve("chk", [Wish("A", 2)], 60, "k1")
    await service.allocate(held.id, "ord_1", "k2")
    async with inventory.database.transaction() as session:
        await service.ship(session, "ord_1", [StockLine(sku="A", quantity=2)])
    take_back = """mutation ($key: String!) { stockReturn(input: {orderId: "ord_1", sku: "A", quantity: 2},
        idempotencyKey: $key) { returned errors { code } } }"""
    assert (await run(inventory, take_back, key="k3"))["stockReturn"] == {"returned": 2, "errors": []}
    assert (await run(inventory, take_back, key="k3"))["stockReturn"] == {"returned": 2, "errors": []}
    refused = (await run(inventory, take_back, key="k4"))["stockReturn"]
    assert refused == {"returned": None, "errors": [{"code": "INVALID_STATE"}]}


async def test_a_policy_is_shown_with_its_level(inventory, stocked):
    await stocked({"A": {"wh_near": 5}})
    policy = """mutation ($safety: Int!) { stockPolicySet(input: {
        sku: "A", warehouseId: "wh_near", safetyStock: $safety, backorderLimit: 1,
        releasesAt: "2030-01-01T00:00:00Z"}) {
        stockLevel { available safetyStock releasesAt } errors { code path } } }"""
    level = (await run(inventory, policy, safety=4))["stockPolicySet"]["stockLevel"]
    assert level == {"available": 2, "safetyStock": 4, "releasesAt": "2030-01-01T00:00:00+00:00"}
    errors = (await run(inventory, policy, safety=-1))["stockPolicySet"]["errors"]
    assert errors == [{"code": "INVALID_INPUT", "path": ["safetyStock"]}]


async def test_a_bundle_is_sold_as_its_parts(inventory, stocked):
    await stocked({"A": {"wh_near": 5}, "B": {"wh_near": 1}})
    bundle = """mutation ($parts: [BundlePartInput!]!) { bundleSet(sku: "SET", parts: $parts) {
        variant { sku availability { quantityAvailable } } errors { code } } }"""
    parts = [{"sku": "A", "quantity": 2}, {"sku": "B"}]
    made = (await run(inventory, bundle, parts=parts))["bundleSet"]
    assert made == {"variant": {"sku": "SET", "availability": {"quantityAvailable": 1}}, "errors": []}
    refused = (await run(inventory, bundle, parts=[{"sku": "SET"}]))["bundleSet"]
    assert refused == {"variant": None, "errors": [{"code": "INVALID_INPUT"}]}


async def test_a_failing_warehouse_is_emptied_of_promises(inventory, stocked):
    await stocked({"A": {"wh_near": 2, "wh_far": 1}})
    reserve = """mutation { stockReserve(input: {checkoutId: "chk", lines: [{sku: "A", quantity: 2}],
        destination: {country: "DE", postalCode: "10115"}}, idempotencyKey: "k1") { reservation { id } } }"""
    held = (await run(inventory, reserve, ORDERS))["stockReserve"]["reservation"]["id"]
    move = """mutation ($reason: String!) { warehouseMoveOut(id: "wh_near", reason: $reason) {
        moved remaining errors { code } } }"""
    assert (await run(inventory, move, reason="flooded"))["warehouseMoveOut"] == {
        "moved": 1,
        "remaining": 1,
        "errors": [],
    }
    assert (await run(inventory, move, reason=" "))["warehouseMoveOut"]["errors"] == [{"code": "INVALID_INPUT"}]
    allocate = """mutation ($id: ID!) { stockAllocate(reservationId: $id, orderId: "ord_1", idempotencyKey: "k2") {
        allocations { warehouseId quantity } errors { code } } }"""
    rows = (await run(inventory, allocate, ORDERS, id=held))["stockAllocate"]["allocations"]
    assert rows == [{"warehouseId": "wh_far", "quantity": 1}, {"warehouseId": "wh_near", "quantity": 1}]


async def test_a_reservation_is_held_for_longer(inventory, stocked, clock):
    await stocked({"A": {"wh_near": 1}})
    held = await InventoryService(inventory.database, clock).reserve("chk", [Wish("A", 1)], 60, "k1")
    extend = """mutation ($id: ID!, $key: String!) { reservationExtend(id: $id, ttlSeconds: 600, idempotencyKey: $key) {
        reservation { state } errors { code } } }"""
    assert (await run(inventory, extend, ORDERS, id=held.id, key="k2"))["reservationExtend"] == {
        "reservation": {"state": "HELD"},
        "errors": [],
    }
    clock.advance(seconds=599)
    reserve = """mutation { stockReserve(input: {checkoutId: "chk_2", lines: [{sku: "A", quantity: 1}]},
        idempotencyKey: "k3") { errors { code } } }"""
    assert (await run(inventory, reserve, ORDERS))["stockReserve"]["errors"] == [{"code": "INSUFFICIENT_STOCK"}]
    missing = (await run(inventory, extend, ORDERS, id="res_none", key="k4"))["reservationExtend"]
    assert missing == {"reservation": None, "errors": [{"code": "NOT_FOUND"}]}


async def test_dashboards_read_what_moved_on_each_day(inventory, stocked, clock):
    await stocked({"A": {"wh_near": 5, "wh_far": 2}})
    await InventoryService(inventory.database, clock).adjust("A", "wh_far", -1, reason="broken", key="k1")
    for _ in range(3):
        await project(inventory.database)
    query = """query ($since: Date!, $until: Date!, $there: ID) {
        stockTurnover(since: $since, until: $until, warehouseId: $there) { received corrected shipped } }"""
    span = {"since": str(date(2000, 1, 1)), "until": str(date(2002, 1, 1))}
    today = {"since": str(clock.now().date()), "until": str(clock.now().date())}
    assert await run(inventory, query, **span) == {"stockTurnover": []}
    assert await run(inventory, query, **today) == {"stockTurnover": [{"received": 7, "corrected": -1, "shipped": 0}]}
    here = await run(inventory, query, **today, there="wh_far")
    assert here == {"stockTurnover": [{"received": 2, "corrected": -1, "shipped": 0}]}
    result = await inventory.executor.execute(query, today, caller=CUSTOMER)
    assert result.errors[0]["extensions"]["code"] == "FORBIDDEN"
