"""Operators and sagas: what waits is seen, tried again, or decided by hand, and never twice."""

import pytest

from kernel.calls import CallTimeoutError
from kernel.errors import InvalidInputError, NotFoundError
from kernel.events.catalogue import PaymentProcessed
from kernel.pagination import Page
from subgraphs.orders.domain.errors import SagaNotResolvableError
from subgraphs.orders.domain.order import EntryKind
from subgraphs.orders.domain.resolution import Verdict, verdicts, waiting_for
from subgraphs.orders.domain.saga import STEPS, Saga, Step, StepName, StepStatus
from subgraphs.orders.domain.status import OrderStatus, SagaStatus
from subgraphs.orders.storage import orders as order_store

BY = "usr_staff"


@pytest.fixture
async def waiting(world):
    """A saga that waits for a payment whose outcome nobody can tell."""
    checkout = await world.checkout()
    order = await world.complete(checkout, token="tok_pending")
    return order, (await world.service.oversight.page(Page())).items[0]


async def timeline(world, order):
    async with world.database.session() as session:
        return (await order_store.timeline_of(session, [order.id]))[order.id]


async def now_is(world, order):
    return (await world.service.orders.get(world.buyer, order.id)).status


async def test_what_waits_is_listed_with_what_it_waits_for(world, waiting):
    order, saga = waiting
    assert (saga.order_id, saga.status, waiting_for(saga)) == (order.id, SagaStatus.WAITING, StepName.PROCESS_PAYMENT)
    assert verdicts(saga) == {Verdict.DONE, Verdict.REFUSED}
    ended = await world.service.oversight.page(Page(), [SagaStatus.COMPLETED])
    assert ended.items == ()


async def test_sagas_are_paged_newest_first_both_ways(world):
    for number in range(3):
        await world.complete(await world.checkout([("SKU-A", 1)]), key=f"key-{number}")
    oversight = world.service.oversight
    first = await oversight.page(Page(first=2))
    rest = await oversight.page(Page(first=2, after=first.cursors[-1]))
    assert [saga.id for saga in (*first.items, *rest.items)] == sorted(
        (saga.id for saga in (await oversight.page(Page())).items), reverse=True
    )
    assert (await oversight.page(Page(last=2, before=rest.cursors[0]))).items == first.items


async def test_one_that_is_tried_again_is_carried_on_before_its_pause_is_over(world, waiting):
    order, saga = waiting
    world.till.pending.clear()
    assert await world.service.sagas.run_due() == 0
    await world.service.oversight.retry(saga.id)
    assert await world.service.sagas.run_due() == 1
    assert await now_is(world, order) == OrderStatus.CONFIRMED


async def test_a_payment_that_was_found_by_hand_confirms_the_order(world, waiting):
    order, saga = waiting
    payment = f"pay:{saga.key(StepName.PROCESS_PAYMENT)}"
    resolve = world.service.oversight.resolve
    await resolve(saga.id, StepName.PROCESS_PAYMENT, Verdict.DONE, by=BY, result={"payment_id": payment})
    await world.service.sagas.run_due()
    assert await now_is(world, order) == OrderStatus.CONFIRMED
    decided = [entry for entry in await timeline(world, order) if entry.kind == EntryKind.RESOLVED]
    assert [(entry.actor, entry.message) for entry in decided] == [(BY, "Decided by hand: process payment is done.")]


async def test_a_payment_that_was_never_made_cancels_the_order_and_opens_the_checkout(world, waiting):
    order, saga = waiting
    world.till.payments.clear()
    await world.service.oversight.resolve(saga.id, StepName.PROCESS_PAYMENT, Verdict.REFUSED, by=BY)
    await world.service.sagas.run_due()
    assert await now_is(world, order) == OrderStatus.CANCELLED
    assert (world.till.balance, world.depot.held) == (0, {})


async def test_a_payment_that_comes_after_all_is_given_back(world, waiting):
    order, saga = waiting
    await world.service.oversight.resolve(saga.id, StepName.PROCESS_PAYMENT, Verdict.REFUSED, by=BY)
    await world.service.sagas.run_due()
    world.till.pending.clear()
    late = PaymentProcessed(
        payment_id=f"pay:{saga.key(StepName.PROCESS_PAYMENT)}",
        order_id=order.id,
        amount_minor=order.total.gross.minor,
        provider_reference="ch_1",
        currency="EUR",
    )
    async with world.database.transaction() as session:
        await world.service.orders.paid(session, late)
    assert world.till.balance == order.total.gross.minor
    await world.service.sagas.run_due()
    assert world.till.balance == 0


async def test_a_runner_that_was_at_work_writes_nothing_any_more(world, waiting):
    order, saga = waiting
    payment = f"pay:{saga.key(StepName.PROCESS_PAYMENT)}"
    resolve = world.service.oversight.resolve
    await resolve(saga.id, StepName.PROCESS_PAYMENT, Verdict.DONE, by=BY, result={"payment_id": payment})
    await world.service.sagas.run(saga)
    await world.service.sagas.run_due()
    assert await now_is(world, order) == OrderStatus.CONFIRMED
    assert len(world.depot.allocated) == 1


async def test_a_compensation_that_was_done_by_hand_is_not_done_again(world, clock):
    checkout = await world.checkout()
    world.faults.before["allocate"] = [NotFoundError("gone")]
    world.faults.before["refund"] = [CallTimeoutError("payments", 5)]
    with pytest.raises(Exception, match="gone"):
        await world.complete(checkout)
    (saga,) = (await world.service.oversight.page(Page())).items
    assert (saga.status, waiting_for(saga)) == (SagaStatus.COMPENSATING, StepName.PROCESS_PAYMENT)
    assert verdicts(saga) == {Verdict.DONE}
    await world.service.oversight.resolve(saga.id, StepName.PROCESS_PAYMENT, Verdict.DONE, by=BY)
    await world.service.sagas.run_due()
    assert world.till.refunds == {}
    (ended,) = (await world.service.oversight.page(Page())).items
    assert ended.status == SagaStatus.COMPENSATED


@pytest.mark.parametrize(
    ("step", "verdict"), [(StepName.CONFIRM_ORDER, Verdict.REFUSED), (StepName.RESERVE_STOCK, Verdict.REFUSED)]
)
async def test_only_the_step_that_is_next_can_be_decided(world, waiting, step, verdict):
    with pytest.raises(SagaNotResolvableError, match="waits for PROCESS_PAYMENT, which may be DONE or REFUSED"):
        await world.service.oversight.resolve(waiting[1].id, step, verdict, by=BY)


async def test_a_payment_that_is_done_has_a_name(world, waiting):
    with pytest.raises(InvalidInputError, match="Name the payment"):
        await world.service.oversight.resolve(waiting[1].id, StepName.PROCESS_PAYMENT, Verdict.DONE, by=BY)


async def test_a_saga_that_is_not_there_is_not_found(world):
    with pytest.raises(NotFoundError):
        await world.service.oversight.retry("saga_nowhere")
    with pytest.raises(NotFoundError):
        await world.service.oversight.resolve("saga_nowhere", StepName.PROCESS_PAYMENT, Verdict.DONE, by=BY)


@pytest.mark.parametrize("kind", STEPS)
def test_no_step_that_changes_something_here_is_declared_done_by_hand(kind):
    for at, name in enumerate(STEPS[kind]):
        steps = [
            Step(each, StepStatus.DONE if place < at else StepStatus.PENDING) for place, each in enumerate(STEPS[kind])
        ]
        saga = Saga(id="s", kind=kind, order_id="o", checkout_id="c", status=SagaStatus.WAITING, steps=tuple(steps))
        if name in {StepName.CONFIRM_ORDER, StepName.CANCEL_ORDER}:
            assert Verdict.DONE not in verdicts(saga)
