"""What a code takes off, and why it does not."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kernel.errors import InvalidInputError
from kernel.money import Money
from subgraphs.products.domain.prices import (
    BuyGet,
    Clientele,
    PercentOff,
    QuantityTiers,
    ReductionKind,
    Selection,
    Shopper,
    TotalOff,
    price_basket,
)
from subgraphs.products.domain.prices.selection import EVERYBODY
from subgraphs.products.domain.prices.vouchers import (
    Voucher,
    VoucherRefusedError,
    buyer_mark,
    check_together,
    draw_codes,
    normal_code,
)
from tests.subgraphs.products.domain.prices.shapes import (
    NOW,
    basket_rewards,
    currencies,
    goods,
    line,
    piece_rewards,
    promotion,
    promotions,
    selections,
)

SHOES = Selection(category_ids=frozenset({"cat_shoes"}))


def voucher(reward=None, **changes):
    given = {"code": "TEN", "name": "A gift", "reward": reward or PercentOff(Decimal(10))}
    return Voucher(**given | {"starts_at": NOW - timedelta(days=1)} | changes)


def applied(code, lines, currency="EUR", shopper=EVERYBODY, running=()):
    basket = price_basket(lines, running, currency)
    return code.apply(basket, shopper, NOW), basket.priced([each.sku for each in lines])


def refusal(code, lines, **more):
    with pytest.raises(VoucherRefusedError) as refused:
        applied(code, lines, **more)
    return refused.value.code


@given(goods, promotions, currencies, st.one_of(piece_rewards, basket_rewards), selections, st.booleans())
def test_what_a_voucher_takes_off_is_on_the_lines_and_never_more_than_they_cost(
    drawn, running, currency, reward, selection, full_price_only
):
    lines = [line(*each, currency=currency, promotions=running) for each in drawn]
    code = voucher(reward, selection=selection, full_price_only=full_price_only)
    try:
        worth, priced = applied(code, lines, currency, running=running)
    except VoucherRefusedError:
        assume(False)
    assert worth == Money.sum((each.off(ReductionKind.VOUCHER) for each in priced), currency)
    assert all(each.total.minor >= 0 for each in priced)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"starts_at": NOW + timedelta(seconds=1)}, "VOUCHER_NOT_STARTED"),
        ({"ends_at": NOW}, "VOUCHER_EXPIRED"),
        ({"minimum": Money(5000, "EUR")}, "VOUCHER_MINIMUM"),
        ({"minimum": Money(1, "USD")}, "VOUCHER_CURRENCY"),
        ({"minimum_quantity": 3}, "VOUCHER_MINIMUM"),
        ({"reward": TotalOff((Money(500, "USD"),))}, "VOUCHER_CURRENCY"),
        ({"reward": QuantityTiers(((5, Decimal(10)),))}, "VOUCHER_MINIMUM"),
        ({"reward": BuyGet(buy=2, get=1)}, "VOUCHER_MINIMUM"),
        ({"selection": Selection(skus=frozenset({"OTHER"}))}, "VOUCHER_GOODS"),
        ({"clientele": Clientele(groups=frozenset({"grp_trade"}))}, "VOUCHER_CUSTOMER"),
    ],
)
def test_one_that_does_not_count_says_why(changes, code):
    assert refusal(voucher(**changes), [line(0, 1000, 2)]) == code


def test_one_for_a_group_counts_for_who_is_in_it():
    trade = voucher(clientele=Clientele(groups=frozenset({"grp_trade"})))
    worth, _ = applied(trade, [line(0, 1000)], shopper=Shopper(groups=frozenset({"grp_trade"})))
    assert worth == Money(100, "EUR")


def test_one_for_some_goods_reduces_these_alone():
    worth, priced = applied(voucher(TotalOff((Money(5000, "EUR"),)), selection=SHOES), [line(0, 2000), line(1, 9000)])
    assert worth == Money(2000, "EUR")
    assert [each.total.minor for each in priced] == [0, 9000]


def test_one_for_full_prices_leaves_reduced_goods_alone():
    sale = [promotion(PercentOff(Decimal(20)), selection=SHOES)]
    code = voucher(full_price_only=True)
    lines = [line(0, 1000, promotions=sale), line(1, 1000, promotions=sale)]
    assert applied(code, lines, running=sale)[0] == Money(100, "EUR")
    assert refusal(code, lines[:1], running=sale) == "VOUCHER_GOODS"


def test_two_count_together_if_both_may():
    check_together([voucher(stackable=True)], voucher(stackable=True))
    for one, other in ((True, False), (False, True), (False, False)):
        with pytest.raises(VoucherRefusedError) as refused:
            check_together([voucher(stackable=one)], voucher(stackable=other))
        assert refused.value.code == "VOUCHER_NOT_COMBINABLE"


@pytest.mark.parametrize(
    "wrong",
    [
        {"usage_limit": 0},
        {"buyer_limit": -1},
        {"ends_at": NOW - timedelta(days=2)},
        {"minimum": Money(-1, "EUR")},
        {"minimum_quantity": 0},
        {"selection": Selection()},
    ],
)
def test_what_makes_no_voucher_is_refused(wrong):
    with pytest.raises(InvalidInputError):
        voucher(**wrong)


def test_codes_are_drawn_apart_and_spelled_normally():
    codes = draw_codes("spring-26", 500)
    assert len(set(codes)) == 500
    assert all(code == normal_code(f" {code.lower()} ") and code.startswith("SPRING-26-") for code in codes)


@pytest.mark.parametrize("wrong", [("A", 1), ("SPRING", 0), ("SPRING", 10_001), ("S" * 30, 1)])
def test_codes_that_cannot_be_drawn(wrong):
    with pytest.raises((InvalidInputError, VoucherRefusedError)):
        draw_codes(*wrong)


def test_the_mark_of_a_buyer_tells_nothing_without_the_key():
    mark = buyer_mark(b"k" * 32, None, " Ada@Example.com")
    assert mark == buyer_mark(b"k" * 32, None, "ada@example.com")
    assert mark != buyer_mark(b"x" * 32, None, "ada@example.com")
