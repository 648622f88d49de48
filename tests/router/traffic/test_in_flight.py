"""One attempt for all who ask for the same, and nobody takes it from the others."""

from __future__ import annotations

import asyncio

import pytest

from router.traffic.in_flight import InFlight


class Attempts:
    """Starts attempts that end when told to."""

    def __init__(self):
        self.started = []

    def __call__(self):
        self.started.append(asyncio.get_running_loop().create_future())
        return self.started[-1]


async def test_all_get_the_result():
    flight, attempts = InFlight(), Attempts()
    waiting = [flight.join("key", attempts) for _ in range(3)]
    other = flight.join("other", attempts)
    attempts.started[0].set_result("value")
    assert await asyncio.gather(*waiting) == ["value"] * 3
    assert not other.done()
    assert len(flight) == 1
    flight.join("key", attempts)
    assert len(attempts.started) == 3


async def test_all_get_the_error():
    flight, attempts = InFlight(), Attempts()
    waiting = [flight.join("key", attempts) for _ in range(2)]
    attempts.started[0].set_exception(ValueError("no"))
    for each in waiting:
        with pytest.raises(ValueError, match="no"):
            await each
    assert len(flight) == 0


async def test_one_who_joined_leaves():
    flight, attempts = InFlight(), Attempts()
    first, second = (flight.join("key", attempts) for _ in range(2))
    second.cancel()
    await asyncio.sleep(0)
    attempts.started[0].set_result(1)
    assert await first == 1


async def test_the_first_leaves_and_the_rest_try_again():
    flight, attempts = InFlight(), Attempts()
    first, second, third = (flight.join("key", attempts) for _ in range(3))
    first.cancel()
    await asyncio.sleep(0.01)
    assert len(attempts.started) == 2
    attempts.started[1].set_result(2)
    assert await asyncio.gather(second, third) == [2, 2]


async def test_when_all_have_left_the_attempt_is_given_up():
    flight, attempts = InFlight(), Attempts()
    first, second = (flight.join("key", attempts) for _ in range(2))
    first.cancel()
    await asyncio.sleep(0.01)
    late = flight.join("key", attempts)
    for each in (second, late):
        each.cancel()
        await asyncio.sleep(0.01)
    assert attempts.started[1].cancelled()
    assert len(flight) == 0
