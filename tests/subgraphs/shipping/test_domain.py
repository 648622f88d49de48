"""Quotes, and the way of a shipment."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import InvalidInputError
from kernel.events.catalogue import StockLine
from kernel.money import Money
from kernel.transitions import IllegalTransitionError
from subgraphs.shipping.domain.carrier import LiveRate
from subgraphs.shipping.domain.estimate import estimate
from subgraphs.shipping.domain.rates import (
    Destination,
    FreeRule,
    Goods,
    Method,
    Offer,
    Rate,
    Zone,
    quotes,
)
from subgraphs.shipping.domain.shipment import SHIPMENT, ShipmentStatus, all_reached, by_warehouse

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
SLOW = Method(id="slow", name="Slow", carrier="c", min_days=3, max_days=5)
FAST = Method(id="fast", name="Fast", carrier="c", min_days=1, max_days=1)


def rate(method=SLOW, countries=("DE",), minor=500, grams=1000, free_from=None, **more):
    free = None if free_from is None else Money(free_from, "EUR")
    prefixes = more.pop("prefixes", ())
    zone = Zone(id="-".join(countries), name="", countries=frozenset(countries), postal_prefixes=prefixes)
    price = Money(minor, "EUR")
    return Rate(id="r", method=method, zone=zone, price=price, max_weight_grams=grams, free_from=free, **more)


def prices(rates, country="DE", minor=1000, grams=100, *, postal_code="", volume=0, rules=(), live=(), currency="EUR"):
    goods = Goods(subtotal=Money(minor, currency), weight_grams=grams, volume_cm3=volume)
    found = quotes(Offer(tuple(rates), tuple(rules)), Destination(country, postal_code), goods, AT, live)
    return [(quote.method.id, quote.price.minor) for quote in found]


def test_the_cheapest_method_comes_first():
    assert prices([rate(FAST, minor=900), rate(SLOW, minor=500)]) == [("slow", 500), ("fast", 900)]


def test_the_smallest_band_that_fits_counts():
    rates = [rate(minor=900, grams=5000), rate(minor=500, grams=1000)]
    assert prices(rates, grams=1000) == [("slow", 500)]
    assert prices(rates, grams=1001) == [("slow", 900)]
    assert prices(rates, grams=5001) == []


def test_a_zone_of_its_own_goes_before_the_rest_of_the_world():
    rates = [rate(countries=("*",), minor=100), rate(countries=("DE", "AT"), minor=500)]
    assert prices(rates, country="AT") == [("slow", 500)]
    assert prices(rates, country="NZ") == [("slow", 100)]


def test_from_a_subtotal_on_it_is_free():
    assert prices([rate(free_from=1000)], minor=999) == [("slow", 500)]
    assert prices([rate(free_from=1000)], minor=1000) == [("slow", 0)]


def test_a_postal_area_goes_before_its_country():
    rates = [rate(minor=500), rate(minor=900, prefixes=("2749", "259"))]
    assert prices(rates, postal_code="27498") == [("slow", 900)]
    assert prices(rates, postal_code="10115") == [("slow", 500)]
    assert prices([rate(prefixes=("2749",))], postal_code="10115") == []


def test_bands_of_volume_and_worth():
    rates = [rate(minor=900, max_volume_cm3=50_000), rate(minor=500, max_volume_cm3=1000)]
    assert prices(rates, volume=1000) == [("slow", 500)]
    assert prices(rates, volume=1001) == [("slow", 900)]
    assert prices(rates, volume=50_001) == []
    worth = [rate(minor=900, max_subtotal=Money(5000, "EUR")), rate(minor=300, min_subtotal=Money(5000, "EUR"))]
    assert prices(worth, minor=4999) == [("slow", 900)]
    assert prices(worth, minor=5000) == [("slow", 300)]


RULE = FreeRule(
    id="free",
    name="",
    method_id=None,
    zone_id=None,
    from_subtotal=Money(1000, "EUR"),
    max_weight_grams=None,
    starts_at=None,
    ends_at=None,
)


@pytest.mark.parametrize(
    ("change", "free"),
    [
        ({}, True),
        ({"from_subtotal": Money(1001, "EUR")}, False),
        ({"from_subtotal": Money(1, "USD")}, False),
        ({"method_id": "slow"}, True),
        ({"method_id": "fast"}, False),
        ({"zone_id": "DE"}, True),
        ({"zone_id": "AT"}, False),
        ({"max_weight_grams": 99}, False),
        ({"starts_at": AT}, True),
        ({"starts_at": AT + timedelta(seconds=1)}, False),
        ({"ends_at": AT}, False),
        ({"ends_at": AT + timedelta(seconds=1)}, True),
    ],
)
def test_rules_make_it_free(change, free):
    assert prices([rate()], rules=[replace(RULE, **change)]) == [("slow", 0 if free else 500)]


def test_a_live_price_stands_in_for_that_of_a_live_method_only():
    asked = [LiveRate(method_id=name, price=Money(777, "EUR"), min_days=1, max_days=2) for name in ("slow", "fast")]
    live = replace(SLOW, live=True)
    assert prices([rate(live), rate(FAST, minor=900)], live=asked) == [("slow", 777), ("fast", 900)]
    assert prices([rate(live)], live=asked, rules=[RULE]) == [("slow", 0)]
    assert prices([rate(live)]) == [("slow", 500)]


@pytest.mark.parametrize(
    ("leaves", "days", "earliest", "latest"),
    [
        (date(2026, 6, 1), (2, 4), date(2026, 6, 3), date(2026, 6, 5)),
        (date(2026, 6, 4), (1, 2), date(2026, 6, 5), date(2026, 6, 8)),
        (date(2026, 6, 6), (0, 1), date(2026, 6, 8), date(2026, 6, 9)),
        (date(2026, 6, 1), (5, 10), date(2026, 6, 8), date(2026, 6, 15)),
    ],
)
def test_weekends_are_no_days_of_delivery(leaves, days, earliest, latest):
    found = estimate(leaves, *days)
    assert (found.earliest, found.latest) == (earliest, latest)


def test_other_currencies_are_not_quoted():
    assert prices([rate()], currency="USD") == []


@pytest.mark.parametrize(("minor", "grams"), [(-1, 1), (1, -1)])
def test_negative_parcels_do_not_exist(minor, grams):
    with pytest.raises(InvalidInputError):
        prices([rate()], minor=minor, grams=grams)


lines = st.builds(
    StockLine,
    sku=st.sampled_from(["A", "B", "C"]),
    quantity=st.integers(1, 9),
    warehouse_id=st.sampled_from(["wh_1", "wh_2", "wh_3"]),
)


@given(st.lists(lines, max_size=10))
def test_parcels_hold_every_piece_once(stock):
    parcels = by_warehouse(stock)
    assert sorted(map(repr, stock)) == sorted(repr(line) for parcel in parcels.values() for line in parcel)
    for warehouse, parcel in parcels.items():
        assert {line.warehouse_id for line in parcel} == {warehouse}


S = ShipmentStatus


@pytest.mark.parametrize(
    ("statuses", "wanted", "reached"),
    [
        ([S.IN_TRANSIT, S.LABELLED], S.IN_TRANSIT, False),
        ([S.IN_TRANSIT, S.DELIVERED], S.IN_TRANSIT, True),
        ([S.IN_TRANSIT, S.DELIVERED], S.DELIVERED, False),
        ([S.DELIVERED, S.CANCELLED], S.DELIVERED, True),
    ],
)
def test_an_order_is_as_far_as_its_last_parcel(statuses, wanted, reached):
    assert all_reached(statuses, wanted) is reached


def test_a_parcel_on_its_way_cannot_be_cancelled():
    with pytest.raises(IllegalTransitionError, match="DELIVERED"):
        SHIPMENT.check(S.IN_TRANSIT, S.CANCELLED)
