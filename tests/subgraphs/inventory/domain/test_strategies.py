import pytest

from subgraphs.inventory.domain.errors import InsufficientStockError
from subgraphs.inventory.domain.places import Coordinates, Destination, distance_km, locate
from subgraphs.inventory.domain.sourcing import STRATEGIES, Pick, Supply


def supply(warehouse, available, *, sku="A", priority=0, km=None, cost=0):
    return Supply(sku, warehouse, available, priority, km, cost)


@pytest.mark.parametrize(
    ("strategy", "picks"),
    [
        ("fewest_splits", (Pick("A", "big", 3),)),
        ("nearest", (Pick("A", "near", 2), Pick("A", "mid", 1))),
        ("priority", (Pick("A", "first", 1), Pick("A", "near", 2))),
        ("cheapest", (Pick("A", "big", 3),)),
    ],
)
def test_each_strategy_has_its_own_idea_of_what_is_best(strategy, picks):
    supplies = [
        supply("first", 1, priority=0, km=3000, cost=900),
        supply("near", 2, priority=1, km=10, cost=500),
        supply("mid", 2, priority=2, km=200, cost=400),
        supply("big", 9, priority=3, km=900, cost=400),
    ]
    assert STRATEGIES[strategy]({"A": 3}, supplies) == picks


def test_the_cheapest_set_may_have_more_parcels():
    supplies = [supply("dear", 5, cost=5000), supply("one", 2, cost=100), supply("two", 3, cost=100)]
    near = [Supply(each.sku, each.warehouse_id, each.available, 0, 10.0, each.parcel_cost) for each in supplies]
    assert {pick.warehouse_id for pick in STRATEGIES["cheapest"]({"A": 5}, near)} == {"one", "two"}


def test_a_warehouse_of_unknown_place_is_the_last():
    supplies = [supply("unknown", 5), supply("far", 5, km=15_000)]
    assert STRATEGIES["nearest"]({"A": 1}, supplies) == (Pick("A", "far", 1),)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_strategy_takes_what_is_not_there(strategy):
    with pytest.raises(InsufficientStockError) as refused:
        STRATEGIES[strategy]({"A": 3, "B": 1}, [supply("one", 2), supply("one", -1, sku="B")])
    assert [(each.sku, each.available) for each in refused.value.shortages] == [("A", 2), ("B", 0)]


@pytest.mark.parametrize(
    ("country", "code", "latitude", "longitude"),
    [
        ("DE", "10115", 52.5, 13.4),  # Berlin
        ("DE", "80331", 48.1, 11.6),  # Munich
        ("US", "94103", 37.8, -122.4),  # San Francisco
        ("GB", "SW1A 1AA", 51.5, -0.1),  # London
        ("us", "", 40.7, -74.0),  # where nothing more is said: New York
        ("BR", "01310-100", -23.5, -46.6),  # known by its country alone: São Paulo
    ],
)
def test_addresses_are_found_by_the_longest_known_prefix(country, code, latitude, longitude):
    place = locate(Destination(country, code))
    assert (place.latitude, place.longitude) == (pytest.approx(latitude, abs=0.2), pytest.approx(longitude, abs=0.2))


def test_an_unknown_country_lies_nowhere():
    assert locate(Destination("XX", "1")) is None


def test_distances_are_those_of_the_earth():
    berlin, munich = Coordinates(52.52, 13.405), Coordinates(48.137, 11.575)
    assert distance_km(berlin, munich) == pytest.approx(504, abs=5)
    assert distance_km(berlin, berlin) == 0
    assert distance_km(Coordinates(0, 0), Coordinates(0, 180)) == pytest.approx(20_015, abs=5)
