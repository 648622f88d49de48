"""Webhooks and answers drive one state machine: in any order, number and delay, each fact counts once."""

import asyncio
from datetime import timedelta

import httpx
import orjson
import pytest
from sqlalchemy import select
from starlette.applications import Starlette

from kernel.money import Money
from kernel.webhooks import sign
from subgraphs.payments.domain.payment import ChargebackStatus, PaymentStatus
from subgraphs.payments.domain.provider import Accepted, DisputeStage, RefundReport
from subgraphs.payments.domain.webhook import WebhookOutcome
from subgraphs.payments.providers.sandbox import SIGNATURE
from subgraphs.payments.providers.sandbox_messages import dispute_message, refund_message
from subgraphs.payments.storage import requests as request_store
from subgraphs.payments.storage.tables import ledger_entries, outbox, provider_events, sandbox_webhooks
from subgraphs.payments.storage.tables import payments as payments_table
from tests.subgraphs.payments.test_service import TWENTY, ledger_sums, pay, refund, rows, told

SECRET = "sandbox"


@pytest.fixture
def send(service, clock):
    """Send a message to payments as the sandbox provider would."""

    async def send(message, secret=SECRET, at=None):
        body = orjson.dumps(message)
        return await service.webhooks.receive("sandbox", {SIGNATURE: sign(secret, body, at or clock.now())}, body)

    return send


@pytest.fixture
def deliver(service, provider):
    """Let the sandbox provider send what is due."""
    return lambda: provider.deliver_due(service.webhooks.receive)


async def outcomes(database):
    statement = select(provider_events.c.outcome).order_by(provider_events.c.received_at)
    return [outcome for (outcome,) in await rows(database, statement)]


def dispute(payment, stage, minor=2000, reference="dp_1", clock=None):
    row = {
        "reference": reference,
        "charge_reference": payment.provider_reference,
        "amount_minor": minor,
        "currency": "EUR",
    }
    return dispute_message(row, stage, payment.created_at)


async def test_the_webhook_of_a_payment_whose_answer_was_lost_settles_it(database, service, deliver):
    assert (await pay(service, token="tok_webhook_only")).status == PaymentStatus.PENDING
    assert await deliver() == 1
    assert (await service.charges.find("key-1")).status == PaymentStatus.CAPTURED
    assert await told(database) == ["PaymentProcessed"]
    assert await outcomes(database) == [WebhookOutcome.APPLIED]


@pytest.mark.parametrize("token", ["tok_webhook", "tok_webhook_duplicate", "tok_webhook_late"])
async def test_webhooks_about_what_is_known_change_nothing(database, service, deliver, clock, token):
    await pay(service, token=token)
    entries = await rows(database, select(ledger_entries))
    clock.advance(seconds=3700)
    await deliver()
    assert await rows(database, select(ledger_entries)) == entries
    assert await told(database) == ["PaymentProcessed"]
    assert await outcomes(database) == [WebhookOutcome.KNOWN]
    assert await rows(database, select(sandbox_webhooks)) == []


async def test_webhook_and_completion_at_the_same_time_take_the_money_once(database, service, provider, deliver):
    for at in range(10):
        key = f"key-{at}"
        await pay(service, key=key, token="tok_webhook_only")
        answer = await provider.find_charge(key)
        payment = await service.charges.process(
            order_id="ord_1", amount=TWENTY, token="tok_webhook_only", customer_id="usr_1", key=key
        )
        await asyncio.gather(
            deliver(), service.charges.find(key), service.charges.settle(payment, answer), service.charges.find(key)
        )
        assert (await service.charges.find(key)).captured == TWENTY
    assert await told(database) == ["PaymentProcessed"] * 10
    assert len(await rows(database, select(ledger_entries))) == 20


async def test_a_buyer_passes_the_step(database, service, provider, deliver):
    payment = await pay(service, token="tok_3ds")
    assert payment.status == PaymentStatus.REQUIRES_ACTION
    assert payment.action_url == f"/payments/sandbox/{payment.provider_reference}"
    assert await told(database) == []
    await provider.decide(payment.provider_reference, approved=True)
    await deliver()
    passed = await service.charges.find("key-1")
    assert (passed.status, passed.captured, passed.action_url) == (PaymentStatus.CAPTURED, TWENTY, "")
    assert await told(database) == ["PaymentProcessed"]


async def test_a_buyer_who_fails_the_step_is_declined(database, service, provider, deliver):
    payment = await pay(service, token="tok_3ds")
    await provider.decide(payment.provider_reference, approved=False)
    await deliver()
    assert (await service.charges.find("key-1")).decline_code == "authentication_failed"
    assert await told(database) == ["PaymentFailed"]


async def test_a_buyer_who_does_not_come_back_is_given_up(database, service, provider, clock):
    payment = await pay(service, token="tok_3ds")
    clock.advance(seconds=1700)
    assert await service.settle_due() == 0
    clock.advance(seconds=200)
    assert await service.settle_due() == 1
    expired = await service.charges.find("key-1")
    assert (expired.status, expired.decline_code) == (PaymentStatus.VOIDED, "action_expired")
    assert await told(database) == ["PaymentFailed"]
    with pytest.raises(Exception, match="awaited"):
        await provider.decide(payment.provider_reference, approved=True)


async def test_money_that_comes_after_the_end_is_given_back(database, service):
    payment = await pay(service, token="tok_decline_stolen_card")
    late = await service.charges.settle(payment, Accepted("ch_late"))
    assert (late.status, late.decline_code) == (PaymentStatus.REFUNDED, "stolen_card")
    assert await told(database) == ["PaymentFailed", "PaymentRefunded"]
    assert await ledger_sums(database) == [0]


async def test_a_message_is_taken_once_however_often_it_comes(database, service, send):
    payment = await pay(service)
    message = dispute(payment, DisputeStage.OPENED)
    await asyncio.gather(*(send(message) for _ in range(20)))
    assert await outcomes(database) == [WebhookOutcome.APPLIED]
    assert (await service.charges.find("key-1")).charged_back == TWENTY


async def test_a_dispute_is_booked_and_told_and_undone_when_it_is_won(database, service, send):
    payment = await pay(service)
    await send(dispute(payment, DisputeStage.OPENED))
    assert (await service.charges.find("key-1")).status == PaymentStatus.CHARGED_BACK
    await send(dispute(payment, DisputeStage.WON))
    assert (await service.charges.find("key-1")).status == PaymentStatus.CAPTURED
    assert await told(database) == ["PaymentProcessed", "PaymentDisputed", "PaymentDisputed"]
    assert await ledger_sums(database) == [0]


@pytest.mark.parametrize("token", ["tok_chargeback", "tok_chargeback_won"])
async def test_messages_of_a_dispute_in_the_wrong_order(database, service, deliver, token):
    payment = await pay(service, token=token)
    await deliver()
    async with database.session() as session:
        [chargeback] = (await request_store.chargebacks_of(session, [payment.id]))[payment.id]
    won = token.endswith("won")
    assert chargeback.status == (ChargebackStatus.WON if won else ChargebackStatus.OPEN)
    assert (await service.charges.find("key-1")).charged_back == (Money(0, "EUR") if won else TWENTY)


async def test_a_dispute_that_comes_before_its_payment_is_known_waits_for_it(database, service, provider, send, clock):
    payment = await pay(service, token="tok_timeout")
    reference = (await provider.find_charge("key-1")).reference
    row = {"reference": "dp", "charge_reference": reference, "amount_minor": 2000, "currency": "EUR"}
    await send(dispute_message(row, DisputeStage.OPENED, clock.now()))
    assert await outcomes(database) == [WebhookOutcome.WAITING]
    clock.advance(seconds=20)
    await service.settle_due()
    clock.advance(seconds=40)
    await service.settle_due()
    assert await outcomes(database) == [WebhookOutcome.APPLIED]
    assert await rows(database, select(provider_events.c.body)) == [(None,)]
    assert (await service.charges.find("key-1")).id == payment.id
    assert await told(database) == ["PaymentProcessed", "PaymentDisputed"]


async def test_what_tells_of_nothing_that_is_known_is_given_up_in_the_end(database, service, send, clock):
    row = {"reference": "dp", "charge_reference": "ch_none", "amount_minor": 1, "currency": "EUR"}
    await send(dispute_message(row, DisputeStage.OPENED, clock.now()))
    for _ in range(15):
        clock.advance(seconds=3700)
        await service.settle_due()
    assert await outcomes(database) == [WebhookOutcome.REFUSED]


async def test_a_refund_made_at_the_provider_is_booked(database, service, send, clock):
    payment = await pay(service)
    report = RefundReport(
        charge_reference=payment.provider_reference, key="", amount=Money(300, "EUR"), answer=Accepted("re_desk")
    )
    await send(refund_message(report, clock.now()))
    assert (await service.charges.find("key-1")).refunded == Money(300, "EUR")
    assert await told(database) == ["PaymentProcessed", "PaymentRefunded"]


async def test_a_refund_of_ours_that_is_told_again_counts_once(database, service, send, clock):
    payment = await pay(service)
    done = await refund(service, payment, 300)
    report = RefundReport(
        charge_reference=payment.provider_reference,
        key="refund-1",
        amount=Money(300, "EUR"),
        answer=Accepted(done.provider_reference),
    )
    await send(refund_message(report, clock.now()))
    assert await outcomes(database) == [WebhookOutcome.KNOWN]
    assert (await service.charges.find("key-1")).refunded == Money(300, "EUR")


@pytest.mark.parametrize("minor", [2001, 0, -5])
async def test_disputes_and_refunds_out_of_bounds_are_refused_and_change_nothing(database, service, send, minor, clock):
    payment = await pay(service)
    entries = await rows(database, select(ledger_entries))
    await send(dispute(payment, DisputeStage.OPENED, minor))
    report = RefundReport(
        charge_reference=payment.provider_reference, key="", amount=Money(minor, "EUR"), answer=Accepted("re")
    )
    await send(refund_message(report, clock.now()))
    assert await outcomes(database) == [WebhookOutcome.REFUSED] * 2
    assert await rows(database, select(ledger_entries)) == entries
    assert (await service.charges.find("key-1")) == payment


@pytest.fixture
async def client(payments):
    transport = httpx.ASGITransport(Starlette(routes=list(payments.routes)))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        yield client


async def everything(database):
    tables = (payments_table, provider_events, ledger_entries, outbox)
    return [await rows(database, select(table)) for table in tables]


@pytest.mark.parametrize(
    ("path", "header", "status"),
    [
        ("/webhooks/payments/sandbox", "", 400),
        ("/webhooks/payments/sandbox", "t=1,v1=00", 400),
        ("/webhooks/payments/stripe", "", 404),
        ("/webhooks/payments/nobody", "", 404),
    ],
)
async def test_what_nobody_signed_is_refused_over_http(database, client, path, header, status):
    before = await everything(database)
    answer = await client.post(path, content=b'{"id": "evt"}', headers={SIGNATURE: header})
    assert answer.status_code == status
    assert set(answer.json()) == {"code", "message"}
    assert await everything(database) == before


async def test_an_old_signature_and_a_huge_body_are_refused(database, client, service, send, clock):
    payment = await pay(service)
    before = await everything(database)
    with pytest.raises(Exception, match="too old"):
        await send(dispute(payment, DisputeStage.OPENED), at=clock.now() - timedelta(seconds=400))
    with pytest.raises(Exception, match="does not match"):
        await send(dispute(payment, DisputeStage.OPENED), secret="guessed")
    answer = await client.post("/webhooks/payments/sandbox", content=b"x" * 300_000)
    assert answer.status_code == 413
    assert await everything(database) == before


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"id": "", "type": "charge.succeeded", "at": "2026-06-01T12:00:00Z", "data": {"key": "k"}},
        {"id": "e", "type": "charge.succeeded", "at": "2026-06-01T12:00:00", "data": {"key": "k"}},
        {"id": "e", "type": "charge.succeeded", "at": "2026-06-01T12:00:00Z", "data": {}},
        {"id": "e", "type": "charge.succeeded", "at": "2026-06-01T12:00:00Z", "data": {"key": "k", "minor": 1.5}},
        {
            "id": "e",
            "type": "charge.succeeded",
            "at": "2026-06-01T12:00:00Z",
            "data": {"key": "k", "minor": 1, "currency": "XXX"},
        },
    ],
)
async def test_what_is_signed_and_makes_no_sense_is_refused(database, send, message):
    before = await everything(database)
    with pytest.raises(Exception):  # noqa: B017, PT011 # whichever domain error
        await send(message)
    assert await everything(database) == before


async def test_the_page_of_the_sandbox_bank(client, payments, database, service, deliver):
    payment = await pay(service, token="tok_3ds")
    page = await client.get(payment.action_url)
    assert page.status_code == 200
    assert f"{payment.action_url}/approve" in page.text
    assert (await client.post(f"{payment.action_url}/approve")).status_code == 200
    assert (await client.post(f"{payment.action_url}/approve")).status_code == 404
    assert (await service.charges.find("key-1")).status == PaymentStatus.CAPTURED
