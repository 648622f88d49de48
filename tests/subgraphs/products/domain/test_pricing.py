from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import InvalidInputError
from kernel.money import Money
from subgraphs.products.domain.pricing import FixedOff, PercentOff, PriceSubject, Promotion, quote

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SUBJECT = PriceSubject(product_id="prod_1", category_path=("cat_root", "cat_leaf"))


def promotion(reward, **changes):
    given = {"id": "promo_1", "name": "Summer", "reward": reward, "product_ids": frozenset({"prod_1"})}
    window = {"starts_at": NOW - timedelta(days=1), "ends_at": NOW + timedelta(days=1)}
    return Promotion(**given | window | changes)


rewards = st.one_of(
    st.builds(PercentOff, st.decimals("0.01", "100", places=2)),
    st.builds(
        lambda minor, currency: FixedOff((Money(minor, currency),)),
        st.integers(1, 10**7),
        st.sampled_from(["EUR", "USD"]),
    ),
)
promotions = st.lists(
    st.builds(
        promotion,
        rewards,
        id=st.from_regex(r"promo_[a-z]{3}", fullmatch=True),
        category_ids=st.frozensets(st.sampled_from(["cat_root", "cat_leaf", "cat_other"])),
        product_ids=st.frozensets(st.sampled_from(["prod_1", "prod_2"]), min_size=1),
        starts_at=st.sampled_from([NOW - timedelta(days=1), NOW, NOW + timedelta(hours=1)]),
    ),
    max_size=6,
    unique_by=lambda each: each.id,
)
prices = st.builds(Money, st.integers(0, 10**8), st.sampled_from(["EUR", "USD"]))


@given(prices, promotions)
def test_a_price_is_never_negative_nor_above_the_list_price(list_price, running):
    quoted = quote(list_price, SUBJECT, running, NOW)
    assert Money(0, list_price.currency) <= quoted.price <= list_price
    assert quoted.undiscounted == list_price
    assert (quoted.promotion is None) == (quoted.price == list_price)


@given(prices, promotions, st.randoms(use_true_random=False))
def test_the_order_of_promotions_does_not_matter(list_price, running, random):
    shuffled = random.sample(running, len(running))
    assert quote(list_price, SUBJECT, running, NOW) == quote(list_price, SUBJECT, shuffled, NOW)


@given(prices, promotions)
def test_one_more_promotion_never_makes_it_dearer(list_price, running):
    for fewer in range(len(running)):
        less = quote(list_price, SUBJECT, running[:fewer], NOW).price
        assert quote(list_price, SUBJECT, running, NOW).price <= less


def test_a_percentage_rounds_to_the_minor_unit():
    quoted = quote(Money(999, "EUR"), SUBJECT, [promotion(PercentOff(Decimal(15)))], NOW)
    assert quoted.price == Money(849, "EUR")


def test_a_category_rewards_all_below_it():
    reward = promotion(PercentOff(Decimal(10)), product_ids=frozenset(), category_ids=frozenset({"cat_root"}))
    assert quote(Money(1000, "EUR"), SUBJECT, [reward], NOW).price == Money(900, "EUR")
    elsewhere = PriceSubject(product_id="prod_1", category_path=("cat_other",))
    assert quote(Money(1000, "EUR"), elsewhere, [reward], NOW).promotion is None


def test_a_fixed_reward_holds_only_in_its_currencies():
    reward = promotion(FixedOff((Money(500, "EUR"),)))
    assert quote(Money(1000, "EUR"), SUBJECT, [reward], NOW).price == Money(500, "EUR")
    assert quote(Money(1000, "USD"), SUBJECT, [reward], NOW).price == Money(1000, "USD")
    assert quote(Money(300, "EUR"), SUBJECT, [reward], NOW).price == Money(0, "EUR")


def test_the_window_includes_its_start_and_not_its_end():
    reward = promotion(PercentOff(Decimal(50)), starts_at=NOW, ends_at=NOW + timedelta(hours=1))
    assert reward.applies(SUBJECT, NOW)
    assert not reward.applies(SUBJECT, NOW - timedelta(microseconds=1))
    assert not reward.applies(SUBJECT, NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: PercentOff(Decimal(0)),
        lambda: PercentOff(Decimal("100.01")),
        lambda: PercentOff(Decimal("NaN")),
        lambda: PercentOff(Decimal("0.001")),
        lambda: PercentOff(Decimal("1e-400")),
        lambda: FixedOff(()),
        lambda: FixedOff((Money(-1, "EUR"),)),
        lambda: FixedOff((Money(1, "EUR"), Money(2, "EUR"))),
        lambda: promotion(PercentOff(Decimal(1)), ends_at=NOW - timedelta(days=1)),
        lambda: promotion(PercentOff(Decimal(1)), product_ids=frozenset()),
    ],
)
def test_what_makes_no_promotion_is_refused(wrong):
    with pytest.raises(InvalidInputError):
        wrong()
