"""Demand, forecasts, reorder plans and orders to suppliers, on a real database."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from kernel.database import count_statements, plain_url
from kernel.errors import ConflictError, DomainError, InvalidInputError, NotFoundError
from kernel.events.catalogue import (
    InventoryChanged,
    OrderCancelled,
    OrderConfirmed,
    PostalAddress,
    ProductCreated,
    StockLine,
    VariantFacts,
)
from kernel.events.envelope import Event
from kernel.identity import Caller
from kernel.money import Money
from subgraphs.inventory.domain.forecasting.series import Pattern, monday
from subgraphs.inventory.domain.purchasing import PurchaseOrderState
from subgraphs.inventory.domain.replenishment import Terms
from subgraphs.inventory.domain.reservations import Wish
from subgraphs.inventory.domain.stock import Policy
from subgraphs.inventory.service import watches as waiting
from subgraphs.inventory.service.forecasting import Forecasting
from subgraphs.inventory.service.purchasing import Purchasing
from subgraphs.inventory.service.watches import Watches
from subgraphs.inventory.storage import demand, forecasts, insight, purchasing
from subgraphs.inventory.storage.demand import SoldElsewhere

TERMS = Terms(lead_time_days=14, cycle_days=14, service_level=0.95)
STAFF = Caller(id="usr_staff", kind="staff", roles=frozenset({"staff"}))


@pytest.fixture
def forecasting(database, clock):
    return Forecasting(database, clock, TERMS)


@pytest.fixture
def buying(database, clock, service):
    return Purchasing(database, clock, service)


@pytest.fixture
def watches(database, clock):
    return Watches(database, clock)


@pytest.fixture
def tell(inventory):
    """Deliver an event to every consumer that wants it, as often as the test likes."""

    async def deliver(payload, times=1):
        name = type(payload).__name__
        event = Event(id="evt_1", type=name, source="", subject="", time=datetime(2026, 6, 1, tzinfo=UTC), data=payload)
        for _ in range(times):
            for consumer in inventory.consumers:
                if name in consumer.subscriptions:
                    async with inventory.database.transaction() as session:
                        await consumer.subscriptions[name](event, session)

    return deliver


def confirmed(order_id="ord_1", *lines, day=date(2026, 5, 20)):
    return OrderConfirmed(
        order_id=order_id,
        number="1",
        customer_id=None,
        email="a@example.com",
        currency="EUR",
        total_minor=1,
        lines=(),
        stock=tuple(StockLine(sku=sku, quantity=quantity, warehouse_id=place) for sku, quantity, place in lines),
        shipping_address=PostalAddress(name="A", line1="1", city="B", postal_code="1", country="DE"),
        shipping_method_id="shm_1",
        confirmed_at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC).isoformat(),
    )


def cancelled(order_id):
    return OrderCancelled(
        order_id=order_id, number="1", customer_id=None, email="", currency="EUR", total_minor=1, reason="late"
    )


async def rows(database, query):
    connection = await asyncpg.connect(plain_url(database.url), server_settings={"search_path": "inventory"})
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def sell_elsewhere(database, clock, quantities, weeks=80):
    """Let a channel sell the same in each of the past weeks."""
    end = monday(clock.now().date())
    told = [
        SoldElsewhere(sku, "stores", end - timedelta(weeks=week), quantity)
        for sku, quantity in quantities.items()
        for week in range(1, weeks + 1)
    ]
    async with database.transaction() as session:
        await demand.set_group(session, "cat_1", list(quantities))
        await demand.import_sold(session, told)


async def test_demand_is_counted_once_however_often_it_is_told(database, tell, stocked):
    await stocked({"A": {"wh_near": 9}, "B": {"wh_far": 9}})
    told = confirmed("ord_1", ("A", 2, "wh_near"), ("A", 1, "wh_near"), ("B", 1, "wh_far"))
    await tell(told, times=3)
    await tell(confirmed("ord_2", ("A", 5, "wh_near")))
    await tell(cancelled("ord_2"), times=2)
    await tell(confirmed("ord_2", ("A", 5, "wh_near")))
    found = await rows(database, "SELECT sku, quantity FROM demand_lines WHERE NOT cancelled ORDER BY sku")
    assert found == [("A", 3), ("B", 1)]


async def test_a_series_begins_when_a_sku_was_first_there_and_adds_all_channels(database, clock, tell, stocked):
    clock.set(datetime(2026, 5, 4, 12, tzinfo=UTC))
    await stocked({"A": {"wh_near": 9}, "B": {"wh_near": 9}})
    clock.set(datetime(2026, 6, 1, 12, tzinfo=UTC))
    facts = tuple(VariantFacts(id=f"var_{sku}", sku=sku, name=sku) for sku in "AB")
    await tell(ProductCreated(product_id="prod_1", name="P", category_id="cat_1", variants=facts))
    await tell(confirmed("ord_1", ("A", 2, "wh_near"), day=date(2026, 5, 20)))
    await tell(confirmed("ord_2", ("A", 7, "wh_near"), day=date(2026, 6, 1)))
    async with database.transaction() as session:
        await demand.import_sold(session, [SoldElsewhere("A", "stores", date(2026, 5, 18), 4)])
        await demand.import_sold(session, [SoldElsewhere("A", "stores", date(2026, 5, 18), 5)])
        series = await demand.group_series(session, "cat_1", date(2026, 6, 1))
    assert [(each.sku, each.first, each.values) for each in series] == [
        ("A", date(2026, 5, 4), (0, 0, 7, 0)),
        ("B", date(2026, 5, 4), (0, 0, 0, 0)),
    ]


async def test_forecasts_are_made_once_a_week_and_plans_follow(database, clock, forecasting, stocked):
    await stocked({"A": {"wh_near": 9, "wh_far": 2}, "B": {"wh_near": 9}})
    await sell_elsewhere(database, clock, {"A": 7, "B": 1})
    assert await forecasting.renew() == 2
    assert await forecasting.renew() == 0
    async with database.session() as session:
        kept = (await forecasts.forecasts_of(session, ["A", "B", "none"]))["A"]
        plans = await forecasts.plans_of(session, ["A", "B"])
    assert kept.forecast.first == monday(clock.now().date())
    assert kept.forecast.means == pytest.approx([7] * 13, rel=0.05)
    assert (kept.forecast.pattern, kept.made_at) == (Pattern.SMOOTH, clock.now())
    assert [each.plan.warehouse_id for each in plans["A"]] == ["wh_near", "wh_far"]
    assert sum(each.plan.lead_time_demand for each in plans["A"]) == pytest.approx(14, rel=0.05)
    clock.advance(timedelta(days=7))
    assert await forecasting.renew() == 2


async def test_a_new_sku_is_forecast_without_waiting_for_next_week(database, clock, forecasting, stocked):
    await stocked({"A": {"wh_near": 9}, "B": {"wh_near": 9}})
    await sell_elsewhere(database, clock, {"A": 7})
    assert await forecasting.renew() == 1
    async with database.transaction() as session:
        await demand.set_group(session, "cat_1", ["B"])
        await demand.set_group(session, None, [])
    assert await forecasting.renew() == 2
    async with database.session() as session:
        kept = (await forecasts.forecasts_of(session, ["B"]))["B"].forecast
    assert (kept.model, kept.pattern) == ("GroupPrior", Pattern.NEW)


async def test_what_is_short_is_suggested_ordered_and_received(database, clock, forecasting, buying, stocked):
    await stocked({"A": {"wh_near": 9}, "B": {"wh_near": 500}})
    await sell_elsewhere(database, clock, {"A": 7, "B": 7})
    await forecasting.renew()
    await forecasting.set_terms("A", replace(TERMS, pack_size=12, supplier="Holt"))
    (order,) = await buying.draft_suggested("wh_near")
    (line,) = order.lines
    assert (order.supplier, order.expected_on) == ("Holt", clock.now().date() + timedelta(days=14))
    assert (line.sku, line.quantity % 12) == ("A", 0)
    assert line.quantity + 9 >= 28
    async with database.session() as session:
        assert await purchasing.incoming_of(session, ["A"]) == {}

    await buying.place(order.id, date(2026, 6, 20))
    assert await buying.draft_suggested("wh_near") == ()
    async with database.session() as session:
        (coming,) = (await purchasing.incoming_of(session, ["A"]))["A"]
    assert (coming.quantity, coming.expected_on) == (line.quantity, date(2026, 6, 20))

    part = await buying.receive(order.id, {"A": 5}, "k1")
    again = await buying.receive(order.id, {"A": 5}, "k1")
    assert part == again
    assert (part.state, part.lines[0].received) == (PurchaseOrderState.ORDERED, 5)
    done = await buying.receive(order.id, {"A": line.quantity - 5}, "k2")
    assert (done.state, done.lines[0].missing) == (PurchaseOrderState.RECEIVED, 0)
    assert await rows(database, "SELECT on_hand FROM stock_levels WHERE sku = 'A'") == [(9 + line.quantity,)]


async def test_purchase_orders_keep_to_their_life(buying, stocked):
    await stocked({"A": {"wh_near": 9}})
    order = await buying.draft("wh_near", {"A": 3}, supplier="", expected_on=None)
    with pytest.raises(DomainError, match="cannot become"):
        await buying.receive(order.id, {"A": 3}, "k")
    await buying.place(order.id, None)
    with pytest.raises(InvalidInputError, match="not ordered"):
        await buying.receive(order.id, {"B": 1}, "k")
    gone = await buying.cancel(order.id)
    assert gone.state is PurchaseOrderState.CANCELLED
    with pytest.raises(DomainError, match="cannot become"):
        await buying.place(order.id, None)
    with pytest.raises(NotFoundError):
        await buying.cancel("po_none")
    with pytest.raises(NotFoundError):
        await buying.draft("wh_none", {"A": 1}, supplier="", expected_on=None)


@pytest.mark.parametrize("lines", [{}, {"A": 0}, {"": 1}, {"A": 10_000_000}])
async def test_lines_that_cannot_be_meant_are_refused(buying, lines):
    with pytest.raises(InvalidInputError):
        await buying.draft("wh_near", lines, supplier="", expected_on=None)


async def test_low_stock_is_told_once_until_it_has_recovered(service, events, stocked):
    await stocked({"A": {"wh_near": 20}})
    await service.set_policy("A", "wh_near", Policy(reorder_point=10))

    async def change(delta, number):
        await service.adjust("A", "wh_near", delta, reason="x", key=f"k{number}")
        return len(await events("StockLevelLow"))

    assert await change(-9, 1) == 0
    assert await change(-1, 2) == 1
    assert await change(+1, 3) == 1
    assert await change(-2, 4) == 1, "eleven had not recovered"
    assert await change(+3, 5) == 1
    assert await change(-2, 6) == 2, "twelve had recovered"
    (first, _) = await events("StockLevelLow")
    assert first == {"sku": "A", "warehouse_id": "wh_near", "available": 10, "reorder_point": 10}


async def test_who_waits_is_told_once_when_stock_is_back(watches, tell, events):
    variant = VariantFacts(id="var_A", sku="A", name="Large")
    await tell(ProductCreated(product_id="prod_A", name="Tent", category_id=None, variants=(variant,)))
    watch, new = await watches.subscribe("A", " Ada@Example.com ", "usr_1")
    assert new
    assert await watches.subscribe("A", "ada@example.com", None) == (watch, False)
    await watches.subscribe("B", "bob@example.com", None)
    empty = InventoryChanged(sku="A", product_id="prod_A", available=0, on_hand=0)
    await tell(empty)
    assert await events("BackInStock") == []
    await tell(replace(empty, available=3), times=2)
    (told,) = await events("BackInStock")
    assert told == {
        "watch_id": watch.id,
        "sku": "A",
        "product_id": "prod_A",
        "email": "ada@example.com",
        "user_id": "usr_1",
        "name": "Large",
    }


async def test_waiting_can_be_taken_back(watches, tell, events):
    watch, _ = await watches.subscribe("A", "ada@example.com", None)
    await watches.unsubscribe(watch.id)
    with pytest.raises(NotFoundError):
        await watches.unsubscribe(watch.id)
    await tell(InventoryChanged(sku="A", product_id=None, available=1, on_hand=1))
    assert await events("BackInStock") == []


async def test_an_address_can_wait_for_so_many_skus(watches, monkeypatch):
    monkeypatch.setattr(waiting, "MOST", 2)
    for sku in "ABA":
        await watches.subscribe(sku, "ada@example.com", None)
    with pytest.raises(ConflictError) as refused:
        await watches.subscribe("C", "ada@example.com", None)
    assert refused.value.code == "TOO_MANY_WATCHES"
    await watches.subscribe("C", "bob@example.com", None)
    watch, _ = await watches.subscribe("A", "ada@example.com", None)
    await watches.unsubscribe(watch.id)
    assert (await watches.subscribe("C", "ada@example.com", None))[1]


@pytest.mark.parametrize("email", ["", "ada", "a@b", "a b@example.com", "@example.com"])
async def test_waiting_needs_an_address(watches, email):
    with pytest.raises(InvalidInputError):
        await watches.subscribe("A", email, None)


async def test_the_whole_stock_in_figures(database, clock, service, buying, stocked):
    clock.set(datetime(2026, 1, 1, tzinfo=UTC))
    await stocked({"A": {"wh_near": 10}, "B": {"wh_far": 4}})
    clock.set(datetime(2026, 6, 1, tzinfo=UTC))
    await service.receive("A", "wh_near", 5, reference="d", key="k1")
    await service.adjust("A", "wh_near", -8, reason="lost", key="k2")
    await service.reserve("chk", [Wish("B", 4)], 600, "k3")
    await buying.set_cost("A", Money(250, "EUR"))
    order = await buying.draft("wh_near", {"A": 3}, supplier="", expected_on=None)
    await buying.place(order.id, None)
    async with database.session() as session:
        with count_statements(database) as counted:
            found = await insight.overview(session, clock.now(), None)
        ages = await insight.ages(session, clock.now(), None)
        here = await insight.overview(session, clock.now(), "wh_far")
    assert counted.total == 3
    assert (found.levels, found.on_hand, found.reserved, found.allocated) == (2, 11, 4, 0)
    assert (found.sold_out, found.incoming, found.uncosted, found.value) == (1, 3, 4, [Money(1750, "EUR")])
    assert (here.on_hand, here.incoming) == (4, 0)
    by_age = {(each.since, each.until): (each.quantity, each.value) for each in ages if each.quantity}
    assert by_age == {(0, 30): (5, [Money(1250, "EUR")]), (90, 180): (6, [Money(500, "EUR")])}


async def test_a_bundle_is_as_many_as_its_parts_make(database, clock, stocked, inventory):
    await stocked({"A": {"wh_near": 7, "wh_far": 1}, "B": {"wh_near": 2}})
    connection = await asyncpg.connect(plain_url(database.url), server_settings={"search_path": "inventory"})
    await connection.execute(
        "INSERT INTO bundles (bundle_sku, part_sku, quantity) VALUES ('AB', 'A', 3), ('AB', 'B', 1), ('AC', 'A', 1),"
        " ('AC', 'C', 1)"
    )
    await connection.execute("INSERT INTO skus (sku, product_id, variant_id) VALUES ('AB', 'prod_A', 'var_AB')")
    await connection.close()
    query = """{ _entities(representations: [
        {__typename: "ProductVariant", sku: "AB"}, {__typename: "ProductVariant", sku: "AC"},
        {__typename: "Product", id: "prod_A"}]) {
        ... on ProductVariant { availability { quantityAvailable } }
        ... on Product { total: availability { quantityAvailable } } } }"""
    with count_statements(database) as counted:
        result = await inventory.executor.execute(query, {}, caller=STAFF)
    assert counted.total == 2
    assert result.data["_entities"] == [
        {"availability": {"quantityAvailable": 2}},
        {"availability": {"quantityAvailable": 0}},
        {"total": {"quantityAvailable": 10}},
    ]
