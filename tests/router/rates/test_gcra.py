"""Counting: in this process and in Redis alike."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.rates.gcra import Charge, Charges, MemoryCounter, Rate, Standing
from router.rates.settings import RateSettings
from router.rates.store import SharedStore
from tests.servers import ValkeyForTests

TEN = Rate.of("ten", 10, 10.0)
"""Ten in ten seconds: one is earned in each."""


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def allowed(standings: Sequence[Standing]) -> bool:
    return not any(each.wait for each in standings)


def test_all_at_once_and_then_as_it_is_earned() -> None:
    clock = Clock()
    counter = MemoryCounter(clock=clock)
    charge = [Charge.of("a", TEN, 1)]

    assert [allowed(counter.take(charge)) for _ in range(11)] == [True] * 10 + [False]
    assert counter.take(charge)[0].wait == 1_000_000
    clock.now += 1
    assert [allowed(counter.take(charge)) for _ in range(2)] == [True, False]
    clock.now += 100
    assert [allowed(counter.take(charge)) for _ in range(11)] == [True] * 10 + [False]


def test_a_burst_is_what_may_be_taken_at_once() -> None:
    clock = Clock()
    counter = MemoryCounter(clock=clock)
    rate = Rate.of("r", 10, 10.0, burst=3)

    assert [allowed(counter.take([Charge.of("a", rate, 1)])) for _ in range(4)] == [True, True, True, False]


def test_more_can_be_taken_at_a_time_and_what_is_refused_takes_nothing() -> None:
    counter = MemoryCounter(clock=Clock())

    assert allowed(counter.take([Charge.of("a", TEN, 8)]))
    assert not allowed(counter.take([Charge.of("a", TEN, 3)]))
    assert allowed(counter.take([Charge.of("a", TEN, 2)]))


def test_what_is_more_than_can_ever_be_allowed_is_allowed_when_nothing_was_taken() -> None:
    counter = MemoryCounter(clock=Clock())

    assert allowed(counter.take([Charge.of("a", TEN, 25)]))
    assert not allowed(counter.take([Charge.of("a", TEN, 1)]))


def test_all_charges_hold_or_none_is_taken() -> None:
    counter = MemoryCounter(clock=Clock())
    counter.take([Charge.of("b", TEN, 10)])

    assert not allowed(counter.take([Charge.of("a", TEN, 10), Charge.of("b", TEN, 1)]))
    assert allowed(counter.take([Charge.of("a", TEN, 10)]))


def test_processes_divide_what_may_be_taken() -> None:
    counter = MemoryCounter(share=5, clock=Clock())

    assert [allowed(counter.take([Charge.of("a", TEN, 1)])) for _ in range(3)] == [True, True, False]


@settings(max_examples=60, deadline=None)
@given(
    limit=st.integers(1, 50),
    burst=st.integers(1, 50),
    steps=st.lists(st.tuples(st.floats(0, 2), st.integers(1, 5)), max_size=80),
)
def test_never_more_than_the_burst_and_what_was_earned(limit: int, burst: int, steps: list[tuple[float, int]]) -> None:
    clock = Clock()
    counter = MemoryCounter(clock=clock)
    rate = Rate.of("r", limit, 10.0, burst)
    taken = 0
    for passed, amount in steps:
        clock.now += passed
        if amount <= burst and allowed(counter.take([Charge.of("a", rate, amount)])):
            taken += amount

    assert taken <= burst + (clock.now - 100.0) * limit / 10.0 + 0.001


# In Redis -----------------------------------------------------------------------------------------------------


@pytest.fixture
async def store(valkey: ValkeyForTests) -> AsyncIterator[Callable[..., SharedStore]]:
    stores: list[SharedStore] = []

    def make(**more: Any) -> SharedStore:
        prefix = f"test:{time.monotonic_ns()}:"
        stores.append(
            SharedStore(RateSettings(redis=valkey.url, timeout=10.0, **{"prefix": prefix, **more}), workers=2)
        )
        return stores[-1]

    yield make
    for each in stores:
        await each.close()


async def take(store: SharedStore, *given: Charge, charges: Charges | None = None) -> Sequence[Standing] | None:
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    store.take(charges or Charges(given), future.set_result)
    return await future


async def test_redis_counts_as_memory_does(store: Callable[..., SharedStore]) -> None:
    shared, memory = store(), MemoryCounter(clock=Clock())
    slow = Rate.of("slow", 10, 1e6)
    requests = [
        [Charge.of("a", slow, 3)],
        [Charge.of("a", slow, 1), Charge.of("b", slow, 9)],
        [Charge.of("b", slow, 2), Charge.of("a", slow, 1)],
        [Charge.of("a", slow, 6)],
        [Charge.of("a", slow, 1)],
    ]

    for request in requests:
        here, there = memory.take(request), await take(shared, *request)
        assert there is not None
        assert allowed(there) is allowed(here)
        assert [round(each.level / 10**10) for each in there] == [round(each.level / 10**10) for each in here]


async def test_requests_that_wait_go_together(store: Callable[..., SharedStore]) -> None:
    shared = store()
    slow = Rate.of("slow", 100, 1e6)

    answers = await asyncio.gather(
        *(take(shared, Charge.of("a", slow, 1), Charge.of("b", slow, 1)) for _ in range(700))
    )

    assert sum(allowed(each) for each in answers if each is not None) == 100


async def test_equal_requests_are_counted_together_as_they_would_be_one_by_one(
    store: Callable[..., SharedStore],
) -> None:
    shared, memory = store(), MemoryCounter(clock=Clock())
    slow = Rate.of("slow", 10, 1e6)
    charges = Charges([Charge.of("a", slow, 3), Charge.of("b", slow, 2)])

    there = await asyncio.gather(*(take(shared, charges=charges) for _ in range(5)))
    here = [memory.take(charges) for _ in range(5)]

    assert [[round(one.wait / 10**10) for one in each or ()] for each in there] == [
        [round(one.wait / 10**10) for one in each] for each in here
    ]
    assert [[round(one.level / 10**10) for one in each or ()] for each in there] == [
        [round(one.level / 10**10) for one in each] for each in here
    ]


async def test_a_script_that_was_forgotten_is_sent_again(
    store: Callable[..., SharedStore], valkey: ValkeyForTests
) -> None:
    shared = store()
    assert await take(shared, Charge.of("a", TEN, 10))
    await shared._redis.script_flush()

    answer = await take(shared, Charge.of("a", TEN, 5))

    assert answer is not None
    assert not allowed(answer)


async def test_keys_end_by_themselves(store: Callable[..., SharedStore], valkey: ValkeyForTests) -> None:
    shared = store(prefix="test:ending:")
    await take(shared, Charge.of("a", Rate.of("r", 1000, 1.0), 100))

    assert 0 < await shared._redis.pttl("test:ending:a") <= 101


@pytest.mark.parametrize(("away", "expected"), [("local", 5), ("open", 20), ("closed", None)])
async def test_without_redis_what_was_declared_holds(away: str, expected: int | None) -> None:
    nowhere = SharedStore(RateSettings(redis="redis://127.0.0.1:1/0", away=away, timeout=0.2), workers=2)  # type: ignore[arg-type]

    answers = [await take(nowhere, Charge.of("a", TEN, 1)) for _ in range(20)]

    counted = None if answers[0] is None else sum(allowed(each) for each in answers if each is not None)
    assert counted == expected
    assert nowhere.is_away
    await nowhere.close()
