"""One attempt serves all who ask for the same, and whoever leaves harms nobody else."""

from __future__ import annotations

import asyncio

import pytest

from router.traffic.calls import Awaiting, awaited
from router.traffic.in_flight import InFlight


class Attempts:
    """Begins attempts, which land when the test says so."""

    def __init__(self):
        self.begun = []
        self.cancelled = 0

    def begin(self, done):
        self.begun.append(done)
        return self

    def cancel(self):
        self.cancelled += 1


@pytest.fixture
def attempts():
    return Attempts()


@pytest.fixture
def flight():
    return InFlight()


def test_all_who_ask_for_the_same_share_one_attempt(flight, attempts):
    got = []
    for name in ("a", "b", "c"):
        flight.share("key", attempts.begin, lambda result, name=name: got.append((name, result)))
    flight.share("other", attempts.begin, got.append)
    assert (len(attempts.begun), len(flight)) == (2, 2)
    attempts.begun[0](7)
    assert got == [("a", 7), ("b", 7), ("c", 7)]
    flight.share("key", attempts.begin, got.append)
    assert len(attempts.begun) == 3


def test_one_can_join_only_what_is_there(flight, attempts):
    got = []
    assert flight.get("key") is None
    flight.share("key", attempts.begin, got.append)
    attempt = flight.get("key")
    assert attempt is not None
    attempt.seat(got.append)
    attempts.begun[0](1)
    assert got == [1, 1]


def test_an_attempt_goes_on_without_the_first(flight, attempts):
    got = []
    first = flight.share("key", attempts.begin, got.append)
    flight.share("key", attempts.begin, got.append)
    first.cancel()
    first.cancel()
    assert attempts.cancelled == 0
    attempts.begun[0](1)
    assert got == [1]


def test_an_attempt_that_nobody_waits_for_is_given_up(flight, attempts):
    got = []
    calls = [flight.share("key", attempts.begin, got.append) for _ in range(3)]
    for each in calls:
        each.cancel()
    assert (attempts.cancelled, len(flight)) == (1, 0)
    flight.share("key", attempts.begin, got.append)
    assert len(attempts.begun) == 2


def test_who_is_told_may_make_another_leave_or_begin_anew(flight, attempts):
    got = []

    def first(result):
        got.append(result)
        last.cancel()
        flight.share("key", attempts.begin, got.append)

    flight.share("key", attempts.begin, first)
    last = flight.share("key", attempts.begin, got.append)
    attempts.begun[0](1)
    assert got == [1]
    attempts.begun[1](2)
    assert got == [1, 2]
    assert attempts.cancelled == 0


async def test_a_call_can_be_waited_for(attempts):
    future = awaited(attempts.begin)
    attempts.begun[0]("x")
    assert await future == "x"
    failing = awaited(attempts.begin)
    attempts.begun[1](ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        await failing
    given_up = awaited(attempts.begin)
    given_up.cancel()
    await asyncio.sleep(0)
    assert attempts.cancelled == 1
    attempts.begun[2]("too late")


async def test_what_can_only_be_waited_for_can_be_called():
    async def work(result):
        await asyncio.sleep(0)
        if isinstance(result, BaseException):
            raise result
        return result

    got, told = [], asyncio.Event()
    Awaiting(work(0), got.append).cancel()
    for result in (1, ValueError("no"), asyncio.CancelledError()):
        told.clear()
        Awaiting(work(result), lambda result: (got.append(result), told.set()))
        await told.wait()
    assert got[0] == 1
    assert [type(each) for each in got[1:]] == [ValueError, asyncio.CancelledError]
