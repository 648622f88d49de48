"""A payment follows from its events, in whatever order facts arrive, and the ledger always balances."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import ConflictError
from kernel.money import CURRENCIES, Money
from kernel.transitions import IllegalTransitionError
from subgraphs.payments.domain import ledger
from subgraphs.payments.domain.payment import PAYMENT, EventKind, Payment, PaymentEvent, PaymentStatus, made_of
from subgraphs.payments.domain.provider import Accepted, ActionRequired, Authorized, Declined, Voided
from subgraphs.payments.domain.settling import settled

AT = datetime(2026, 6, 1, tzinfo=UTC)
currencies = st.sampled_from(sorted(CURRENCIES))
minors = st.integers(1, 10**12)
NOTHING = Money(0, "EUR")
PENDING = Payment(
    id="pay_1",
    idempotency_key="k",
    order_id="ord_1",
    customer_id=None,
    provider="sandbox",
    amount=Money(100, "EUR"),
    token="tok_approve",
    capture=True,
    status=PaymentStatus.PENDING,
    captured=NOTHING,
    refunding=NOTHING,
    refunded=NOTHING,
    charged_back=NOTHING,
    fees=NOTHING,
    provider_reference="",
    decline_code="",
    retryable=False,
    action_url="",
    created_at=AT,
)


def balanced(entries):
    sides = {side: sum(entry.amount.minor for entry in entries if entry.side == side) for side in ledger.Side}
    return sides[ledger.Side.DEBIT] == sides[ledger.Side.CREDIT]


def event(kind, minor):
    return PaymentEvent(kind=kind, amount=Money(minor, "EUR"), at=AT)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    ledger.capture_entries,
                    ledger.refund_entries,
                    ledger.chargeback_entries,
                    ledger.chargeback_won_entries,
                    ledger.fee_entries,
                ]
            ),
            minors,
        )
    ),
    currencies,
)
def test_every_movement_balances_at_every_step(movements, currency):
    entries = []
    for make, minor in movements:
        entries += make(Money(minor, currency))
        assert balanced(entries)


@given(minors, st.lists(st.tuples(st.integers(1, 50), st.booleans()), max_size=6))
def test_what_is_refundable_is_what_was_captured_less_what_went_or_may_go(captured, refunds):
    events = [event(EventKind.CHARGE_REQUESTED, captured), event(EventKind.CHARGE_SUCCEEDED, captured)]
    for minor, succeeded in refunds:
        events.append(event(EventKind.REFUND_REQUESTED, minor))
        events.append(event(EventKind.REFUND_SUCCEEDED if succeeded else EventKind.REFUND_DECLINED, minor))
    payment = made_of(PENDING, events)
    assert payment.refunded == Money(sum(minor for minor, succeeded in refunds if succeeded), "EUR")
    assert payment.refunding == NOTHING
    assert payment.refundable == max(payment.captured - payment.refunded, NOTHING)


def test_a_requested_refund_is_set_aside_until_it_is_answered():
    payment = PENDING.after(event(EventKind.CHARGE_SUCCEEDED, 100), event(EventKind.REFUND_REQUESTED, 30))
    assert payment.refundable == Money(70, "EUR")
    assert payment.status == PaymentStatus.CAPTURED


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ([], PaymentStatus.CAPTURED),
        ([(EventKind.REFUND_SUCCEEDED, 1)], PaymentStatus.PARTIALLY_REFUNDED),
        ([(EventKind.REFUND_SUCCEEDED, 100)], PaymentStatus.REFUNDED),
        ([(EventKind.CHARGEBACK_OPENED, 100)], PaymentStatus.CHARGED_BACK),
        ([(EventKind.CHARGEBACK_OPENED, 100), (EventKind.CHARGEBACK_WON, 100)], PaymentStatus.CAPTURED),
        ([(EventKind.CHARGEBACK_OPENED, 100), (EventKind.CHARGEBACK_LOST, 100)], PaymentStatus.CHARGED_BACK),
    ],
)
def test_the_state_follows_from_where_the_money_is(kinds, status):
    events = [event(EventKind.CHARGE_SUCCEEDED, 100), *(event(kind, minor) for kind, minor in kinds)]
    assert PENDING.after(*events).status == status


def test_a_declined_payment_cannot_be_refunded_and_the_refusal_says_what_may_follow():
    with pytest.raises(IllegalTransitionError) as caught:
        PAYMENT.check(PaymentStatus.DECLINED, PaymentStatus.REFUNDED)
    assert caught.value.legal == ("CAPTURED",)


FACTS = st.lists(
    st.sampled_from(
        [
            Accepted("r"),
            Accepted("r", fee=Money(3, "EUR")),
            Authorized("r"),
            Declined("no"),
            ActionRequired("r", "/step"),
            Voided("r"),
        ]
    ),
    max_size=8,
)


@given(FACTS)
def test_facts_in_any_order_and_number_take_the_money_once(answers):
    payment, entries, events = PENDING, [], []
    for answer in answers:
        becomes = settled(payment, answer, AT)
        if becomes is None:
            continue
        assert PAYMENT.allowed(payment.status, becomes.payment.status)
        entries += [entry for posting in becomes.postings for entry in posting.entries]
        events += [posting.event for posting in becomes.postings]
        payment = becomes.payment
        if becomes.to_give_back:
            break
    assert balanced(entries)
    taken = sum(e.amount.minor for e in entries if e.account == ledger.Account.CUSTOMER_ORDERS)
    assert payment.captured.minor == taken <= 100
    assert made_of(payment, events) == payment


def test_a_success_after_the_end_is_marked_to_be_given_back():
    declined = settled(PENDING, Declined("no"), AT).payment
    late = settled(declined, Accepted("r"), AT)
    assert late.to_give_back
    assert late.payment.captured == Money(100, "EUR")
    assert late.payment.decline_code == "no"


def test_a_charge_that_took_less_than_was_asked_is_given_back():
    assert settled(PENDING, Accepted("r", Money(40, "EUR")), AT).to_give_back
    held = replace(PENDING, status=PaymentStatus.AUTHORIZED)
    assert not settled(held, Accepted("r", Money(40, "EUR")), AT).to_give_back


@pytest.mark.parametrize(
    "answer",
    [
        Accepted("r", Money(101, "EUR")),
        Accepted("r", Money(100, "USD")),
        Accepted("r", Money(-1, "EUR")),
        Accepted("r", Money(0, "EUR")),
        Accepted("r", fee=Money(-1, "EUR")),
        Accepted("r", fee=Money(1, "USD")),
    ],
)
def test_what_makes_no_sense_is_refused(answer):
    with pytest.raises(ConflictError):
        settled(PENDING, answer, AT)
