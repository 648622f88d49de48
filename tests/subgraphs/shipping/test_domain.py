"""Quotes, and the way of a shipment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import InvalidInputError
from kernel.events.catalogue import StockLine
from kernel.money import Money
from kernel.transitions import IllegalTransitionError
from subgraphs.shipping.domain.rates import Method, Rate, quotes
from subgraphs.shipping.domain.shipment import SHIPMENT, ShipmentStatus, all_reached, by_warehouse

SLOW = Method(id="slow", name="Slow", carrier="c", min_days=3, max_days=5)
FAST = Method(id="fast", name="Fast", carrier="c", min_days=1, max_days=1)


def rate(method=SLOW, countries=("DE",), minor=500, grams=1000, free_from=None):
    free = None if free_from is None else Money(free_from, "EUR")
    price = Money(minor, "EUR")
    return Rate(method=method, countries=frozenset(countries), price=price, max_weight_grams=grams, free_from=free)


def prices(rates, country="DE", minor=1000, grams=100):
    return [(quote.method.id, quote.price.minor) for quote in quotes(rates, country, Money(minor, "EUR"), grams)]


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


def test_other_currencies_are_not_quoted():
    assert quotes([rate()], "DE", Money(1000, "USD"), 1) == ()


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
