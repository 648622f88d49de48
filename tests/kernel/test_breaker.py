"""A breaker opens after failures in a row, lets one probe through, and closes by a success."""

import pytest

from kernel.breaker import Breaker, BreakerOpenError
from kernel.errors import InfrastructureError, NotFoundError


class Timer:
    seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def timer():
    return Timer()


@pytest.fixture
def breaker(timer):
    return Breaker("the provider", failures=3, pause=10, now=timer)


async def fail(breaker, times=1, error=TimeoutError):
    for _ in range(times):
        with pytest.raises(error):
            async with breaker.guard():
                raise error("broken")


async def succeed(breaker):
    async with breaker.guard():
        pass


async def test_it_opens_after_failures_in_a_row_only(breaker):
    await fail(breaker, 2)
    await succeed(breaker)
    await fail(breaker, 2)
    assert not breaker.open
    await fail(breaker, error=InfrastructureError)
    assert breaker.open
    with pytest.raises(BreakerOpenError, match="the provider"):
        await succeed(breaker)


async def test_what_the_other_side_refuses_is_no_failure(breaker):
    await fail(breaker, 9, NotFoundError)
    assert not breaker.open


async def test_one_probe_goes_through_and_closes_it(breaker, timer):
    await fail(breaker, 3)
    timer.seconds = 10
    async with breaker.guard():
        with pytest.raises(BreakerOpenError):
            await succeed(breaker)
    await succeed(breaker)


async def test_a_probe_that_fails_opens_it_again(breaker, timer):
    await fail(breaker, 3)
    timer.seconds = 10
    await fail(breaker)
    assert breaker.open
    timer.seconds = 20
    assert not breaker.open
