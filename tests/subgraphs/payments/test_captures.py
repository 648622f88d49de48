"""Held money is taken or let go, once, whoever asks how often at the same time."""

import asyncio

import pytest
from sqlalchemy import select

from kernel.errors import DomainError, InvalidInputError
from kernel.money import Money
from kernel.transitions import IllegalTransitionError
from subgraphs.payments.domain.errors import (
    CaptureExceedsPaymentError,
    IdempotencyKeyReusedError,
    OperationUnderWayError,
    OutcomeUnknownError,
)
from subgraphs.payments.domain.payment import PaymentStatus
from subgraphs.payments.domain.provider import Accepted
from subgraphs.payments.providers.sandbox import SandboxProvider
from subgraphs.payments.service import make_service
from subgraphs.payments.storage.tables import ledger_entries, sandbox_charges, sandbox_refunds
from tests.subgraphs.payments.test_service import TWENTY, ledger_sums, pay, refund, rows, told


def hold(service, key="key-1", token="tok_approve"):
    return service.charges.process(
        order_id="ord_1", amount=TWENTY, token=token, customer_id=None, key=key, capture=False
    )


def capture(service, payment, minor=None, key="capture-1"):
    amount = None if minor is None else Money(minor, "EUR")
    return service.captures.capture(payment_id=payment.id, amount=amount, key=key)


def void(service, payment, key="void-1"):
    return service.captures.void(payment_id=payment.id, key=key)


async def test_held_money_is_booked_when_it_is_taken(database, service):
    payment = await hold(service)
    assert payment.status == PaymentStatus.AUTHORIZED
    assert await rows(database, select(ledger_entries)) == []
    assert await told(database) == []
    captured = await capture(service, payment)
    assert (captured.status, captured.captured) == (PaymentStatus.CAPTURED, TWENTY)
    assert await told(database) == ["PaymentProcessed"]
    assert await capture(service, payment) == captured


async def test_a_part_is_taken_and_only_that_can_go_back(service):
    payment = await capture(service, await hold(service), 700)
    assert (payment.status, payment.captured) == (PaymentStatus.CAPTURED, Money(700, "EUR"))
    with pytest.raises(DomainError):
        await refund(service, payment, 701)
    assert (await refund(service, payment, key="r-2")).amount == Money(700, "EUR")
    assert (await service.charges.find("key-1")).status == PaymentStatus.REFUNDED


async def test_a_provider_that_gives_less_than_was_asked(service):
    payment = await capture(service, await hold(service, token="tok_partial_capture"), 1500)
    assert payment.captured == Money(750, "EUR")


async def test_held_money_is_let_go(database, service):
    payment = await void(service, await hold(service))
    assert (payment.status, payment.decline_code) == (PaymentStatus.VOIDED, "voided")
    assert await void(service, payment) == payment
    assert await told(database) == ["PaymentFailed"]
    with pytest.raises(IllegalTransitionError):
        await capture(service, payment)


@pytest.mark.parametrize("minor", [0, -1, 2001])
async def test_captures_out_of_bounds_are_refused(service, minor):
    with pytest.raises(CaptureExceedsPaymentError):
        await capture(service, await hold(service), minor)


async def test_what_is_not_held_can_neither_be_taken_nor_let_go(service):
    paid = await pay(service)
    for question in (capture(service, paid), void(service, paid)):
        with pytest.raises(IllegalTransitionError):
            await question


async def test_a_key_stands_for_one_operation(service):
    payment = await hold(service)
    await capture(service, payment, 700)
    for question in (capture(service, payment, 800), void(service, payment, key="capture-1")):
        with pytest.raises(IdempotencyKeyReusedError):
            await question


async def test_a_card_number_is_never_stored(database, service):
    with pytest.raises(InvalidInputError):
        await pay(service, token="4111 1111 1111 1111")
    assert await rows(database, select(sandbox_charges)) == []


async def test_fifty_captures_and_voids_at_once_end_in_one(database, service):
    payment = await hold(service)
    questions = [(capture if at % 2 else void)(service, payment, key=f"race-{at}") for at in range(50)]
    answers = await asyncio.gather(*questions, return_exceptions=True)
    assert len([each for each in answers if not isinstance(each, Exception)]) == 1
    assert all(
        isinstance(each, OperationUnderWayError | IllegalTransitionError)
        for each in answers
        if isinstance(each, Exception)
    )
    settled = await service.charges.find("key-1")
    assert settled.status in {PaymentStatus.CAPTURED, PaymentStatus.VOIDED}
    assert len(await rows(database, select(ledger_entries))) == (2 if settled.captured else 0)


async def test_fifty_captures_with_one_key_take_it_once(database, service):
    payment = await hold(service)
    answers = await asyncio.gather(*(capture(service, payment, 900) for _ in range(50)))
    assert {each.status for each in answers} <= {PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURED}
    assert (await service.charges.find("key-1")).captured == Money(900, "EUR")
    assert await told(database) == ["PaymentProcessed"]


async def test_fifty_refunds_at_once_never_give_back_more_than_was_taken(database, service):
    payment = await pay(service)
    questions = (refund(service, payment, 190, key=f"r-{at}") for at in range(50))
    answers = await asyncio.gather(*questions, return_exceptions=True)
    assert sum(not isinstance(each, Exception) for each in answers) == 10
    assert all(isinstance(each, DomainError) for each in answers if isinstance(each, Exception))
    assert sum(minor for (minor,) in await rows(database, select(sandbox_refunds.c.amount_minor))) == 1900
    assert (await service.charges.find("key-1")).refunded == Money(1900, "EUR")
    assert await ledger_sums(database) == [0]


async def test_a_lost_answer_to_a_capture_is_settled_by_the_job(clock, database):
    class Forgetful(SandboxProvider):
        async def capture(self, key, reference, amount):
            answer = await super().capture(key, reference, amount)
            if not self.answers:
                self.answers = True
                raise OutcomeUnknownError("lost")
            return answer

        answers = False

    service = make_service(database, [Forgetful(database, clock)], clock)
    payment = await capture(service, await hold(service), 700)
    assert payment.status == PaymentStatus.AUTHORIZED
    with pytest.raises(OperationUnderWayError):
        await void(service, payment)
    clock.advance(seconds=20)
    assert await service.settle_due() == 1
    assert (await service.charges.find("key-1")).captured == Money(700, "EUR")


async def test_an_answer_that_makes_no_sense_holds_up_nothing_else(clock, database):
    class Confused(SandboxProvider):
        async def charge(self, key, amount, token, *, capture=True):
            answer = await super().charge(key, amount, token, capture=capture)
            return Accepted(answer.reference, amount * 2) if key == "key-1" else answer

    service = make_service(database, [Confused(database, clock)], clock)
    for at in (1, 2):
        await pay(service, key=f"key-{at}", token="tok_timeout")
    clock.advance(seconds=20)
    assert await service.settle_due() == 2
    assert (await service.charges.find("key-2")).status == PaymentStatus.CAPTURED
    assert len(await rows(database, select(ledger_entries))) == 2


async def test_a_provider_that_never_answers_is_left_alone(clock, database):
    class Silent(SandboxProvider):
        asked = 0

        async def charge(self, key, amount, token, *, capture=True):
            self.asked += 1
            raise OutcomeUnknownError("silence")

    provider = Silent(database, clock)
    service = make_service(database, [provider], clock)
    for at in range(20):
        assert (await pay(service, key=f"key-{at}")).status == PaymentStatus.PENDING
    assert provider.asked == 5
