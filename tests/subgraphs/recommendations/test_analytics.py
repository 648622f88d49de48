"""Analytics are made of events, by currency and time zone, and are the same however often the events are told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from kernel.errors import InvalidInputError
from kernel.events.catalogue import (
    CheckoutStarted,
    OrderCancelled,
    PaymentRefunded,
    ProductsSearched,
    SearchFacts,
    UserErasureRequested,
)
from kernel.events.delivery import Room
from kernel.events.embedded import EmbeddedDelivery
from kernel.events.history import replay
from kernel.identity import ANONYMOUS, Caller
from kernel.testing import FixedClock
from subgraphs.recommendations.domain.analytics import Bucket, Span
from subgraphs.recommendations.storage.fact_tables import FACTS
from tests.subgraphs.recommendations.conftest import INDICES, World, fresh_world, without_indices

ADMIN = Caller(id="usr_admin", kind="admin")
STAFF = Caller(id="usr_staff", kind="staff")
SPAN = {"since": "2026-01-01", "until": "2026-12-31", "timeZone": "Europe/Berlin"}
pytestmark = pytest.mark.timeout(300)
EARLY = datetime(2020, 1, 1, tzinfo=UTC)
SALES = """query($span: SpanInput!, $bucket: TimeBucket! = MONTH, $currency: CurrencyCode) {
  analytics { sales(span: $span, bucket: $bucket, currency: $currency) {
    start currency orders units buyers cancelled gross { amount } refunded { amount } net { amount }
    averageOrderValue { amount } } } }"""
OTHERS = """query($span: SpanInput!) { analytics {
  topProducts(span: $span, currency: "EUR") { product { id } orders units revenue { amount currency } }
  conversion(span: $span, bucket: MONTH) { start visitors views checkouts orders checkoutRate visitorRate }
  cohorts(span: $span) { month size active retention }
  searches(span: $span) { words searches withoutResults views }
  missing: searches(span: $span, withoutResults: true) { words } } }"""


@pytest.fixture(params=["postgres", "elasticsearch"])
async def world(
    request: pytest.FixtureRequest, recommendations_url: str, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """The subgraph with its analytics in each store in turn."""
    url = request.getfixturevalue("elasticsearch") if request.param == "elasticsearch" else ""
    monkeypatch.setenv("STOREGRAPH_RECOMMENDATIONS_ANALYTICS_INDICES", INDICES)
    async with fresh_world(recommendations_url, clock, url) as world:
        yield world
    if url:
        await without_indices(url)


def sold(world, at, *products, currency="EUR", total=1000, customer=None, quantity=1):
    order = world.order(*products, customer=customer, quantity=quantity)
    return replace(order, currency=currency, total_minor=total, confirmed_at=at)


def cancelled(order):
    told = {name: getattr(order, name) for name in ("order_id", "number", "customer_id", "email", "currency")}
    return OrderCancelled(**told, total_minor=order.total_minor, reason="changed my mind")


def refund(order, amount, number=1):
    return PaymentRefunded(
        payment_id="pay_1",
        order_id=order.order_id,
        amount_minor=amount,
        currency=order.currency,
        refund_id=f"ref_{order.order_id}_{number}",
    )


async def ask(world, query, **variables):
    return (await world.ask(query, ADMIN, **{"span": SPAN, **variables}))["analytics"]


async def test_sales_are_cut_by_the_calendar_of_a_time_zone_and_never_add_two_currencies(world):
    await world.publish(
        sold(world, "2026-03-31T21:30:00+00:00", "tent", total=1000),
        sold(world, "2026-03-31T22:30:00+00:00", "tent", total=2001, customer="usr_ada", quantity=3),
        sold(world, "2026-04-02T10:00:00+00:00", "tent", total=3000, customer="usr_ada"),
        sold(world, "2026-04-02T10:00:00+00:00", "tent", total=500, currency="JPY"),
    )

    found = (await ask(world, SALES))["sales"]

    assert [(each["start"], each["currency"], each["orders"], each["buyers"]) for each in found] == [
        ("2026-03-01T00:00:00+01:00", "EUR", 1, 1),
        ("2026-04-01T00:00:00+02:00", "EUR", 2, 1),
        ("2026-04-01T00:00:00+02:00", "JPY", 1, 1),
    ]
    april = found[1]
    assert (april["gross"], april["averageOrderValue"], april["units"]) == (
        {"amount": "50.01"},
        {"amount": "25.01"},
        4,
    )
    assert found[2]["gross"] == {"amount": "500"}
    assert len((await ask(world, SALES, currency="JPY"))["sales"]) == 1
    days = (await ask(world, SALES, bucket="DAY", currency="EUR"))["sales"]
    assert [each["start"][:10] for each in days] == ["2026-03-31", "2026-04-01", "2026-04-02"]


async def test_cancelled_orders_and_refunds_come_off(world):
    kept, gone = sold(world, "2026-05-01T10:00:00Z", "tent"), sold(world, "2026-05-01T10:00:00Z", "pegs", total=400)
    never = cancelled(world.order("lamp"))
    await world.publish(kept, gone, cancelled(gone), refund(gone, 400), refund(kept, 100), refund(kept, 50, 2), never)
    span = {"since": "2026-01-01", "until": str(datetime.now(UTC).date() + timedelta(days=1))}

    found = (await world.ask(SALES, ADMIN, span=span))["analytics"]["sales"]

    assert sum(each["cancelled"] for each in found) == 1
    assert sum(float(each["net"]["amount"]) for each in found) == pytest.approx(14.00 - 5.50)
    top = (await world.ask(OTHERS, ADMIN, span=span))["analytics"]["topProducts"]
    assert [each["product"]["id"] for each in top] == ["tent"]


async def test_conversion_cohorts_and_searches(world):
    for product in ("tent", "pegs"):
        await world.know(product)
    token = (await world.view("tent", searched="  TENT "))["sessionToken"]
    await world.view("pegs", token=token)
    await world.view("tent", Caller(id="usr_ada", kind="customer"))
    at = world.clock.now().isoformat()
    facts = [("tent", 5), ("tent", 4), ("sledge", 0)]
    await world.publish(
        *(CheckoutStarted(checkout_id=f"chk_{n}", cart_id="cart_1", currency="EUR", started_at=at) for n in range(4)),
        sold(world, "2026-02-10T10:00:00Z", "tent", customer="usr_ada", quantity=2),
        sold(world, "2026-02-11T10:00:00Z", "tent", customer="usr_bob"),
        sold(world, "2026-04-11T10:00:00Z", "pegs", "tent", customer="usr_ada"),
        sold(world, at, "pegs", customer="usr_eve"),
        ProductsSearched(
            searches=tuple(SearchFacts(words=words, found=found, searched_at=at) for words, found in facts)
        ),
    )

    found = await ask(world, OTHERS)

    assert found["topProducts"][0] == {
        "product": {"id": "tent"},
        "orders": 3,
        "units": 4,
        "revenue": {"amount": "4.00", "currency": "EUR"},
    }
    assert found["conversion"][-1] == {
        "start": "2026-06-01T00:00:00+02:00",
        "visitors": 2,
        "views": 3,
        "checkouts": 4,
        "orders": 1,
        "checkoutRate": 0.25,
        "visitorRate": 0.5,
    }
    assert found["cohorts"] == [
        {"month": "2026-02-01", "size": 2, "active": [2, 0, 1], "retention": [1.0, 0.0, 0.5]},
        {"month": "2026-06-01", "size": 1, "active": [1], "retention": [1.0]},
    ]
    assert found["searches"] == [
        {"words": "tent", "searches": 2, "withoutResults": 0, "views": 1},
        {"words": "sledge", "searches": 1, "withoutResults": 1, "views": 0},
    ]
    assert found["missing"] == [{"words": "sledge"}]


async def all_facts(world):
    return {table.name: await world.rows(f"SELECT * FROM {table.name} ORDER BY 1, 2") for table in FACTS}


async def happenings(world):
    """Let a random lot happen, by events that go through the inbox."""
    dice = random.Random(4)
    await world.know("a")
    for _ in range(3):
        await world.view("a", searched="thing")
    orders = [
        sold(world, world.clock.now().isoformat(), *dice.choices("abc", k=3), customer="usr_ada") for _ in range(30)
    ]
    lost = dice.sample(orders, 6)
    at = world.clock.now().isoformat()
    await world.publish(
        *orders,
        *map(cancelled, lost),
        *(refund(order, 300) for order in lost),
        CheckoutStarted(checkout_id="chk_1", cart_id="cart_1", currency="EUR", started_at=at),
        ProductsSearched(searches=(SearchFacts(words="thing", found=1, searched_at=at),)),
    )


async def told_again(world):
    [consumer] = [each for each in world.subgraph.consumers if each.name == "recommendations.analytics"]
    sources = [world.orders, world.subgraph.database]
    await replay(sources, world.subgraph.database, consumer, since=EARLY, again=True)
    rooms = [Room(world.orders), world.subgraph.room]
    await asyncio.gather(*(EmbeddedDelivery(rooms).drain() for _ in range(2)))
    await world.copied()


async def test_told_again_nothing_changes_and_made_anew_it_is_the_same(world):
    await happenings(world)
    before = await all_facts(world)
    assert all(before.values())

    await told_again(world)
    assert await all_facts(world) == before

    async with world.subgraph.database.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql(f"TRUNCATE {', '.join(table.name for table in FACTS)}")
    await told_again(world)
    assert await all_facts(world) == before


async def test_an_erased_person_still_counts_but_has_no_name(world):
    await happenings(world)
    before = await ask(world, OTHERS)
    await world.publish(UserErasureRequested(user_id="usr_ada", request_id="req_1"))

    assert await ask(world, OTHERS) == before
    [row] = await world.rows("SELECT DISTINCT buyer FROM sales")
    assert row["buyer"].startswith("gone_")


@pytest.mark.parametrize(("caller", "code"), [(ANONYMOUS, "UNAUTHENTICATED"), (STAFF, "FORBIDDEN")])
async def test_analytics_are_for_admins(world, caller, code):
    assert await world.refused("{ analytics { __typename } }", caller) == [code]


async def test_each_question_is_one_statement(world):
    await happenings(world)

    in_postgres = not world.indices
    assert await world.statements(SALES, ADMIN, span=SPAN) == (1 if in_postgres else 0)
    assert await world.statements(OTHERS, ADMIN, span=SPAN) == (5 if in_postgres else 0)


async def test_views_and_searches_are_kept_for_their_time_and_sales_for_ever(world):
    await happenings(world)
    world.clock.advance(timedelta(days=500))

    assert await world.job("recommendations.forget-behaviour") == 4
    left = await all_facts(world)
    assert (left["product_views"], left["searches"], len(left["sales"])) == ([], [], 30)


@pytest.mark.parametrize(
    "wrong",
    [
        {"until": date(2025, 12, 31)},
        {"until": date(2030, 1, 1)},
        {"zone": "Mars/Olympus"},
        {"bucket": Bucket.HOUR},
        {"zone": "../etc"},
    ],
)
def test_a_span_that_cannot_be_answered_is_refused(wrong):
    with pytest.raises(InvalidInputError):
        Span(**{"since": date(2026, 1, 1), "until": date(2026, 6, 30), **wrong})
