"""A saga goes on from what was stored, wherever it was ended."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from kernel.calls import CallTimeoutError
from kernel.errors import ConflictError
from subgraphs.orders.domain.errors import PaymentDeclinedError
from subgraphs.orders.domain.saga import (
    STEPS,
    End,
    Failure,
    Run,
    SagaKind,
    StepStatus,
    Undo,
    next_action,
    start,
    turn_round,
)
from subgraphs.orders.domain.status import SagaStatus
from subgraphs.orders.service.runner import SagaRunner
from subgraphs.orders.storage import sagas as store
from subgraphs.orders.storage.tables import orders, sagas


class Killed(BaseException):
    """The process was ended here."""


@given(st.sampled_from(SagaKind), st.integers(0, 5))
def test_what_was_done_is_undone_last_first(kind, refused_at):
    """Run until a step is refused, and write down what is done and undone."""
    saga = start("saga_1", kind, "ord_1", "chk_1", {})
    done, undone = [], []
    while not isinstance(action := next_action(saga), End):
        match action:
            case Run(step) if len(done) == refused_at:
                saga = turn_round(saga, step, Failure("NO", "no"))
            case Run(step):
                done.append(step)
                saga = saga.with_step(step, StepStatus.DONE, {"of": step})
            case Undo(step):
                undone.append(step)
                saga = saga.with_step(step, StepStatus.UNDONE)
    if refused_at < len(STEPS[kind]):
        assert action == End(SagaStatus.COMPENSATED)
        assert undone == done[::-1]
    else:
        assert action == End(SagaStatus.COMPLETED)
        assert (tuple(done), undone) == (STEPS[kind], [])


def test_each_step_has_one_key_at_every_attempt_and_another_for_its_compensation():
    saga = start("saga_1", SagaKind.CHECKOUT, "ord_1", "chk_1", {})
    steps = STEPS[SagaKind.CHECKOUT]
    keys = [saga.key(step) for step in steps] + [saga.undo_key(step) for step in steps]
    assert len(set(keys)) == len(keys)
    assert saga.key(steps[0]) == replace(saga, attempt=7, tries=3).key(steps[0])


async def states(world):
    async with world.database.session() as session:
        return (
            list((await session.execute(select(orders.c.status))).scalars()),
            list((await session.execute(select(sagas.c.status))).scalars()),
        )


async def resume(world, clock):
    """Let another process carry on whatever is due, until nothing is."""
    other = world.replica()
    for _ in range(6):
        clock.advance(seconds=25)
        await other.service.sagas.run_due()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    ("call", "token"),
    [
        ("reserve", "tok_approve"),
        ("process", "tok_approve"),
        ("allocate", "tok_approve"),
        ("reserve", "tok_decline_stolen_card"),
        ("process", "tok_decline_stolen_card"),
    ],
)
async def test_killed_around_a_call_of_the_way_forward(world, clock, moment, call, token):
    checkout = await world.checkout()
    if call == "reserve":
        world.depot.held.clear()
        clock.advance(seconds=1000)
    getattr(world.faults, moment)[call] = [Killed()]
    with pytest.raises(Killed):
        await world.complete(checkout, token=token)
    await resume(world, clock)
    if token == "tok_approve":
        order = await world.complete(checkout)
        assert await states(world) == (["CONFIRMED"], ["COMPLETED"])
        assert world.till.balance == order.total.gross.minor
        assert list(world.depot.allocated) == [order.id]
    else:
        assert await states(world) == (["CANCELLED"], ["COMPENSATED"])
        assert world.till.balance == 0
        assert world.depot.allocated == {}
    assert world.depot.held == {}
    assert len(world.till.payments) == 1


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", ["refund", "release"])
async def test_killed_around_a_call_of_the_way_back(world, clock, moment, call):
    checkout = await world.checkout()
    world.faults.before["allocate"] = [ConflictError("gone", code="RESERVATION_EXPIRED")]
    getattr(world.faults, moment)[call] = [Killed()]
    with pytest.raises(Killed):
        await world.complete(checkout)
    await resume(world, clock)
    assert await states(world) == (["CANCELLED"], ["COMPENSATED"])
    assert world.till.balance == 0
    assert (world.depot.held, world.depot.allocated) == ({}, {})
    order = await world.complete(checkout, key="key-2")
    assert world.till.balance == order.total.gross.minor


@pytest.mark.parametrize("steps", range(4))
@pytest.mark.parametrize("refused", [False, True])
async def test_ended_after_any_stored_step_another_process_finishes_it(world, clock, monkeypatch, steps, refused):
    """The first process ends right after it has stored so many actions of the saga."""
    checkout = await world.checkout()
    if refused:
        world.faults.before["allocate"] = [ConflictError("gone", code="RESERVATION_EXPIRED")]
    plain, left = SagaRunner.advance, [steps]

    async def advance(self, saga):
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        return await plain(self, saga)

    with monkeypatch.context() as patch:
        patch.setattr(SagaRunner, "advance", advance)
        with suppress(Killed, ConflictError):
            await world.complete(checkout)
    await resume(world, clock)
    if refused:
        assert await states(world) == (["CANCELLED"], ["COMPENSATED"])
        assert world.till.balance == 0
    else:
        assert await states(world) == (["CONFIRMED"], ["COMPLETED"])
        assert world.till.balance == world.total(checkout).minor
    assert len(world.till.payments) == 1
    assert world.depot.held == {}


async def test_killed_in_the_transaction_that_claims_nothing_has_happened(world, clock, monkeypatch):
    checkout = await world.checkout()

    async def record(*_args, **_named):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("subgraphs.orders.service.completion.record", record)
        with pytest.raises(Killed):
            await world.complete(checkout)
    assert await states(world) == ([], [])
    await world.complete(checkout)
    assert await states(world) == (["CONFIRMED"], ["COMPLETED"])


async def test_killed_in_the_transaction_that_confirms_it_is_confirmed_once(world, clock, monkeypatch):
    checkout = await world.checkout()

    async def record(*_args, **_named):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("subgraphs.orders.service.steps.record", record)
        with pytest.raises(Killed):
            await world.complete(checkout)
    assert await states(world) == (["PAYMENT"], ["RUNNING"])
    await resume(world, clock)
    assert await states(world) == (["CONFIRMED"], ["COMPLETED"])
    assert world.till.balance == world.total(checkout).minor


async def test_a_runner_that_was_taken_over_writes_nothing_any_more(world, clock):
    """The first runner hangs in the payment call; when it comes back, another has finished the saga."""
    checkout = await world.checkout()
    plain = world.till.process

    async def slow(**named):
        outcome = await plain(**named)
        clock.advance(seconds=25)
        assert await world.replica().service.sagas.run_due() == 1
        return outcome

    world.till.process = slow
    order = await world.complete(checkout)
    assert str(order.status) == "CONFIRMED"
    assert await states(world) == (["CONFIRMED"], ["COMPLETED"])
    assert len(world.till.payments) == 1
    assert list(world.depot.allocated) == [order.id]


async def test_a_saga_that_another_runner_holds_is_not_taken_up(world, clock):
    checkout = await world.checkout()
    world.faults.after["process"] = [Killed()]
    with pytest.raises(Killed):
        await world.complete(checkout)
    assert await world.service.sagas.run_due() == 0
    clock.advance(seconds=21)
    assert await world.service.sagas.run_due() == 1


async def test_where_nobody_else_runs_sagas_those_of_a_dead_process_are_taken_up_at_once(world):
    checkout = await world.checkout()
    world.faults.after["process"] = [Killed()]
    with pytest.raises(Killed):
        await world.complete(checkout)
    restarted = world.replica(alone=True)
    assert await restarted.service.sagas.run_due() == 1
    assert await states(world) == (["CONFIRMED"], ["COMPLETED"])


async def test_one_saga_that_fails_does_not_hold_up_the_others(world, clock):
    for key in ("a", "b"):
        world.faults.after["process"] = [CallTimeoutError("payments", 5)]
        await world.complete(await world.checkout(), key=key)
    clock.advance(seconds=5)
    world.faults.before["find"] = [RuntimeError("a fault in the code")]
    assert await world.service.sagas.run_due() == 2
    assert sorted((await states(world))[0]) == ["CONFIRMED", "PAYMENT"]
    clock.advance(seconds=25)
    await world.service.sagas.run_due()
    assert (await states(world))[0] == ["CONFIRMED", "CONFIRMED"]


async def test_a_saga_tells_its_steps_and_why_it_turned_round(world):
    checkout = await world.checkout()
    with pytest.raises(PaymentDeclinedError):
        await world.complete(checkout, token="tok_decline_stolen_card")
    async with world.database.session() as session:
        saga_id = (await session.execute(select(sagas.c.id))).scalar_one()
        saga = await store.by_id(session, saga_id)
    assert [(str(step.name), str(step.status)) for step in saga.steps] == [
        ("RESERVE_STOCK", "UNDONE"),
        ("PROCESS_PAYMENT", "REFUSED"),
        ("CONFIRM_ORDER", "PENDING"),
    ]
    assert saga.failure.code == "PAYMENT_DECLINED"
    assert saga.failure.details == {"decline_code": "stolen_card", "retryable": False}
