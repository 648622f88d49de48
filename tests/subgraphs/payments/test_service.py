"""Money is taken once and given back once, whatever is repeated, lost or racing."""

import asyncio

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from kernel.database import constraint_name, count_statements
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.money import Money
from kernel.transitions import IllegalTransitionError
from subgraphs.payments.domain.errors import (
    IdempotencyKeyReusedError,
    OutcomeUnknownError,
    RefundExceedsPaymentError,
)
from subgraphs.payments.domain.payment import EventKind, PaymentStatus, Progress, made_of
from subgraphs.payments.providers.sandbox import SandboxProvider
from subgraphs.payments.service import make_service
from subgraphs.payments.storage import payments as store
from subgraphs.payments.storage.tables import (
    ledger_entries,
    outbox,
    payment_events,
    sandbox_charges,
    sandbox_refunds,
)
from subgraphs.payments.storage.tables import payments as payments_table

TWENTY = Money(2000, "EUR")


def pay(service, key="key-1", token="tok_approve", amount=TWENTY, order_id="ord_1"):
    return service.charges.process(order_id=order_id, amount=amount, token=token, customer_id="usr_1", key=key)


async def rows(database, statement):
    async with database.session() as session:
        return (await session.execute(statement)).all()


async def charges(database):
    charged = select(sandbox_charges.c.amount_minor).where(sandbox_charges.c.charged)
    return [minor for (minor,) in await rows(database, charged)]


async def told(database):
    return [kind for (kind,) in await rows(database, select(outbox.c.type).order_by(outbox.c.position))]


async def ledger_sums(database):
    sign = text("sum(CASE side WHEN 'DEBIT' THEN amount_minor ELSE -amount_minor END)")
    return [total for (total,) in await rows(database, select(sign).select_from(ledger_entries))]


async def test_an_approved_payment_is_captured_booked_and_told(database, service):
    payment = await pay(service)
    assert payment.status == PaymentStatus.CAPTURED
    assert await charges(database) == [2000]
    assert await told(database) == ["PaymentProcessed"]
    assert len(await rows(database, select(ledger_entries))) == 2


async def test_a_payment_costs_six_statements_at_most(database, service):
    with count_statements(database) as counted:
        await pay(service)
    assert counted.total <= 6


async def test_the_same_key_charges_once(database, service):
    first, second = await pay(service), await pay(service)
    assert first == second
    assert await charges(database) == [2000]
    assert await told(database) == ["PaymentProcessed"]


async def test_the_same_key_at_the_same_time_charges_once(database, service):
    payments = await asyncio.gather(*(pay(service) for _ in range(10)))
    assert {payment.id for payment in payments} == {payments[0].id}
    assert await charges(database) == [2000]
    assert await told(database) == ["PaymentProcessed"]
    assert len(await rows(database, select(ledger_entries))) == 2


@pytest.mark.parametrize("change", [{"amount": Money(1, "EUR")}, {"token": "tok_x"}, {"order_id": "ord_2"}])
async def test_a_key_cannot_be_used_for_something_else(service, database, change):
    await pay(service)
    with pytest.raises(IdempotencyKeyReusedError):
        await pay(service, **change)
    assert await charges(database) == [2000]


@pytest.mark.parametrize("minor", [0, -5])
async def test_nothing_or_less_cannot_be_paid(service, database, minor):
    with pytest.raises(InvalidInputError):
        await pay(service, amount=Money(minor, "EUR"))
    assert await charges(database) == []


@pytest.mark.parametrize(
    ("token", "code", "retryable"),
    [
        ("tok_decline_insufficient_funds", "insufficient_funds", True),
        ("tok_decline_stolen_card", "stolen_card", False),
        ("tok_of_somebody_else", "invalid_token", False),
    ],
)
async def test_a_decline_says_why_and_books_nothing(database, service, token, code, retryable):
    payment = await pay(service, token=token)
    assert (payment.status, payment.decline_code, payment.retryable) == (PaymentStatus.DECLINED, code, retryable)
    assert await charges(database) == []
    assert await rows(database, select(ledger_entries)) == []
    assert await told(database) == ["PaymentFailed"]


async def test_a_lost_answer_leaves_it_pending_until_it_is_asked_for(database, service):
    assert (await pay(service, token="tok_timeout")).status == PaymentStatus.PENDING
    assert await told(database) == []
    found = await service.charges.find("key-1")
    assert found is not None
    assert found.status == PaymentStatus.CAPTURED
    assert await charges(database) == [2000]
    assert await told(database) == ["PaymentProcessed"]


async def test_asking_does_not_charge_what_never_arrived(database, service):
    await pay(service, token="tok_timeout_uncharged")
    found = await service.charges.find("key-1")
    assert found is not None
    assert found.status == PaymentStatus.PENDING
    assert await charges(database) == []


async def test_sending_it_again_settles_what_never_arrived(database, service):
    await pay(service, token="tok_timeout_uncharged")
    assert (await pay(service, token="tok_timeout_uncharged")).status == PaymentStatus.CAPTURED
    assert await charges(database) == [2000]


@pytest.mark.parametrize("token", ["tok_timeout", "tok_timeout_uncharged"])
async def test_the_job_settles_open_outcomes_when_they_are_due(database, service, clock, token):
    await pay(service, token=token)
    assert await service.settle_due() == 0
    clock.advance(seconds=20)
    assert await service.settle_due() == 1
    found = await service.charges.find("key-1")
    assert found is not None
    assert found.status == PaymentStatus.CAPTURED
    assert await charges(database) == [2000]
    assert await service.settle_due() == 0


async def test_a_slow_provider_is_an_unknown_outcome(database, clock):
    class SlowProvider(SandboxProvider):
        async def charge(self, key, amount, token, *, capture=True):
            await asyncio.sleep(10)
            return await super().charge(key, amount, token, capture=capture)

    service = make_service(database, [SlowProvider(database, clock)], clock, provider_timeout=0.01)
    assert (await pay(service)).status == PaymentStatus.PENDING


async def test_an_unknown_key_is_nothing(service):
    assert await service.charges.find("never") is None


async def refund(service, payment, minor=None, key="refund-1"):
    amount = None if minor is None else Money(minor, "EUR")
    return await service.refunds.refund(payment_id=payment.id, amount=amount, reason="broken", key=key)


async def test_refunds_in_parts_until_nothing_is_left(database, service):
    payment = await pay(service)
    assert (await refund(service, payment, 500)).status == Progress.SUCCEEDED
    assert (await service.charges.find("key-1")).status == PaymentStatus.PARTIALLY_REFUNDED
    assert (await refund(service, payment, key="refund-2")).amount == Money(1500, "EUR")
    settled = await service.charges.find("key-1")
    assert (settled.status, settled.refunded) == (PaymentStatus.REFUNDED, TWENTY)
    assert await told(database) == ["PaymentProcessed", "PaymentRefunded", "PaymentRefunded"]
    assert await ledger_sums(database) == [0]
    with pytest.raises(IllegalTransitionError):
        await refund(service, payment, 1, key="refund-3")


async def test_the_row_says_what_its_events_say(database, service):
    payment = await pay(service)
    await refund(service, payment, 700)
    async with database.session() as session:
        events = (await store.events_of(session, [payment.id]))[payment.id]
        row = await store.by_id(session, payment.id)
    assert made_of(row, events) == row
    assert row.refunded == Money(700, "EUR")
    assert [event.kind for event in events] == [
        EventKind.CHARGE_REQUESTED,
        EventKind.CHARGE_SUCCEEDED,
        EventKind.REFUND_REQUESTED,
        EventKind.REFUND_SUCCEEDED,
    ]


async def test_racing_refunds_never_give_back_more_than_was_taken(database, service):
    payment = await pay(service)
    outcomes = await asyncio.gather(
        *(refund(service, payment, 900, key=f"refund-{at}") for at in range(6)), return_exceptions=True
    )
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 2
    given_back = select(func.sum(sandbox_refunds.c.amount_minor))
    assert await rows(database, given_back) == [(1800,)]


async def test_the_same_refund_key_gives_back_once(database, service):
    payment = await pay(service)
    refunds = await asyncio.gather(*(refund(service, payment, 900) for _ in range(5)))
    assert len({one.id for one in refunds}) == 1
    assert len(await rows(database, select(sandbox_refunds))) == 1
    with pytest.raises(IdempotencyKeyReusedError):
        await refund(service, payment, 100)


async def test_a_lost_refund_answer_is_settled_by_the_job(database, clock):
    class ForgetfulProvider(SandboxProvider):
        silent = True

        async def refund(self, key, charge_reference, amount):
            answer = await super().refund(key, charge_reference, amount)
            if self.silent:
                raise OutcomeUnknownError("lost")
            return answer

    provider = ForgetfulProvider(database, clock)
    service = make_service(database, [provider], clock)
    payment = await pay(service)
    assert (await refund(service, payment, 900)).status == Progress.PENDING
    provider.silent = False
    clock.advance(seconds=20)
    assert await service.settle_due() == 1
    assert (await service.charges.find("key-1")).refunded == Money(900, "EUR")
    assert len(await rows(database, select(sandbox_refunds))) == 1


@pytest.mark.parametrize("minor", [0, -1, 2001])
async def test_a_refund_out_of_bounds_is_refused(service, minor):
    payment = await pay(service)
    with pytest.raises(RefundExceedsPaymentError):
        await refund(service, payment, minor)


async def test_what_was_not_captured_cannot_be_refunded(service):
    payment = await pay(service, token="tok_decline_stolen_card")
    with pytest.raises(ConflictError):
        await refund(service, payment)


async def test_an_unknown_payment_cannot_be_refunded(service):
    with pytest.raises(NotFoundError):
        await service.refunds.refund(payment_id="pay_none", amount=None, reason="", key="k")


async def test_the_database_refuses_a_ledger_that_does_not_balance(database, service, clock):
    payment = await pay(service)
    entry = insert(ledger_entries).values(
        transaction_id="t",
        payment_id=payment.id,
        account="REFUNDS",
        side="DEBIT",
        amount_minor=1,
        currency="EUR",
        at=clock.now(),
    )
    with pytest.raises(IntegrityError) as caught:
        async with database.transaction() as session:
            await session.execute(entry)
    assert constraint_name(caught.value) == "ledger_balanced"


@pytest.mark.parametrize("table", [ledger_entries, payment_events])
@pytest.mark.parametrize("change", [delete, lambda table: update(table).values(amount_minor=1)])
async def test_the_database_refuses_to_change_the_past(database, service, table, change):
    await pay(service)
    with pytest.raises(IntegrityError):
        async with database.transaction() as session:
            await session.execute(change(table))


async def test_the_database_refuses_more_refunds_than_money(database, service):
    await pay(service)
    with pytest.raises(IntegrityError) as caught:
        async with database.transaction() as session:
            await session.execute(update(payments_table).values(claimed_refund_minor=2001))
    assert constraint_name(caught.value) == "payments_refunds"
