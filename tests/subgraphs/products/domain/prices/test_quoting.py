"""The price of one piece: price lists, promotions that show, and the lowest price before a reduction."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import ConflictError, InvalidInputError
from kernel.money import Money
from subgraphs.products.domain.prices import (
    EVERYBODY,
    EVERYTHING,
    Clientele,
    FixedOff,
    FixedPrice,
    Listed,
    ListedPrice,
    ListKind,
    PercentOff,
    PriceHistory,
    PriceList,
    PriceLists,
    PriceStep,
    PriceSubject,
    Selection,
    Shopper,
    any_target,
    quote,
)
from tests.subgraphs.products.domain.prices.shapes import NOW, currencies, promotion, promotions, subject

DAY = timedelta(days=1)
SHOE = subject(0)
TRADE = Shopper(groups=frozenset({"grp_trade"}))


def price(minor, running=(), shopper=EVERYBODY, of=SHOE, currency="EUR"):
    return quote(Money(minor, currency), of, running, NOW, shopper).price.minor


@given(st.integers(0, 10**8), currencies, promotions)
def test_a_price_is_never_negative_nor_above_what_it_is_reduced_from(minor, currency, running):
    quoted = quote(Money(minor, currency), SHOE, running, NOW)
    assert Money(0, currency) <= quoted.price <= quoted.undiscounted == Money(minor, currency)
    assert quoted.reduced == bool(quoted.cuts)
    assert quoted.price + Money.sum((each.amount for each in quoted.cuts), currency) == quoted.undiscounted


@given(st.integers(0, 10**8), currencies, promotions, st.randoms(use_true_random=False))
def test_the_order_of_promotions_does_not_matter(minor, currency, running, random):
    listed = Money(minor, currency)
    assert quote(listed, SHOE, running, NOW) == quote(listed, SHOE, random.sample(running, len(running)), NOW)


@given(st.integers(0, 10**8), promotions)
def test_one_more_exclusive_promotion_of_the_same_priority_never_makes_it_dearer(minor, drawn):
    running = [promotion(each.reward, id=each.id) for each in drawn]
    prices = [price(minor, running[:count]) for count in range(len(running) + 1)]
    assert prices == sorted(prices, reverse=True)


def test_rewards_of_a_piece():
    assert price(999, [promotion(PercentOff(Decimal(15)))]) == 849
    assert price(1000, [promotion(FixedOff((Money(300, "EUR"),)))]) == 700
    assert price(200, [promotion(FixedOff((Money(300, "EUR"),)))]) == 0
    assert price(1000, [promotion(FixedOff((Money(300, "USD"),)))]) == 1000
    assert price(1000, [promotion(FixedPrice((Money(777, "EUR"),)))]) == 777
    assert price(500, [promotion(FixedPrice((Money(777, "EUR"),)))]) == 500


def test_stackable_ones_are_told_one_by_one():
    both = [promotion(PercentOff(Decimal(10)), id=each, stackable=True) for each in ("b", "a")]
    quoted = quote(Money(1000, "EUR"), SHOE, both, NOW)
    assert [(each.promotion.id, each.amount.minor) for each in quoted.cuts] == [("a", 100), ("b", 90)]


def test_the_window_includes_its_start_and_not_its_end():
    reward = promotion(PercentOff(Decimal(50)), starts_at=NOW, ends_at=NOW + DAY)
    assert [reward.runs(at) for at in (NOW - DAY, NOW, NOW + DAY)] == [False, True, False]


def test_one_for_a_group_is_not_for_others():
    trade = promotion(PercentOff(Decimal(50)), clientele=Clientele(groups=frozenset({"grp_trade"})))
    assert (price(1000, [trade]), price(1000, [trade], TRADE)) == (1000, 500)
    web = promotion(PercentOff(Decimal(50)), clientele=Clientele(channels=frozenset({"app"})))
    assert (price(1000, [web]), price(1000, [web], Shopper(channel="app"))) == (1000, 500)


@pytest.mark.parametrize(
    ("selection", "meant"),
    [
        (Selection(category_ids=frozenset({"cat_root"})), True),
        (Selection(category_ids=frozenset({"cat_root"}), brands=frozenset({"Knot"})), False),
        (Selection(skus=frozenset({"SKU-1"})), True),
        (Selection(tags=frozenset({"new", "old"})), True),
        (Selection(collection_ids=frozenset({"coll_1"})), True),
        (any_target(frozenset({"cat_none"}), frozenset({"prod_1"})), True),
        (Selection(none_of=(Selection(tags=frozenset({"new"})),)), False),
        (Selection(all_of=(EVERYTHING, Selection(brands=frozenset({"Loom"})))), True),
    ],
)
def test_what_a_predicate_means(selection, meant):
    of = PriceSubject(
        product_id="prod_1",
        category_path=("cat_root", "cat_leaf"),
        sku="SKU-1",
        brand="Loom",
        tags=("new",),
        collection_ids=("coll_1",),
    )
    assert selection.includes(of) is meant


def nested(depth):
    return EVERYTHING if depth == 0 else Selection(all_of=(nested(depth - 1),))


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
        lambda: promotion(PercentOff(Decimal(1)), ends_at=NOW - DAY * 2),
        lambda: promotion(PercentOff(Decimal(1)), selection=Selection()),
        lambda: promotion(PercentOff(Decimal(1)), selection=nested(5)),
        lambda: promotion(PercentOff(Decimal(1)), selection=Selection(everything=True, skus=frozenset({"A"}))),
        lambda: promotion(PercentOff(Decimal(1)), selection=Selection(skus=frozenset(map(str, range(2001))))),
        lambda: promotion(PercentOff(Decimal(1)), priority=1001),
        lambda: promotion(PercentOff(Decimal(1)), minimums=(Money(0, "EUR"),)),
        lambda: PriceList(id="a", name="A", currency="EUR", percent=Decimal(-101)),
        lambda: PriceList(id="a", name="A", currency="EUR", based_on="b"),
        lambda: PriceList(id="a", name="A", currency="EUR", kind=ListKind.SALE),
        lambda: PriceList(id="a", name="A", currency="EUR", starts_at=NOW, ends_at=NOW),
    ],
)
def test_what_makes_no_rule_is_refused(wrong):
    with pytest.raises(InvalidInputError):
        wrong()


def price_list(name, **changes):
    return PriceList(**{"id": name, "name": name, "currency": "EUR"} | changes)


def listed(lists, entries=(), base=1000, shopper=EVERYBODY, quantity=1):
    all_lists = PriceLists(lists)
    money = None if base is None else Money(base, "EUR")
    return all_lists.price(money, entries, all_lists.holding("EUR", shopper, NOW), quantity)


def test_a_list_overrides_for_its_clientele_from_a_quantity_on():
    trade = price_list("trade", clientele=Clientele(groups=frozenset({"grp_trade"})))
    entries = [ListedPrice("trade", 1, 900), ListedPrice("trade", 10, 800)]
    assert listed([trade], entries) == Listed(undiscounted=Money(1000, "EUR"), price=Money(1000, "EUR"))
    prices = [listed([trade], entries, shopper=TRADE, quantity=count).price.minor for count in (1, 9, 10, 99)]
    assert prices == [900, 900, 800, 800]


def test_a_sale_is_told_beside_what_it_is_reduced_from():
    sale = price_list("sale", kind=ListKind.SALE, starts_at=NOW - DAY, percent=Decimal(-20))
    assert listed([sale]) == Listed(undiscounted=Money(1000, "EUR"), price=Money(800, "EUR"), sale=sale)
    assert listed([sale], [ListedPrice("sale", 1, 1200)]).sale is None
    over = price_list("sale", kind=ListKind.SALE, starts_at=NOW - DAY * 2, ends_at=NOW - DAY, percent=Decimal(-20))
    assert listed([over]).price.minor == 1000


def test_prices_derive_along_a_chain():
    trade = price_list("trade", percent=Decimal(-20), priority=1)
    partners = price_list("partners", percent=Decimal(-10), based_on="trade", priority=2)
    assert listed([trade, partners]).price.minor == 720
    assert listed([trade, partners], [ListedPrice("trade", 1, 500)]).price.minor == 450
    assert listed([trade, partners], base=None) is None


def test_chains_lead_somewhere():
    one, two = price_list("one", percent=Decimal(1), based_on="two"), price_list("two", percent=Decimal(1))
    lists = PriceLists([one, two])
    with pytest.raises(ConflictError) as refused:
        lists.check_chain(price_list("two", percent=Decimal(1), based_on="one"))
    assert refused.value.code == "CYCLE"
    with pytest.raises(InvalidInputError):
        lists.check_chain(price_list("three", percent=Decimal(1), based_on="nowhere"))
    with pytest.raises(InvalidInputError):
        lists.check_chain(price_list("yen", currency="JPY", percent=Decimal(1), based_on="one"))


def history(steps, running=(), lists=()):
    return PriceHistory(steps, SHOE, "EUR", PriceLists(lists), running)


def step(days, minor, **more):
    return PriceStep(since=NOW - DAY * days, minor=minor, **more)


def runs(start, end, percent, **more):
    window = {"starts_at": NOW - DAY * start, "ends_at": NOW - DAY * end}
    return promotion(PercentOff(Decimal(percent)), **window, **more)


def test_the_lowest_price_of_thirty_days_counts_from_the_beginning_of_the_reduction():
    steps = [step(100, 1000), step(35, 1200), step(20, 1100)]
    assert history(steps).lowest_prior(NOW) is None
    assert history(steps, [runs(10, -1, 20)]).lowest_prior(NOW) == Money(1000, "EUR")
    assert history(steps, [runs(2, -1, 20)]).lowest_prior(NOW) == Money(1100, "EUR")


def test_an_earlier_reduction_within_the_thirty_days_is_the_lowest_price():
    earlier, now = runs(20, 15, 50, id="a"), runs(5, -1, 10, id="b")
    assert history([step(100, 1000)], [earlier, now]).lowest_prior(NOW) == Money(500, "EUR")
    long_ago = runs(60, 50, 50, id="a")
    assert history([step(100, 1000)], [long_ago, now]).lowest_prior(NOW) == Money(1000, "EUR")


def test_prices_of_a_clientele_are_no_public_prices():
    trade = runs(20, 15, 50, id="a", clientele=Clientele(groups=frozenset({"grp_trade"})))
    assert history([step(100, 1000)], [trade, runs(5, -1, 10, id="b")]).lowest_prior(NOW) == Money(1000, "EUR")


def test_a_sale_of_a_list_is_a_reduction_since_its_price_is_in_the_list():
    sale = price_list("sale", kind=ListKind.SALE, starts_at=NOW - DAY * 50)
    steps = [step(100, 1000), step(45, 900), step(10, 800, list_id="sale")]
    found = history(steps, lists=[sale])
    assert found.reduced_since(NOW) == NOW - DAY * 10
    assert found.lowest_prior(NOW) == Money(900, "EUR")
    assert history([*steps, step(5, None, list_id="sale")], lists=[sale]).lowest_prior(NOW) is None


def test_what_is_new_and_reduced_at_once_has_no_price_before():
    assert history([step(5, 1000)], [runs(5, -1, 10)]).lowest_prior(NOW) is None


@given(
    st.lists(st.tuples(st.integers(1, 90), st.integers(100, 10_000)), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(1, 80), st.integers(1, 30), st.integers(1, 90)), max_size=3),
)
def test_the_lowest_prior_price_is_no_higher_than_any_price_of_the_thirty_days(drawn, reductions):
    steps = [step(days, minor) for days, minor in drawn]
    old = [runs(start, start - days, percent, id=f"p{at}") for at, (start, days, percent) in enumerate(reductions)]
    found = history(steps, [*old, promotion(PercentOff(Decimal(10)), id="now", starts_at=NOW, ends_at=NOW + DAY)])
    lowest = found.lowest_prior(NOW)
    begun = found.reduced_since(NOW)
    seen = [found.at(begun - timedelta(hours=hours)) for hours in range(1, 30 * 24 + 1, 7)]
    prices = [each.price for each in seen if each is not None]
    assert lowest is None if not prices else lowest is not None and lowest <= min(prices)
