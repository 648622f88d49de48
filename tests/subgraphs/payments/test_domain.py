"""Amounts follow from events, and the ledger always balances."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.money import CURRENCIES, Money
from kernel.transitions import IllegalTransitionError
from subgraphs.payments.domain.ledger import Side, capture_entries, refund_entries
from subgraphs.payments.domain.payment import (
    PAYMENT,
    EventKind,
    PaymentEvent,
    PaymentStatus,
    amounts,
    status_after_refund,
)

AT = datetime(2026, 6, 1, tzinfo=UTC)
currencies = st.sampled_from(sorted(CURRENCIES))
minors = st.integers(1, 10**12)


def balanced(entries):
    sides = {side: sum(entry.amount.minor for entry in entries if entry.side == side) for side in Side}
    return sides[Side.DEBIT] == sides[Side.CREDIT]


def event(kind, minor):
    return PaymentEvent(kind=kind, amount=Money(minor, "EUR"), at=AT)


@given(minors, st.lists(st.integers(1, 1000), max_size=5), currencies)
def test_a_capture_and_its_refunds_balance_at_every_step(captured, refunds, currency):
    entries = list(capture_entries(Money(captured, currency)))
    assert balanced(entries)
    for refund in refunds:
        entries += refund_entries(Money(refund, currency))
        assert balanced(entries)


@given(minors, st.lists(st.tuples(st.integers(1, 50), st.booleans()), max_size=6))
def test_what_is_refundable_is_what_was_captured_less_what_went_or_may_go(captured, refunds):
    events = [event(EventKind.CHARGE_REQUESTED, captured), event(EventKind.CHARGE_SUCCEEDED, captured)]
    for minor, succeeded in refunds:
        events.append(event(EventKind.REFUND_REQUESTED, minor))
        events.append(event(EventKind.REFUND_SUCCEEDED if succeeded else EventKind.REFUND_DECLINED, minor))
    sums = amounts(events, "EUR")
    assert sums.refunded == Money(sum(minor for minor, succeeded in refunds if succeeded), "EUR")
    assert sums.refunding == Money(0, "EUR")
    assert sums.refundable == sums.captured - sums.refunded


def test_a_requested_refund_is_set_aside_until_it_is_answered():
    events = [event(EventKind.CHARGE_SUCCEEDED, 100), event(EventKind.REFUND_REQUESTED, 30)]
    assert amounts(events, "EUR").refundable == Money(70, "EUR")


@pytest.mark.parametrize(
    ("refunded", "status"),
    [(0, PaymentStatus.CAPTURED), (1, PaymentStatus.PARTIALLY_REFUNDED), (100, PaymentStatus.REFUNDED)],
)
def test_the_state_follows_from_what_was_refunded(refunded, status):
    assert status_after_refund(Money(100, "EUR"), Money(refunded, "EUR")) == status


def test_a_declined_payment_is_final_and_the_refusal_says_so():
    with pytest.raises(IllegalTransitionError, match="final") as caught:
        PAYMENT.check(PaymentStatus.DECLINED, PaymentStatus.CAPTURED)
    assert caught.value.legal == ()
