"""One contract for every provider: the sandbox, and Stripe through its own library against a stand-in."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from kernel.errors import InvalidInputError
from kernel.money import Money
from kernel.webhooks import SignatureError, sign
from subgraphs.payments.domain.errors import OutcomeUnknownError
from subgraphs.payments.domain.provider import (
    Accepted,
    ActionRequired,
    Authorized,
    ChargeReport,
    Declined,
    DisputeReport,
    DisputeStage,
    RecordKind,
    RefundReport,
    Voided,
)
from subgraphs.payments.providers.sandbox import SandboxProvider
from subgraphs.payments.providers.stripe import StripeProvider
from subgraphs.payments.providers.stripe_objects import UnsupportedAmountError, from_stripe, to_stripe
from tests.subgraphs.payments.stripe_stand_in import stand_in

TEN = Money(1000, "EUR")
TOKENS = {
    "sandbox": ("tok_approve", "tok_decline_insufficient_funds", "tok_3ds"),
    "stripe": ("pm_card_visa", "pm_card_chargeDeclinedInsufficientFunds", "pm_card_authenticationRequired"),
}


@dataclass
class Case:
    provider: Any
    approve: str
    decline: str
    step: str
    stripe: Any = None


@pytest.fixture(params=["sandbox", "stripe"])
async def case(request, database, clock):
    if request.param == "sandbox":
        yield Case(SandboxProvider(database, clock), *TOKENS["sandbox"])
        return
    async with stand_in() as (stripe, address):
        provider = StripeProvider("sk_test_x", webhook_secrets=["new", "old"], address=address)
        yield Case(provider, *TOKENS["stripe"], stripe)
        await provider.close()


async def test_a_key_charges_once_and_is_found_again(case):
    first, second = [await case.provider.charge("key:1", TEN, case.approve) for _ in range(2)]
    assert first == second
    assert isinstance(first, Accepted)
    assert first.amount == TEN
    assert await case.provider.find_charge("key:1") == first
    assert await case.provider.find_charge("another") is None


async def test_a_decline_says_why_and_whether_to_try_again(case):
    assert await case.provider.charge("k", TEN, case.decline) == Declined("insufficient_funds", retryable=True)


async def test_a_token_that_nobody_knows_is_declined(case):
    assert isinstance(await case.provider.charge("k", TEN, "tok_unknown"), Declined)


async def test_a_buyer_can_be_sent_to_a_step(case):
    answer = await case.provider.charge("k", TEN, case.step)
    assert isinstance(answer, ActionRequired)
    assert answer.url
    assert await case.provider.find_charge("k") == answer
    assert await case.provider.void("v", answer.reference) == Voided(answer.reference)


async def test_held_money_is_captured_once_in_part_and_then_cannot_be_let_go(case):
    held = await case.provider.charge("k", TEN, case.approve, capture=False)
    assert isinstance(held, Authorized)
    captured = await case.provider.capture("c", held.reference, Money(400, "EUR"))
    assert captured == Accepted(held.reference, Money(400, "EUR"))
    assert await case.provider.capture("c", held.reference, Money(400, "EUR")) == captured
    assert isinstance(await case.provider.void("v", held.reference), Declined)
    assert await case.provider.find_charge("k") == captured


async def test_held_money_that_was_let_go_cannot_be_captured(case):
    held = await case.provider.charge("k", TEN, case.approve, capture=False)
    assert isinstance(await case.provider.void("v", held.reference), Voided)
    assert isinstance(await case.provider.capture("c", held.reference, TEN), Declined)
    assert isinstance(await case.provider.find_charge("k"), Voided)


async def test_a_key_gives_back_once(case):
    charged = await case.provider.charge("k", TEN, case.approve)
    refunds = [await case.provider.refund("r", charged.reference, Money(300, "EUR")) for _ in range(2)]
    assert isinstance(refunds[0], Accepted)
    assert refunds[0] == refunds[1]


async def test_the_statement_lists_what_moved(case, clock):
    charged = await case.provider.charge("k", TEN, case.approve)
    await case.provider.charge("held", TEN, case.approve, capture=False)
    await case.provider.charge("declined", TEN, case.decline)
    refund = await case.provider.refund("r", charged.reference, Money(300, "EUR"))
    now = datetime.now(UTC) if case.stripe else clock.now()
    records = await case.provider.records(now - timedelta(hours=1), now + timedelta(hours=1))
    assert {(record.kind, record.reference, record.amount) for record in records} == {
        (RecordKind.CHARGE, charged.reference, TEN),
        (RecordKind.REFUND, refund.reference, Money(300, "EUR")),
    }
    assert await case.provider.records(now - timedelta(days=9), now - timedelta(days=8)) == []


@pytest.fixture
async def stripe():
    async with stand_in() as (stripe, address):
        provider = StripeProvider("sk_test_x", webhook_secrets=["new", "old"], address=address)
        yield stripe, provider, address
        await provider.close()


async def test_stripe_that_fails_or_is_not_there_leaves_the_outcome_open(stripe):
    books, provider, _ = stripe
    books.broken = True
    for question in (provider.charge("k", TEN, "pm_card_visa"), provider.find_charge("k"), provider.void("v", "pi_1")):
        with pytest.raises(OutcomeUnknownError):
            await question
    nowhere = StripeProvider("sk_test_x", address="http://127.0.0.1:9", timeout=1)
    with pytest.raises(OutcomeUnknownError):
        await nowhere.charge("k", TEN, "pm_card_visa")
    await nowhere.close()


async def test_stripe_gets_an_idempotency_key_with_every_change(stripe):
    books, provider, _ = stripe
    charged = await provider.charge("key", TEN, "pm_card_visa")
    await provider.refund("key", charged.reference, TEN)
    assert [headers["idempotency-key"] for headers in books.headers] == ["charge:key", "refund:key"]
    assert {headers["authorization"] for headers in books.headers} == {"Bearer sk_test_x"}


@pytest.mark.parametrize(
    ("money", "minor"),
    [(Money(1234, "EUR"), 1234), (Money(500, "JPY"), 500), (Money(500, "ISK"), 50000), (Money(1230, "KWD"), 1230)],
)
def test_amounts_as_stripe_counts_them(money, minor):
    assert to_stripe(money) == minor
    assert from_stripe(minor, money.currency.lower()) == money


def test_amounts_that_are_too_fine_for_stripe():
    with pytest.raises(UnsupportedAmountError):
        to_stripe(Money(1234, "KWD"))


def event(kind, thing):
    return orjson.dumps({"id": "evt_1", "type": kind, "created": 1_780_000_000, "data": {"object": thing}})


INTENT = {"id": "pi_1", "currency": "eur", "amount_received": 1000, "metadata": {"storegraph_key": "k"}}
REFUND = {"id": "re_1", "payment_intent": "pi_1", "amount": 300, "currency": "eur", "metadata": {"storegraph_key": "r"}}
DISPUTE = {"id": "dp_1", "payment_intent": "pi_1", "amount": 1000, "currency": "eur", "reason": "fraudulent"}


@pytest.mark.parametrize(
    ("kind", "thing", "report"),
    [
        (
            "payment_intent.succeeded",
            {**INTENT, "status": "succeeded"},
            ChargeReport(key="k", answer=Accepted("pi_1", TEN)),
        ),
        (
            "payment_intent.amount_capturable_updated",
            {**INTENT, "status": "requires_capture"},
            ChargeReport(key="k", answer=Authorized("pi_1")),
        ),
        (
            "payment_intent.payment_failed",
            {**INTENT, "status": "requires_payment_method", "last_payment_error": {"decline_code": "lost_card"}},
            ChargeReport(key="k", answer=Declined("lost_card")),
        ),
        ("payment_intent.canceled", {**INTENT, "status": "canceled"}, ChargeReport(key="k", answer=Voided("pi_1"))),
        ("payment_intent.succeeded", {**INTENT, "status": "succeeded", "metadata": {}}, None),
        (
            "refund.updated",
            {**REFUND, "status": "succeeded"},
            RefundReport(charge_reference="pi_1", key="r", amount=Money(300, "EUR"), answer=Accepted("re_1")),
        ),
        ("refund.created", {**REFUND, "status": "pending"}, None),
        (
            "charge.dispute.created",
            {**DISPUTE, "status": "needs_response"},
            DisputeReport(
                reference="dp_1", charge_reference="pi_1", stage=DisputeStage.OPENED, amount=TEN, reason="fraudulent"
            ),
        ),
        (
            "charge.dispute.closed",
            {**DISPUTE, "status": "lost"},
            DisputeReport(
                reference="dp_1", charge_reference="pi_1", stage=DisputeStage.LOST, amount=TEN, reason="fraudulent"
            ),
        ),
        ("customer.created", {"id": "cus_1"}, None),
    ],
)
async def test_stripes_webhooks(stripe, clock, kind, thing, report):
    _, provider, _ = stripe
    body = event(kind, thing)
    read = provider.read_webhook({"stripe-signature": sign("old", body, clock.now())}, body, clock.now())
    assert (read.id, read.kind, read.report) == ("evt_1", kind, report)
    assert provider.parse_webhook(body) == read


@pytest.mark.parametrize("body", [b"", b"[]", b'{"id": 1}', b'{"id":"e","type":"refund.created","created":1,"data":3}'])
async def test_what_is_signed_and_makes_no_sense(stripe, clock, body):
    _, provider, _ = stripe
    with pytest.raises(InvalidInputError):
        provider.read_webhook({"stripe-signature": sign("new", body, clock.now())}, body, clock.now())
    with pytest.raises(SignatureError):
        provider.read_webhook({"stripe-signature": sign("other", body, clock.now())}, body, clock.now())
