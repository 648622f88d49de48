"""The staff changes what is offered; what makes no sense is a typed error and changes nothing."""

import pytest

from kernel.identity import ANONYMOUS, Caller
from kernel.pagination import Page
from subgraphs.shipping.storage.search import Wanted

STAFF = Caller(id="usr_9", kind="staff")
BUYER = Caller(id="usr_1", kind="customer")
ORDERS = Caller.service("orders")
SET = "mutation ($input: %sInput!, $id: ID) { done: %s(input: $input, id: $id) { id errors { code path } } }"
METHOD, ZONE, RATE, RULE = (
    SET % (kind, kind[0].lower() + kind[1:] + "Set")
    for kind in ("ShippingMethod", "ShippingZone", "ShippingRate", "FreeShippingRule")
)
QUOTES = """query ($country: String!, $code: String!, $total: MoneyInput!, $volume: Int!) {
  shippingQuotes(country: $country, postalCode: $code, subtotal: $total, weightGrams: 500, volumeCm3: $volume) {
    method { id } price { amount } estimatedDelivery { earliest latest } } }"""
STAFF_READS = (
    "{ shippingZones { id countries postalPrefixes } }",
    "{ shippingRates { id price { amount } zone { id } method { id } freeFrom { amount } } }",
    "{ freeShippingRules { id name } }",
    "{ shipments { totalCount nodes { id warehouseId labelUrl order { id } estimatedDelivery { latest } } } }",
)


async def run(shipping, document, caller=STAFF, **variables):
    result = await shipping.executor.execute(document, variables, caller=caller)
    assert not result.errors, result.errors
    return result.data


async def done(shipping, document, **variables):
    return (await run(shipping, document, **variables))["done"]


async def prices(shipping, country="DE", code="", total="10.00", volume=0, currency="EUR"):
    total = {"amount": total, "currency": currency}
    data = await run(shipping, QUOTES, ORDERS, country=country, code=code, total=total, volume=volume)
    return {quote["method"]["id"]: quote["price"]["amount"] for quote in data["shippingQuotes"]}


def eur(amount):
    return {"amount": amount, "currency": "EUR"}


async def test_a_new_method_zone_and_rate_are_quoted(shipping):
    method = (await done(shipping, METHOD, input={"name": "Boat", "minDays": 5, "maxDays": 9}))["id"]
    zone = {"name": "Islands", "countries": ["DE"], "postalPrefixes": ["27498"]}
    zone_id = (await done(shipping, ZONE, input=zone))["id"]
    rate = {"methodId": method, "zoneId": zone_id, "price": eur("12.00"), "maxWeightGrams": 9000, "maxVolumeCm3": 5000}
    rate_id = (await done(shipping, RATE, input=rate))["id"]
    assert (await prices(shipping, code="27498"))[method] == "12.00"
    assert method not in await prices(shipping, code="10115")
    assert method not in await prices(shipping, code="27498", volume=5001)
    again = await done(shipping, RATE, input={**rate, "price": eur("13.00")})
    assert again["errors"][0]["code"] == "CONFLICT"
    changed = await done(shipping, RATE, input={**rate, "price": eur("13.00")}, id=rate_id)
    assert changed == {"id": rate_id, "errors": []}
    assert (await prices(shipping, code="27498"))[method] == "13.00"
    delete = "mutation ($id: ID!) { done: %s(id: $id) { id errors { code } } }"
    assert (await done(shipping, delete % "shippingZoneDelete", id=zone_id))["errors"] == [{"code": "CONFLICT"}]
    await done(shipping, delete % "shippingRateDelete", id=rate_id)
    assert (await done(shipping, delete % "shippingZoneDelete", id=zone_id))["errors"] == []
    assert (await done(shipping, delete % "shippingZoneDelete", id=zone_id))["errors"] == [{"code": "NOT_FOUND"}]


async def test_a_method_that_is_not_offered_any_more(shipping):
    await done(
        shipping, METHOD, input={"name": "Express", "minDays": 1, "maxDays": 1, "active": False}, id="shm_express"
    )
    assert list(await prices(shipping)) == ["shm_standard"]
    assert [each["id"] for each in (await run(shipping, "{ shippingMethods { id } }"))["shippingMethods"]] == [
        "shm_standard"
    ]


async def test_a_rule_makes_it_free_for_a_time(shipping, clock):
    rule = {"name": "Summer", "fromSubtotal": eur("10.00"), "methodId": "shm_express", "zoneId": "home"}
    rule_id = (await done(shipping, RULE, input=rule))["id"]
    assert await prices(shipping) == {"shm_standard": "4.90", "shm_express": "0.00"}
    assert (await prices(shipping, country="AT"))["shm_express"] == "24.90"
    await done(shipping, RULE, input={**rule, "endsAt": clock.now().isoformat()}, id=rule_id)
    assert (await prices(shipping))["shm_express"] == "12.90"
    await done(
        shipping, "mutation ($id: ID!) { done: freeShippingRuleDelete(id: $id) { id errors { code } } }", id=rule_id
    )
    assert (await run(shipping, STAFF_READS[2]))["freeShippingRules"] == []


RATE_INPUT = {"methodId": "shm_standard", "zoneId": "home", "price": eur("1.00"), "maxWeightGrams": 77}


@pytest.mark.parametrize(
    ("document", "value", "code"),
    [
        (METHOD, {"name": " ", "minDays": 1, "maxDays": 2}, "INVALID_INPUT"),
        (METHOD, {"name": "x", "minDays": 3, "maxDays": 2}, "INVALID_INPUT"),
        (METHOD, {"name": "x", "minDays": -1, "maxDays": 2}, "INVALID_INPUT"),
        (ZONE, {"name": "x", "countries": []}, "INVALID_INPUT"),
        (ZONE, {"name": "x", "countries": ["Germany"]}, "INVALID_INPUT"),
        (ZONE, {"name": "x", "countries": ["DE"], "postalPrefixes": ["%"]}, "INVALID_INPUT"),
        (RATE, {**RATE_INPUT, "price": eur("-1.00")}, "INVALID_INPUT"),
        (RATE, {**RATE_INPUT, "price": eur("1.001")}, "INVALID_INPUT"),
        (RATE, {**RATE_INPUT, "maxWeightGrams": 0}, "INVALID_INPUT"),
        (RATE, {**RATE_INPUT, "maxVolumeCm3": -5}, "INVALID_INPUT"),
        (RATE, {**RATE_INPUT, "methodId": "shm_none"}, "CONFLICT"),
        (RATE, {**RATE_INPUT, "zoneId": "nowhere"}, "CONFLICT"),
        (RATE, {**RATE_INPUT, "minSubtotal": eur("5.00"), "maxSubtotal": eur("5.00")}, "INVALID_INPUT"),
        (RATE, {**RATE_INPUT, "freeFrom": {"amount": "5.00", "currency": "USD"}}, "INVALID_INPUT"),
        (RULE, {"name": "x", "fromSubtotal": eur("-1.00")}, "INVALID_INPUT"),
        (RULE, {"name": "x", "fromSubtotal": eur("1.00"), "methodId": "shm_none"}, "CONFLICT"),
    ],
)
async def test_what_makes_no_sense_changes_nothing(shipping, document, value, code):
    before = [await run(shipping, read) for read in STAFF_READS]
    assert [error["code"] for error in (await done(shipping, document, input=value))["errors"]] == [code]
    assert [await run(shipping, read) for read in STAFF_READS] == before


@pytest.mark.parametrize("document", STAFF_READS)
@pytest.mark.parametrize("caller", [ANONYMOUS, BUYER])
async def test_what_is_for_staff(shipping, document, caller):
    result = await shipping.executor.execute(document, caller=caller)
    assert result.errors[0]["extensions"]["code"] in {"UNAUTHENTICATED", "FORBIDDEN"}


@pytest.mark.parametrize("caller", [ANONYMOUS, BUYER])
async def test_buyers_change_nothing(shipping, caller):
    variables = {"input": {"name": "x", "countries": ["DE"]}}
    result = await shipping.executor.execute(ZONE, variables, caller=caller)
    assert result.errors[0]["extensions"]["code"] in {"UNAUTHENTICATED", "FORBIDDEN"}


async def test_staff_finds_shipments(shipping, service, plan, confirmed):
    for at in range(3):
        await plan(confirmed(order_id=f"ord_{at}", warehouses=("wh_a", "wh_b")))
    await service.shipments.drive_due()
    data = await run(shipping, STAFF_READS[3])
    assert data["shipments"]["totalCount"] == 6
    assert data["shipments"]["nodes"][0]["labelUrl"].startswith("/shipping/labels/")
    search = "query ($where: ShipmentWhere) { shipments(where: $where) { nodes { warehouseId status order { id } } } }"
    where = {"orderId": "ord_1", "warehouseId": "wh_b", "statusIn": ["LABELLED"]}
    assert (await run(shipping, search, where=where))["shipments"]["nodes"] == [
        {"warehouseId": "wh_b", "status": "LABELLED", "order": {"id": "ord_1"}}
    ]


async def test_a_return_label_for_orders(shipping, service, plan, confirmed, database):
    document = """mutation ($grams: Int!) {
      done: returnLabelCreate(orderId: "ord_1", returnId: "ret_1", weightGrams: $grams, idempotencyKey: "k") {
        label { trackingNumber url } errors { code path } } }"""
    data = await run(shipping, document, ORDERS, grams=300)
    assert data["done"] == {"label": None, "errors": [{"code": "NOT_FOUND", "path": ["orderId"]}]}
    await plan(confirmed())
    await service.shipments.drive_due()
    [shipment] = (await service.shipments.page(Page(10), Wanted())).items
    await service.shipments.ship(shipment.id)
    label = (await run(shipping, document, ORDERS, grams=300))["done"]["label"]
    assert label["trackingNumber"].startswith("SBX")
    refused = await shipping.executor.execute(document, {"grams": 1}, caller=STAFF)
    assert refused.errors[0]["extensions"]["code"] == "FORBIDDEN"
