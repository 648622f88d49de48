"""Who may do what through GraphQL, and at which cost."""

import pytest

from kernel.database import count_statements
from kernel.identity import ANONYMOUS, Caller

ORDERS = Caller.service("orders")
BUYER = Caller(id="usr_1", kind="customer")
OTHER = Caller(id="usr_2", kind="customer")
STAFF = Caller(id="usr_9", kind="staff")

QUOTES = """
query ($country: String!, $subtotal: MoneyInput!, $weight: Int!) {
  shippingQuotes(country: $country, subtotal: $subtotal, weightGrams: $weight) {
    method { id name minDays } price { amount currency }
  }
}
"""
OF_ORDERS = """
query ($orders: [_Any!]!) {
  _entities(representations: $orders) {
    ... on Order { id shipments { id status method { id name } events { status } lines { quantity variant { sku } } } }
  }
}
"""


async def run(subgraph, document, caller, **variables):
    result = await subgraph.executor.execute(document, variables, caller=caller)
    assert not result.errors, result.errors
    return result.data


def eur(amount):
    return {"amount": amount, "currency": "EUR"}


@pytest.mark.parametrize(
    ("country", "subtotal", "weight", "prices"),
    [
        ("DE", "10", 100, ["4.90", "12.90"]),
        ("DE", "75", 100, ["0.00", "12.90"]),
        ("FR", "10", 6000, ["19.80", "49.80"]),
        ("NZ", "1000", 100, ["19.90", "49.90"]),
    ],
)
async def test_the_first_offer_is_there_after_migration(shipping, country, subtotal, weight, prices):
    with count_statements(shipping.database) as counted:
        data = await run(shipping, QUOTES, ORDERS, country=country, subtotal=eur(subtotal), weight=weight)
    assert [quote["price"]["amount"] for quote in data["shippingQuotes"]] == prices
    assert counted.total == 1


async def test_a_country_must_be_a_code(shipping):
    variables = {"country": "Germany", "subtotal": eur("1"), "weight": 1}
    result = await shipping.executor.execute(QUOTES, variables, caller=ORDERS)
    assert result.errors[0]["extensions"]["code"] == "INVALID_INPUT"


@pytest.mark.parametrize("caller", [ANONYMOUS, BUYER, STAFF])
async def test_only_services_get_quotes_and_halt(shipping, caller):
    variables = {"country": "DE", "subtotal": eur("1"), "weight": 1}
    for document in (QUOTES, 'mutation { shipmentsHalt(orderId: "ord_1") { halted } }'):
        result = await shipping.executor.execute(document, variables, caller=caller)
        assert result.errors[0]["extensions"]["code"] in {"UNAUTHENTICATED", "FORBIDDEN"}


@pytest.mark.parametrize("caller", [ANONYMOUS, BUYER, ORDERS])
async def test_only_staff_ships_by_hand(shipping, caller):
    document = 'mutation { shipmentShip(id: "shp_1") { shipment { id } } }'
    result = await shipping.executor.execute(document, {}, caller=caller)
    assert result.errors[0]["extensions"]["code"] in {"UNAUTHENTICATED", "FORBIDDEN"}


async def test_staff_is_told_that_a_shipment_is_unknown(shipping):
    document = 'mutation { shipmentShip(id: "shp_1") { shipment { id } errors { code } } }'
    data = await run(shipping, document, STAFF)
    assert data["shipmentShip"] == {"shipment": None, "errors": [{"code": "NOT_FOUND"}]}


async def test_methods_are_found_by_reference(shipping):
    wanted = [{"__typename": "ShippingMethod", "id": one} for one in ("shm_express", "shm_none")]
    document = "query ($m: [_Any!]!) { _entities(representations: $m) { ... on ShippingMethod { name } } }"
    with count_statements(shipping.database) as counted:
        data = await run(shipping, document, ANONYMOUS, m=wanted)
    assert data["_entities"] == [{"name": "Express"}, None]
    assert counted.total == 1


@pytest.mark.parametrize(("caller", "seen"), [(BUYER, 1), (STAFF, 1), (OTHER, 0), (ANONYMOUS, 0)])
async def test_only_its_buyer_and_staff_see_a_shipment(shipping, plan, confirmed, caller, seen):
    await plan(confirmed())
    data = await run(shipping, OF_ORDERS, caller, orders=[{"__typename": "Order", "id": "ord_1"}])
    assert len(data["_entities"][0]["shipments"]) == seen


@pytest.mark.parametrize("orders", [1, 10])
async def test_shipments_of_any_number_of_orders_cost_three_statements(shipping, plan, confirmed, orders):
    for at in range(orders):
        await plan(confirmed(order_id=f"ord_{at}"))
    wanted = [{"__typename": "Order", "id": f"ord_{at}"} for at in range(orders)]
    with count_statements(shipping.database) as counted:
        data = await run(shipping, OF_ORDERS, BUYER, orders=wanted)
    assert [order["shipments"][0]["method"]["name"] for order in data["_entities"]] == ["Standard"] * orders
    assert counted.total == 3


async def test_halting_what_has_left_is_a_typed_refusal(shipping, plan, confirmed, clock, service):
    await plan(confirmed())
    await service.shipments.drive_due()
    clock.advance(seconds=2)
    await service.shipments.drive_due()
    document = 'mutation { shipmentsHalt(orderId: "ord_1") { halted errors { code } } }'
    data = await run(shipping, document, ORDERS)
    assert data["shipmentsHalt"] == {"halted": False, "errors": [{"code": "INVALID_STATE"}]}
