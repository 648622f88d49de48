"""What the demo merchant's stores sold: the same every time, and with what retail demand has."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from runtime.demo_data.assortment import read_assortment
from runtime.demo_data.catalogue import black_friday, make_catalogue
from runtime.demo_data.demand import WEEKS, make_demand
from runtime.demo_data.world import SEED

NOW = datetime(2026, 6, 17, tzinfo=UTC)


@pytest.fixture(scope="module")
def catalogue():
    return make_catalogue(SEED, read_assortment(), NOW - timedelta(days=730), NOW)


@pytest.fixture(scope="module")
def sold(catalogue):
    return make_demand(SEED, catalogue, NOW)


def test_a_seed_makes_the_same_demand(catalogue, sold):
    assert make_demand(SEED, catalogue, NOW) == sold
    assert make_demand(SEED + 1, catalogue, NOW) != sold


def test_weeks_are_mondays_of_three_years_and_none_is_told_twice(sold):
    weeks = {row.week for row in sold}
    assert all(week.weekday() == 0 for week in weeks)
    assert len(weeks) == WEEKS
    assert max(weeks) == NOW.date() - timedelta(days=NOW.weekday() + 7)
    assert len({(row.sku, row.week) for row in sold}) == len(sold)
    assert all(row.quantity > 0 for row in sold)


def test_a_few_sell_much_and_many_sell_rarely(catalogue, sold):
    totals = Counter()
    for row in sold:
        totals[row.sku] += row.quantity
    ordered = sorted(totals.values())
    assert ordered[-1] > 10 * ordered[len(ordered) // 2]
    assert ordered[len(ordered) // 10] < WEEKS


def test_shelves_have_their_seasons_and_black_friday_is_a_peak(catalogue, sold):
    shelf_of = {variant.sku: item.shelf for item in catalogue.items for variant in item.variants}
    by_month: defaultdict[str, Counter] = defaultdict(Counter)
    weeks: Counter = Counter()
    for row in sold:
        by_month[shelf_of[row.sku].name][row.week.month] += row.quantity
        weeks[row.week] += row.quantity
    seasonal = {shelf.name: shelf.season for shelf in shelf_of.values() if max(shelf.season) > 3 * min(shelf.season)}
    assert seasonal
    for name, season in seasonal.items():
        best, worst = season.index(max(season)) + 1, season.index(min(season)) + 1
        assert by_month[name][best] > by_month[name][worst]
    friday = black_friday(2025).date()
    peak = friday - timedelta(days=friday.weekday())
    assert weeks[peak] > 1.2 * weeks[peak - timedelta(weeks=3)]
