from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import InvalidInputError
from kernel.money import CURRENCIES, Money

currencies = st.sampled_from(sorted(CURRENCIES))
minors = st.integers(-(10**15) + 1, 10**15 - 1)


@given(minors, currencies)
def test_what_is_shown_is_read_back(minor: int, currency: str):
    money = Money(minor, currency)
    assert Money.parse(str(money.amount), currency) == money
    assert -money.amount.as_tuple().exponent == CURRENCIES[currency]


@given(minors, currencies, st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any))
def test_shares_add_up_and_are_within_one_unit_of_their_due(minor: int, currency: str, weights: list[int]):
    whole = Money(minor, currency)
    shares = whole.allocate(weights)
    assert Money.sum(shares, currency) == whole
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share.minor - Fraction(minor * weight, sum(weights))) < 1


@given(minors, st.integers(1, 200))
def test_equal_shares_differ_by_one_unit_at_most(minor: int, parts: int):
    shares = [share.minor for share in Money(minor, "EUR").split(parts)]
    assert sum(shares) == minor
    assert max(shares) - min(shares) <= 1


@given(minors, minors, minors)
def test_it_adds_like_numbers(a: int, b: int, c: int):
    x, y, z = (Money(minor, "EUR") for minor in (a, b, c))
    assert (x + y) + z == x + (y + z)
    assert x + y - y == x
    assert x - x == Money.zero("EUR") == -x + x
    assert (x < y) == (a < b)
    assert (x >= y) == (a >= b)


@given(st.text(max_size=60) | st.from_regex(r"-?[0-9]{0,50}(\.[0-9]{0,50})?([eE][+-]?[0-9]{1,12})?", fullmatch=True))
def test_any_text_is_read_exactly_or_refused(text: str):
    try:
        money = Money.parse(text, "EUR")
    except InvalidInputError:
        return
    assert money.amount == Decimal(text)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("12.5", "EUR", 1250), ("10.000", "EUR", 1000), ("5", "JPY", 5), ("1.234", "KWD", 1234), ("-0.01", "USD", -1)],
)
def test_amounts_are_read_in_major_units(text: str, currency: str, minor: int):
    assert Money.parse(text, currency).minor == minor


@pytest.mark.parametrize(
    "text", ["", "x", "1,5", "0.001", "NaN", "Infinity", "1e99", "0e999999999", "1e-999999999", "9" * 50]
)
def test_what_is_no_amount_is_refused_at_once(text: str):
    if text.startswith("0e"):
        assert not Money.parse(text, "EUR")
    else:
        with pytest.raises(InvalidInputError) as caught:
            Money.parse(text, "EUR")
        assert caught.value.path == ("amount",)


def test_an_unknown_currency_is_refused():
    with pytest.raises(InvalidInputError):
        Money(1, "XXX")


@pytest.mark.parametrize(("minor", "rate", "product"), [(5, "0.5", 2), (15, "0.1", 2), (25, "0.1", 2), (35, "0.1", 4)])
def test_a_half_goes_to_the_even_neighbour(minor: int, rate: str, product: int):
    assert (Money(minor, "EUR") * Decimal(rate)).minor == product


def test_quantities_and_signs():
    assert 3 * Money(250, "EUR") == Money(750, "EUR") == Money(250, "EUR") * 3
    assert (-Money(1, "EUR")).negative
    assert not Money(0, "EUR").negative
    assert not Money(0, "EUR")
    assert str(Money(1250, "EUR")) == "12.50 EUR"


def test_currencies_do_not_mix():
    for combine in (lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a < b):
        with pytest.raises(ValueError, match="EUR with USD"):
            combine(Money(1, "EUR"), Money(1, "USD"))


@pytest.mark.parametrize("weights", [[0, 0], [-1, 2]])
def test_weights_that_mean_nothing_are_refused(weights: list[int]):
    with pytest.raises(ValueError, match="weights"):
        Money(1, "EUR").allocate(weights)
