"""What a basket costs: what holds for all baskets and rules, and what single rules come to."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.money import Money
from subgraphs.products.domain.prices import (
    BuyGet,
    PercentOff,
    QuantityTiers,
    ReductionKind,
    Selection,
    TotalOff,
    price_basket,
)
from tests.subgraphs.products.domain.prices.shapes import currencies, goods, line, promotion, promotions

SHOES = Selection(category_ids=frozenset({"cat_shoes"}))
SHIRTS = Selection(category_ids=frozenset({"cat_shirts"}))


def priced(lines, running, currency="EUR"):
    """Price lines and give them by SKU."""
    basket = price_basket(lines, running, currency)
    return {each.line.sku: each for each in basket.priced([each.sku for each in lines])}


def totals(lines, running):
    return {sku: each.total.minor for sku, each in priced(lines, running).items()}


@given(goods, promotions, currencies)
def test_no_line_costs_less_than_nothing_nor_more_than_is_shown(drawn, running, currency):
    lines = [line(*each, currency=currency, promotions=running) for each in drawn]
    for each in priced(lines, running, currency).values():
        assert Money(0, currency) <= each.total <= each.line.shown
        assert each.line.quote.price <= each.line.quote.undiscounted
        assert all(reduction.amount.minor > 0 for reduction in each.reductions)


@given(goods, promotions, currencies)
def test_what_is_taken_off_adds_up_to_the_minor_unit(drawn, running, currency):
    lines = [line(*each, currency=currency, promotions=running) for each in drawn]
    found = priced(lines, running, currency).values()
    shown = Money.sum((each.line.shown for each in found), currency)
    off = Money.sum((reduction.amount for each in found for reduction in each.reductions), currency)
    assert shown - off == Money.sum((each.total for each in found), currency)


@given(goods, promotions, currencies, st.randoms(use_true_random=False))
def test_neither_the_order_of_lines_nor_of_promotions_matters(drawn, running, currency, random):
    lines = [line(*each, currency=currency, promotions=running) for each in drawn]
    shuffled = random.sample(lines, len(lines)), random.sample(running, len(running))
    assert priced(lines, running, currency) == priced(*shuffled, currency)


@given(goods, promotions, currencies)
def test_a_line_takes_part_in_one_exclusive_promotion_or_in_stackable_ones(drawn, running, currency):
    lines = [line(*each, currency=currency, promotions=running) for each in drawn]
    stackable = {each.id: each.stackable for each in running}
    for each in priced(lines, running, currency).values():
        kinds = [stackable[reduction.source_id] for reduction in each.reductions]
        assert all(kinds) or len(kinds) == 1


@given(goods, promotions, currencies)
def test_nobody_pays_more_because_of_promotions(drawn, running, currency):
    lines = [line(*each, currency=currency, promotions=running) for each in drawn]
    bare = [line(*each, currency=currency) for each in drawn]
    before = Money.sum((each.total for each in priced(bare, [], currency).values()), currency)
    after = Money.sum((each.total for each in priced(lines, running, currency).values()), currency)
    assert after <= before


def test_of_three_pieces_the_cheapest_is_free():
    lines = [line(0, 3000), line(2, 2000), line(4, 1000)]
    assert totals(lines, [promotion(BuyGet(buy=2, get=1))]) == {"SKU-0": 3000, "SKU-2": 2000, "SKU-4": 0}


@pytest.mark.parametrize(("pieces", "paid"), [(2, 2), (3, 2), (5, 4), (6, 4), (9, 6)])
def test_every_third_piece_is_free(pieces, paid):
    assert totals([line(0, 999, pieces)], [promotion(BuyGet(buy=2, get=1))]) == {"SKU-0": 999 * paid}


def test_as_often_as_it_may_be():
    assert totals([line(0, 1000, 9)], [promotion(BuyGet(buy=2, get=1, times=1))]) == {"SKU-0": 8000}


def test_who_buys_shoes_gets_a_shirt_for_half():
    deal = promotion(BuyGet(buy=1, get=1, percent=Decimal(50), gets=SHIRTS), selection=SHOES)
    lines = [line(0, 8000), line(1, 2001, 3)]
    assert totals(lines, [deal]) == {"SKU-0": 8000, "SKU-1": 6003 - 1000}
    assert totals([line(1, 2000)], [deal]) == {"SKU-1": 2000}


@pytest.mark.parametrize(("pieces", "total"), [(1, 1000), (2, 1900), (4, 3800), (5, 4375)])
def test_the_more_the_cheaper(pieces, total):
    tiers = QuantityTiers(((2, Decimal(5)), (5, Decimal("12.5"))))
    assert totals([line(0, 1000, pieces)], [promotion(tiers)]) == {"SKU-0": total}


def test_an_amount_off_the_whole_is_divided_by_what_lines_cost():
    off = promotion(TotalOff((Money(1000, "EUR"),)), minimums=(Money(3000, "EUR"),))
    lines = [line(0, 1000), line(1, 1000), line(2, 1000)]
    assert sorted(totals(lines, [off]).values()) == [666, 667, 667]
    assert sum(totals(lines[:2], [off]).values()) == 2000


def test_lines_that_one_promotion_leaves_alone_are_free_for_another():
    lines = [line(0, 1000, 3), line(1, 1000, 3)]
    deals = [
        promotion(BuyGet(buy=2, get=1), id="a", selection=SHOES),
        promotion(QuantityTiers(((2, Decimal(10)),)), id="b", selection=SHIRTS),
    ]
    assert totals(lines, deals) == {"SKU-0": 2000, "SKU-1": 2700}


def test_priority_goes_before_price():
    little = promotion(PercentOff(Decimal(5)), id="a", priority=1, minimum_quantity=1)
    much = promotion(PercentOff(Decimal(50)), id="b", minimum_quantity=1)
    assert totals([line(0, 1000)], [little, much]) == {"SKU-0": 950}


def test_stackable_ones_follow_each_other():
    first = promotion(PercentOff(Decimal(10)), id="a", priority=2, stackable=True, minimum_quantity=1)
    second = promotion(TotalOff((Money(100, "EUR"),)), id="b", stackable=True)
    alone = promotion(PercentOff(Decimal(15)), id="c", minimum_quantity=1)
    (only,) = priced([line(0, 1000)], [second, alone, first]).values()
    assert [(each.source_id, each.amount.minor) for each in only.reductions] == [("a", 100), ("b", 100)]
    assert {each.kind for each in only.reductions} == {ReductionKind.PROMOTION}
