"""Totals to the last cent, and what may follow what."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import InvalidInputError
from kernel.events.catalogue import PostalAddress
from kernel.money import CURRENCIES, Money
from kernel.transitions import IllegalTransitionError
from subgraphs.orders.domain.cart import CartLine, check_quantity, combine
from subgraphs.orders.domain.checkout import (
    Checkout,
    ShippingChoice,
    Voucher,
    check_ready,
    check_total,
    totals,
)
from subgraphs.orders.domain.errors import CheckoutNotReadyError, PriceChangedError, QuantityError
from subgraphs.orders.domain.order import check_address
from subgraphs.orders.domain.status import CHECKOUT, ORDER, SAGA, CheckoutStatus, OrderStatus
from subgraphs.orders.domain.tax import Place, TaxRate, tax_lines, tax_of
from subgraphs.orders.domain.tax_table import STANDARD_TABLE, RateTable, read_table

TAXES = RateTable(read_table(STANDARD_TABLE))
ADDRESS = PostalAddress(name="Ada", line1="Weg 1", city="Berlin", postal_code="10115", country="DE")

currencies = st.sampled_from(sorted(CURRENCIES))
prices = st.integers(0, 10**9)
rates = st.builds(
    TaxRate, st.decimals("0", "0.99", places=3, allow_nan=False, allow_infinity=False), included=st.booleans()
)


def checkout(prices_and_quantities=((1999, 2),), *, currency="EUR", address=ADDRESS, shipping=490):
    lines = tuple(
        CartLine(
            sku=f"SKU-{at}",
            variant_id=f"var_{at}",
            product_id=f"prod_{at}",
            name="Thing",
            unit_price=Money(minor, currency),
            weight_grams=100,
            quantity=quantity,
        )
        for at, (minor, quantity) in enumerate(prices_and_quantities)
    )
    choice = ShippingChoice(method_id="shm_standard", name="Standard", price=Money(shipping or 0, currency))
    return Checkout(
        id="chk_1",
        cart_id="cart_1",
        cart_version=1,
        customer_id=None,
        email="ada@example.com",
        currency=currency,
        status=CheckoutStatus.OPEN,
        lines=lines,
        address=address,
        shipping=None if shipping is None else choice,
        reservation=None,
        version=1,
        created_at=datetime(2026, 6, 1, tzinfo=UTC),
    )


@given(st.lists(prices, min_size=1, max_size=12), rates, currencies)
def test_the_taxes_of_the_lines_add_up_to_the_tax_of_their_sum(minors, rate, currency):
    shown = [Money(minor, currency) for minor in minors]
    lines = tax_lines(shown, rate, currency)
    whole = tax_of(Money.sum(shown, currency), rate)
    assert sum(line.tax.minor for line in lines) == whole.tax.minor
    assert sum(line.net.minor for line in lines) == whole.net.minor
    for line in lines:
        assert line.net.minor >= 0
        assert line.tax.minor >= 0


@given(prices, rates, currencies)
def test_included_tax_leaves_the_shown_price_and_added_tax_comes_on_top(minor, rate, currency):
    shown = Money(minor, currency)
    taxed = tax_of(shown, rate)
    assert taxed.gross == shown if rate.included else taxed.net == shown


@given(
    st.lists(st.tuples(prices, st.integers(1, 999)), min_size=1, max_size=10),
    st.sampled_from(["DE", "FI", "CH", "CA", "US"]),
    currencies,
    prices,
)
def test_money_is_neither_made_nor_lost_between_lines_and_total(bought, country, currency, shipping):
    address = PostalAddress(name="A", line1="1", city="C", postal_code="1", country=country)
    one = checkout(bought, currency=currency, address=address, shipping=shipping)
    result = totals(one, TAXES)
    assert sum(line.gross.minor for line in result.lines) == result.subtotal.gross.minor
    assert result.total.gross == result.total.net + result.total.tax
    assert result.total.gross == result.subtotal.gross + result.shipping.gross
    if TAXES.rate(Place(country)).included:
        assert result.total.gross == one.goods + Money(shipping, currency)


@given(
    st.lists(st.tuples(prices, st.integers(1, 99)), min_size=1, max_size=10),
    st.sampled_from(["DE", "CA", "US"]),
    currencies,
    st.decimals(0, 1, places=4),
)
def test_a_discount_is_split_over_the_lines_to_the_last_minor_unit(bought, country, currency, share):
    address = PostalAddress(name="A", line1="1", city="C", postal_code="1", country=country)
    plain = checkout(bought, currency=currency, address=address)
    discounted = replace(plain, voucher=Voucher(code="TEN", name="Ten", discount=plain.goods * share))
    result = totals(discounted, TAXES)
    assert sum(part.minor for part in result.discounts) == discounted.discount.minor
    for line, part in zip(plain.lines, result.discounts, strict=True):
        assert 0 <= part.minor <= line.total.minor
    taxed_at = result.subtotal.gross if TAXES.rate(Place(country)).included else result.subtotal.net
    assert taxed_at == plain.goods - discounted.discount


def test_german_prices_contain_nineteen_percent():
    taxed = tax_of(Money(11900, "EUR"), TAXES.rate(Place("DE")))
    assert (taxed.net.minor, taxed.tax.minor) == (10000, 1900)


def test_a_country_that_is_not_listed_is_served_without_tax():
    assert TAXES.rate(Place("US")).rate == Decimal(0)


def test_before_the_address_is_known_there_is_no_tax():
    assert totals(checkout(address=None), TAXES).total.tax.minor == 0


def test_the_agreed_total_passes_and_any_other_is_told():
    one = checkout()
    total = totals(one, TAXES).total.gross
    assert check_total(one, total, TAXES).total.gross == total
    with pytest.raises(PriceChangedError) as caught:
        check_total(one, total - Money(1, "EUR"), TAXES)
    assert caught.value.actual == total
    with pytest.raises(InvalidInputError):
        check_total(one, Money(total.minor, "USD"), TAXES)


@pytest.mark.parametrize(
    ("missing", "code"),
    [({"address": None}, "ADDRESS_REQUIRED"), ({"shipping": None}, "SHIPPING_METHOD_REQUIRED")],
)
def test_what_completion_needs_is_named(missing, code):
    with pytest.raises(CheckoutNotReadyError) as caught:
        check_ready(checkout(**missing))
    assert caught.value.code == code


def test_quantities_of_one_sku_are_added_up():
    assert combine([("A", 1), ("B", 2), ("A", 3)]) == {"A": 4, "B": 2}


@pytest.mark.parametrize("quantity", [0, -1, 1000, 2**31])
def test_a_quantity_out_of_bounds_is_refused(quantity):
    with pytest.raises(QuantityError):
        check_quantity(quantity)


@pytest.mark.parametrize("wanted", [[], [("A", 600), ("A", 600)], [(f"S{at}", 1) for at in range(101)]])
def test_too_many_or_none_is_refused(wanted):
    with pytest.raises(QuantityError):
        combine(wanted)


@pytest.mark.parametrize(
    "change", [{"name": " "}, {"line1": ""}, {"country": "de"}, {"country": "DEU"}, {"city": "x" * 201}]
)
def test_an_address_that_no_parcel_reaches_is_refused(change):
    fields = {"name": "A", "line1": "1", "city": "C", "postal_code": "1", "country": "DE"} | change
    with pytest.raises(InvalidInputError):
        check_address(PostalAddress(**fields))


@pytest.mark.parametrize("table", [ORDER, CHECKOUT, SAGA])
def test_every_state_can_be_reached_or_is_where_life_begins(table):
    reached = {state for legal in table.table.values() for state in legal}
    beginnings = set(table.table) - reached
    assert len(beginnings) <= 1


@given(st.sampled_from(OrderStatus), st.sampled_from(OrderStatus))
def test_a_transition_is_legal_exactly_when_the_table_says_so(current, wanted):
    if wanted in ORDER.table[current]:
        assert ORDER.check(current, wanted) == wanted
        return
    with pytest.raises(IllegalTransitionError) as caught:
        ORDER.check(current, wanted)
    assert caught.value.legal == ORDER.legal(current)
    assert set(caught.value.legal) == ORDER.table[current]


def test_no_way_leads_back_from_what_was_shipped_to_what_can_be_cancelled():
    after = {OrderStatus.SHIPPED}
    while True:
        further = after | {state for each in after for state in ORDER.table[each]}
        if further == after:
            break
        after = further
    assert OrderStatus.CANCELLED not in after
