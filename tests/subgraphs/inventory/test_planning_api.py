"""Planning through the schema: who may see it, what it shows, and what it costs."""

from datetime import timedelta

import pytest

from kernel.database import count_statements
from kernel.identity import ANONYMOUS, Caller
from subgraphs.inventory.domain.forecasting.series import monday
from subgraphs.inventory.storage import demand
from subgraphs.inventory.storage.demand import SoldElsewhere

STAFF = Caller(id="usr_staff", kind="staff", roles=frozenset({"staff"}))
WAREHOUSE = Caller(id="usr_w", kind="customer", roles=frozenset({"warehouse"}))
CUSTOMER = Caller(id="usr_1", kind="customer", email="ada@example.com")


async def run(inventory, query, caller=STAFF, **variables):
    result = await inventory.executor.execute(query, variables, caller=caller)
    assert not result.errors, result.errors
    return result.data


@pytest.fixture
async def planned(inventory, clock, stocked):
    """Ten SKUs that sell, each with a forecast, a plan and something on its way."""
    skus = [f"S{number}" for number in range(10)]
    await stocked({sku: {"wh_near": 4, "wh_far": 3} for sku in skus})
    end = monday(clock.now().date())
    async with inventory.database.transaction() as session:
        await demand.set_group(session, "cat_1", skus)
        told = [SoldElsewhere(sku, "s", end - timedelta(weeks=week), 6) for sku in skus for week in range(1, 70)]
        await demand.import_sold(session, told)
    renew = next(job for job in inventory.jobs if job.name == "inventory.forecast")
    assert await renew.run() == 10
    create = """mutation ($lines: [PurchaseLineInput!]!) {
        purchaseOrderCreate(input: {warehouseId: "wh_near", lines: $lines, expectedOn: "2026-06-09"}) {
            purchaseOrder { id state } errors { code } } }"""
    made = await run(inventory, create, lines=[{"sku": sku, "quantity": 2} for sku in skus])
    order_id = made["purchaseOrderCreate"]["purchaseOrder"]["id"]
    place = "mutation ($id: ID!) { purchaseOrderPlace(id: $id) { purchaseOrder { state } errors { code } } }"
    assert (await run(inventory, place, id=order_id))["purchaseOrderPlace"]["purchaseOrder"]["state"] == "ORDERED"
    return order_id


@pytest.mark.parametrize("n", [1, 10])
async def test_what_is_planned_of_variants_costs_the_same_for_any_number(inventory, planned, n):
    query = """query ($r: [_Any!]!) { _entities(representations: $r) { ... on ProductVariant {
        availability { quantityAvailable restockOn warehouses { quantityAvailable warehouse { code } } }
        forecast { model weeks { week mean low median high } }
        reorderPlans { reorderPoint orderUpTo suggestedQuantity incoming warehouse { code } }
        incomingStock { quantity expectedOn warehouse { code } } } } }"""
    variants = [{"__typename": "ProductVariant", "sku": f"S{number}"} for number in range(n)]
    with count_statements(inventory.database) as counted:
        found = (await run(inventory, query, r=variants))["_entities"]
    # The lists arrive in any order: warehouses that only a later one names are a statement of their own.
    assert counted.total in {5, 6}
    assert len(found) == n
    seen = found[0]
    assert seen["availability"]["restockOn"] == "2026-06-09"
    assert [each["warehouse"]["code"] for each in seen["availability"]["warehouses"]] == ["FAR", "NEAR"]
    assert len(seen["forecast"]["weeks"]) == 13
    week = seen["forecast"]["weeks"][0]
    assert week["low"] <= week["median"] <= week["high"]
    assert seen["incomingStock"] == [{"quantity": 2, "expectedOn": "2026-06-09", "warehouse": {"code": "NEAR"}}]
    (near, far) = seen["reorderPlans"]
    assert (near["incoming"], far["incoming"]) == (2, 0)
    assert near["suggestedQuantity"] + 6 == near["orderUpTo"]


@pytest.mark.parametrize("n", [1, 10])
async def test_lists_of_planning_cost_the_same_for_any_number(inventory, planned, n):
    query = """query ($n: Int!) {
        demandForecasts(first: $n, pattern: SMOOTH) { nodes { sku mase variant { sku } } pageInfo { hasNextPage } }
        reorderPlans(first: $n, warehouseId: "wh_near") { nodes { sku position warehouse { code } } }
        purchaseOrders(first: $n, state: ORDERED) { nodes { id lines { sku missing } warehouse { code } } } }"""
    with count_statements(inventory.database) as counted:
        found = await run(inventory, query, n=n)
    assert counted.total == 4
    assert [each["sku"] for each in found["demandForecasts"]["nodes"]] == [f"S{number}" for number in range(n)]
    assert found["demandForecasts"]["pageInfo"]["hasNextPage"] is (n < 10)
    assert [each["position"] for each in found["reorderPlans"]["nodes"]] == [6] * n
    assert len(found["purchaseOrders"]["nodes"][0]["lines"]) == 10


async def test_orders_to_suppliers_go_their_way(inventory, planned):
    suggest = """mutation { purchaseOrdersSuggest(warehouseId: "wh_far") {
        purchaseOrders { id state lines { sku quantity } } errors { code } } }"""
    (draft,) = (await run(inventory, suggest, WAREHOUSE))["purchaseOrdersSuggest"]["purchaseOrders"]
    assert (draft["state"], len(draft["lines"])) == ("DRAFT", 10)
    receive = """mutation ($id: ID!, $n: Int!) {
        purchaseOrderReceive(id: $id, lines: [{sku: "S1", quantity: $n}], idempotencyKey: "k") {
            purchaseOrder { state lines { sku received } } errors { code path } } }"""
    refused = (await run(inventory, receive, id=draft["id"], n=1))["purchaseOrderReceive"]
    assert refused["errors"] == [{"code": "INVALID_STATE", "path": None}]
    taken = (await run(inventory, receive, id=planned, n=2))["purchaseOrderReceive"]["purchaseOrder"]
    assert {each["sku"]: each["received"] for each in taken["lines"]}["S1"] == 2
    ledger = """query ($id: String!) { stockMovements(where: {reference: $id, types: [RECEIVED]}) {
        nodes { sku quantity reference } } }"""
    nodes = (await run(inventory, ledger, id=planned))["stockMovements"]["nodes"]
    assert nodes == [{"sku": "S1", "quantity": 2, "reference": planned}]
    cancel = "mutation ($id: ID!) { purchaseOrderCancel(id: $id) { purchaseOrder { state closedAt } } }"
    assert (await run(inventory, cancel, id=draft["id"]))["purchaseOrderCancel"]["purchaseOrder"][
        "state"
    ] == "CANCELLED"
    one = 'query ($id: ID!) { purchaseOrder(id: $id) { state } none: purchaseOrder(id: "po_no") { id } }'
    assert await run(inventory, one, id=draft["id"]) == {"purchaseOrder": {"state": "CANCELLED"}, "none": None}


async def test_planned_reorder_points_are_adopted_and_nothing_else_of_a_policy(inventory, planned):
    policy = """mutation { stockPolicySet(input: {sku: "S1", warehouseId: "wh_near", reorderPoint: 1,
        backorderLimit: 9}) { errors { code } } }"""
    assert (await run(inventory, policy))["stockPolicySet"] == {"errors": []}
    adopt = """mutation ($skus: [String!]!) { reorderPointsAdopt(warehouseId: "wh_near", skus: $skus) {
        stockLevels { sku reorderPoint backorderLimit } errors { code } } }"""
    plans = '{ reorderPlans(warehouseId: "wh_near", due: false) { nodes { sku reorderPoint } } }'
    nodes = (await run(inventory, plans))["reorderPlans"]["nodes"]
    wanted = {each["sku"]: each["reorderPoint"] for each in nodes}
    done = (await run(inventory, adopt, skus=["S1", "S2", "none"]))["reorderPointsAdopt"]
    assert done["stockLevels"] == [
        {"sku": "S1", "reorderPoint": wanted["S1"], "backorderLimit": 9},
        {"sku": "S2", "reorderPoint": wanted["S2"], "backorderLimit": 0},
    ]
    assert (await run(inventory, adopt, skus=[]))["reorderPointsAdopt"]["errors"] == [{"code": "INVALID_INPUT"}]


async def test_terms_and_costs_are_set(inventory, planned):
    terms = """mutation ($level: Float!) { supplyTermsSet(input: {sku: "S1", leadTimeDays: 7, cycleDays: 7,
        serviceLevel: $level, packSize: 6, supplier: "Holt"}) {
        reorderPlans { supplier leadTimeDays suggestedQuantity } errors { code path } } }"""
    plans = (await run(inventory, terms, level=0.98))["supplyTermsSet"]["reorderPlans"]
    assert [(each["supplier"], each["leadTimeDays"], each["suggestedQuantity"] % 6) for each in plans] == [
        ("Holt", 7, 0),
        ("Holt", 7, 0),
    ]
    refused = (await run(inventory, terms, level=2.0))["supplyTermsSet"]
    assert refused == {"reorderPlans": None, "errors": [{"code": "INVALID_INPUT", "path": ["serviceLevel"]}]}
    cost = """mutation { stockCostSet(sku: "S1", cost: {amount: "2.50", currency: "EUR"}) { sku errors { code } } }"""
    assert (await run(inventory, cost))["stockCostSet"] == {"sku": "S1", "errors": []}
    overview = """{ stockOverview { levels onHand incoming low value { amount currency } uncosted
        ages { sinceDays untilDays quantity } } near: stockOverview(warehouseId: "wh_near") { onHand } }"""
    with count_statements(inventory.database) as counted:
        found = await run(inventory, overview)
    assert counted.total == 7
    assert found["stockOverview"]["value"] == [{"amount": "17.50", "currency": "EUR"}]
    assert (found["stockOverview"]["onHand"], found["near"]["onHand"]) == (70, 40)
    assert sum(each["quantity"] for each in found["stockOverview"]["ages"]) == 70


async def test_anybody_may_wait_for_stock(inventory, stocked):
    await stocked({"A": {"wh_near": 0 + 1}})
    watch = """mutation ($email: String) { stockWatchCreate(sku: "A", email: $email) {
        stockWatch { id sku email } errors { code path } } }"""
    guest = (await run(inventory, watch, ANONYMOUS, email="bob@example.com"))["stockWatchCreate"]["stockWatch"]
    assert guest["id"]
    again = (await run(inventory, watch, CUSTOMER, email="bob@example.com"))["stockWatchCreate"]["stockWatch"]
    assert again == {**guest, "id": None}, "the wish is somebody else's"
    own = (await run(inventory, watch, CUSTOMER))["stockWatchCreate"]["stockWatch"]
    assert own["email"] == "ada@example.com"
    assert (await run(inventory, watch, CUSTOMER))["stockWatchCreate"]["stockWatch"] == own
    refused = (await run(inventory, watch, ANONYMOUS))["stockWatchCreate"]
    assert refused == {"stockWatch": None, "errors": [{"code": "INVALID_INPUT", "path": ["email"]}]}
    remove = "mutation ($id: ID!) { stockWatchRemove(id: $id) { removedId errors { code } } }"
    assert (await run(inventory, remove, ANONYMOUS, id=guest["id"]))["stockWatchRemove"]["removedId"] == guest["id"]
    assert (await run(inventory, remove, ANONYMOUS, id=guest["id"]))["stockWatchRemove"]["errors"] == [
        {"code": "NOT_FOUND"}
    ]


@pytest.mark.parametrize(("caller", "code"), [(ANONYMOUS, "UNAUTHENTICATED"), (CUSTOMER, "FORBIDDEN")])
@pytest.mark.parametrize(
    "query",
    [
        "{ stockOverview { onHand } }",
        "{ demandForecasts { nodes { sku } } }",
        "{ reorderPlans { nodes { sku } } }",
        "{ purchaseOrders { nodes { id } } }",
        '{ purchaseOrder(id: "po_1") { id } }',
        '{ _entities(representations: [{__typename: "PurchaseOrder", id: "po_1"}]) { __typename } }',
        (
            '{ _entities(representations: [{__typename: "ProductVariant", sku: "A"}]) { ... on ProductVariant {'
            " forecast { model } } } }"
        ),
        (
            '{ _entities(representations: [{__typename: "ProductVariant", sku: "A"}]) { ... on ProductVariant {'
            " reorderPlans { sku } } } }"
        ),
        (
            '{ _entities(representations: [{__typename: "ProductVariant", sku: "A"}]) { ... on ProductVariant {'
            " incomingStock { quantity } } } }"
        ),
        (
            '{ _entities(representations: [{__typename: "ProductVariant", sku: "A"}]) { ... on ProductVariant {'
            " availability { warehouses { quantityAvailable } } } } }"
        ),
        'mutation { purchaseOrderCreate(input: {warehouseId: "w", lines: []}) { errors { code } } }',
        'mutation { purchaseOrdersSuggest(warehouseId: "w") { errors { code } } }',
        'mutation { purchaseOrderPlace(id: "po_1") { errors { code } } }',
        'mutation { purchaseOrderReceive(id: "po_1", lines: [], idempotencyKey: "k") { errors { code } } }',
        'mutation { purchaseOrderCancel(id: "po_1") { errors { code } } }',
        (
            'mutation { supplyTermsSet(input: {sku: "A", leadTimeDays: 1, cycleDays: 1, serviceLevel: 0.9}) {'
            " errors { code } } }"
        ),
        'mutation { reorderPointsAdopt(warehouseId: "w", skus: ["A"]) { errors { code } } }',
        'mutation { stockCostSet(sku: "A", cost: {amount: "1", currency: "EUR"}) { sku } }',
    ],
)
async def test_planning_is_for_staff(inventory, query, caller, code):
    result = await inventory.executor.execute(query, {}, caller=caller)
    assert {each["extensions"]["code"] for each in result.errors} == {code}
