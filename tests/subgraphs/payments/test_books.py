"""Whatever happens in whatever order: debits equal credits, and payments, events and ledger tell the same."""

from datetime import timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text, update
from sqlalchemy.exc import IntegrityError

from kernel.database import constraint_name, plain_url
from kernel.errors import DomainError
from kernel.ids import new_id
from kernel.money import Money
from subgraphs.payments.domain.payment import made_of
from subgraphs.payments.domain.provider import Accepted, Declined, DisputeReport, DisputeStage, RefundReport
from subgraphs.payments.domain.reconciliation import DifferenceKind
from subgraphs.payments.service.disputes import Disputes
from subgraphs.payments.storage import bulk
from subgraphs.payments.storage import payments as store
from subgraphs.payments.storage.tables import ledger_entries, sandbox_charges, sandbox_refunds
from subgraphs.payments.storage.tables import payments as payments_table
from tests.subgraphs.payments.test_service import pay, refund, rows

BOOKS = """
    SELECT
        (SELECT count(*) FROM (
            SELECT 1 FROM ledger_entries GROUP BY transaction_id, currency
            HAVING sum(CASE side WHEN 'DEBIT' THEN amount_minor ELSE -amount_minor END) <> 0
        ) AS crooked),
        (SELECT count(*) FROM ledger_entries JOIN payments ON payments.id = payment_id
            WHERE ledger_entries.currency <> payments.currency)
"""
amounts = st.integers(1, 5000)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("capture"), amounts),
        st.tuples(st.just("void"), st.just(0)),
        st.tuples(st.just("refund"), amounts),
        st.tuples(st.just("refund at provider"), amounts),
        st.tuples(st.just("charged"), amounts),
        st.tuples(st.just("declined"), st.just(0)),
        st.tuples(st.sampled_from(["OPENED", "WON", "LOST"]), amounts),
    ),
    max_size=10,
)


async def take(step, minor, payment, service, disputes, at):
    """Do one step; what is refused must change nothing."""
    money, key = Money(minor, payment.amount.currency), f"{payment.id}:{at}"
    match step:
        case "capture":
            await service.captures.capture(payment_id=payment.id, amount=money, key=key)
        case "void":
            await service.captures.void(payment_id=payment.id, key=key)
        case "refund":
            await service.refunds.refund(payment_id=payment.id, amount=money, reason="", key=key)
        case "refund at provider":
            report = RefundReport(charge_reference="", key="", amount=money, answer=Accepted(key))
            await service.refunds.report(payment, report)
        case "charged":
            fee = Money(minor % 7, money.currency)
            await service.charges.settle(payment, Accepted(payment.provider_reference, money, fee))
        case "declined":
            await service.charges.settle(payment, Declined("no"))
        case stage:
            report = DisputeReport(
                reference=f"dp:{payment.id}", charge_reference="", stage=DisputeStage(stage), amount=money, fee=money
            )
            await disputes.report(payment, report)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(["EUR", "JPY", "KWD"]), amounts, st.booleans(), st.sampled_from(["approve", "3ds"]), STEPS)
async def test_any_sequence_leaves_balanced_books(database, service, currency, minor, capture, token, steps):
    payment = await service.charges.process(
        order_id="ord_1",
        amount=Money(minor, currency),
        token=f"tok_{token}",
        customer_id=None,
        key=new_id("evt"),
        capture=capture,
    )
    disputes = Disputes(service.charges._till)  # as make_service does
    for at, (step, value) in enumerate(steps):
        before = await state(database, payment.id)
        try:
            await take(step, value, payment, service, disputes, at)
        except DomainError:
            assert await state(database, payment.id) == before
        await check(database, payment.id)
        payment = await read(database, payment.id)


async def read(database, payment_id):
    async with database.session() as session:
        return await store.by_id(session, payment_id)


async def state(database, payment_id):
    async with database.session() as session:
        events = await store.events_of(session, [payment_id])
        return await store.by_id(session, payment_id), events[payment_id]


async def check(database, payment_id):
    """A payment is the sum of its events, no transaction is crooked, and nothing goes back that was not taken."""
    payment, events = await state(database, payment_id)
    assert made_of(payment, events) == payment
    assert payment.refunded + payment.refunding <= payment.captured <= payment.amount
    assert await rows(database, text(BOOKS)) == [(0, 0)]


async def test_the_database_refuses_a_payment_that_its_ledger_does_not_know(database, service):
    payment = await pay(service)
    with pytest.raises(IntegrityError) as caught:
        async with database.transaction() as session:
            await session.execute(update(payments_table).values(refunded_minor=1, claimed_refund_minor=1))
    assert constraint_name(caught.value) == "payments_agree_with_ledger"
    assert await read(database, payment.id) == payment


async def test_the_database_refuses_entries_in_another_currency(database, service, clock):
    payment = await pay(service)
    entry = {"transaction_id": "t", "payment_id": payment.id, "amount_minor": 1, "currency": "USD", "at": clock.now()}
    both = [{**entry, "account": "FEES", "side": side} for side in ("DEBIT", "CREDIT")]
    with pytest.raises(IntegrityError) as caught:
        async with database.transaction() as session:
            await session.execute(insert(ledger_entries), both)
    assert constraint_name(caught.value) == "ledger_entries_of_one_currency"


async def test_both_sides_agree_after_a_day_of_business(service, clock):
    payment = await pay(service, key="a")
    await refund(service, payment, 300)
    await pay(service, key="b", token="tok_fee")
    await pay(service, key="c", token="tok_decline_lost_card")
    await pay(service, key="d", token="tok_timeout")
    report = await service.reconciler.report(None, *day(clock))
    # The charge whose answer was lost is at the provider only, until it has been asked for.
    assert [(each.kind, each.at_provider) for each in report.differences] == [
        (DifferenceKind.MISSING_HERE, Money(2000, "EUR"))
    ]
    assert report.undecided == 1
    clock.advance(seconds=20)
    await service.settle_due()
    report = await service.reconciler.report(None, *day(clock))
    assert (report.differences, report.lines_here, report.lines_at_provider, report.undecided) == ((), 4, 4, 0)


async def test_differences_are_told_one_by_one(database, service, clock):
    payment = await pay(service, key="a")
    gone = await pay(service, key="b")
    await refund(service, payment, 300)
    async with database.transaction() as session:
        await session.execute(update(sandbox_refunds).values(amount_minor=299))
        await session.execute(
            update(sandbox_charges).where(sandbox_charges.c.reference == gone.provider_reference).values(charged=False)
        )
        stray = {"key": "x", "reference": "ch_x", "amount_minor": 5, "captured_minor": 5, "currency": "EUR"}
        stray |= {"decline_code": "", "charged": True, "created_at": clock.now()}
        await session.execute(insert(sandbox_charges).values(stray))
    report = await service.reconciler.report("sandbox", *day(clock))
    assert {(each.kind, each.payment_id, each.here, each.at_provider) for each in report.differences} == {
        (DifferenceKind.MISSING_HERE, None, None, Money(5, "EUR")),
        (DifferenceKind.MISSING_AT_PROVIDER, gone.id, Money(2000, "EUR"), None),
        (DifferenceKind.AMOUNT_DIFFERS, payment.id, Money(300, "EUR"), Money(299, "EUR")),
    }


async def test_a_comparison_needs_a_provider_and_a_time(service, clock):
    since, until = day(clock)
    for arguments in (("nobody", since, until), (None, until, since), (None, since.replace(year=2020), until)):
        with pytest.raises(DomainError):
            await service.reconciler.report(*arguments)


def day(clock):
    return clock.now() - timedelta(hours=12), clock.now() + timedelta(hours=12)


async def test_imported_payments_are_at_the_provider_too(database, service, clock):
    row = bulk.PaymentRow(
        id=new_id("pay"),
        order_id="ord_1",
        customer_id=None,
        amount_minor=900,
        currency="EUR",
        token="tok_approve",
        created_at=clock.now(),
        refunded_minor=300,
        refund_id=new_id("ref"),
    )
    connection = await asyncpg.connect(plain_url(database.url))
    async with connection.transaction():
        await bulk.copy(connection, payments=[row])
    await connection.close()
    report = await service.reconciler.report(None, *day(clock))
    assert (report.differences, report.lines_here, report.lines_at_provider) == ((), 2, 2)
    await check(database, row.id)
    assert (await refund(service, await read(database, row.id), key="rest")).amount == Money(600, "EUR")
