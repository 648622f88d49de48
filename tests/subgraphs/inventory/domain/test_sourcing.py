from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import InvalidInputError
from subgraphs.inventory.domain.errors import InsufficientStockError, Shortage
from subgraphs.inventory.domain.reservations import Wish, add_up, check_duration
from subgraphs.inventory.domain.sourcing import EXACT_LIMIT, Pick, Supply, fewest_splits

supplies = st.lists(
    st.builds(Supply, st.sampled_from("ABC"), st.sampled_from("1234"), st.integers(0, 6)),
    unique_by=lambda each: (each.sku, each.warehouse_id),
)
wanted = st.dictionaries(st.sampled_from("ABC"), st.integers(1, 12), min_size=1)


@given(wanted, supplies)
def test_picks_are_exactly_what_is_wanted_from_what_is_there(wishes, stock):
    totals = {sku: sum(each.available for each in stock if each.sku == sku) for sku in wishes}
    if any(totals[sku] < wishes[sku] for sku in wishes):
        with pytest.raises(InsufficientStockError) as refused:
            fewest_splits(wishes, stock)
        assert {each.sku for each in refused.value.shortages} == {s for s in wishes if totals[s] < wishes[s]}
        return
    picks = fewest_splits(wishes, stock)
    held = {(each.sku, each.warehouse_id): each.available for each in stock}
    assert all(0 < pick.quantity <= held[pick.sku, pick.warehouse_id] for pick in picks)
    for sku, quantity in wishes.items():
        assert sum(pick.quantity for pick in picks if pick.sku == sku) == quantity


@given(wanted, supplies)
def test_no_smaller_set_of_warehouses_would_do(wishes, stock):
    try:
        used = {pick.warehouse_id for pick in fewest_splits(wishes, stock)}
    except InsufficientStockError:
        return
    for fewer in combinations({each.warehouse_id for each in stock}, len(used) - 1):
        assert any(
            sum(each.available for each in stock if each.sku == sku and each.warehouse_id in fewer) < quantity
            for sku, quantity in wishes.items()
        )


def test_the_preferred_warehouse_comes_first():
    stock = [Supply("A", "far", 9, 1), Supply("A", "near", 9, 0)]
    assert fewest_splits({"A": 2}, stock) == (Pick("A", "near", 2),)


def test_one_parcel_beats_the_preferred_warehouse():
    stock = [Supply("A", "near", 9, 0), Supply("A", "far", 1, 1), Supply("B", "far", 1, 1)]
    assert {pick.warehouse_id for pick in fewest_splits({"A": 1, "B": 1}, stock)} == {"far"}


def test_many_warehouses_are_emptied_in_order():
    stock = [Supply("A", f"w{number:02}", 1, number) for number in range(EXACT_LIMIT + 2)]
    assert [pick.warehouse_id for pick in fewest_splits({"A": 3}, stock)] == ["w00", "w01", "w02"]


def test_every_short_line_is_named():
    with pytest.raises(InsufficientStockError) as refused:
        fewest_splits({"A": 2, "B": 1, "C": 1}, [Supply("A", "1", 1), Supply("C", "1", 1)])
    assert refused.value.shortages == (Shortage("A", 2, 1), Shortage("B", 1, 0))


def test_wishes_add_up_in_lock_order():
    assert list(add_up([Wish("B", 1), Wish("A", 2), Wish("B", 3)]).items()) == [("A", 2), ("B", 4)]


@pytest.mark.parametrize("lines", [[], [Wish("A", 0)], [Wish("A", -1)], [Wish(str(n), 1) for n in range(101)]])
def test_no_or_absurd_wishes_are_refused(lines):
    with pytest.raises(InvalidInputError):
        add_up(lines)


@pytest.mark.parametrize("seconds", [0, -5, 86_401])
def test_a_reservation_holds_for_a_sensible_time(seconds):
    with pytest.raises(InvalidInputError):
        check_duration(seconds)
