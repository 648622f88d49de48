"""A circuit breaker: who has failed several times in a row is left alone for a while, and then tried once.

It saves the caller the wait for a deadline that will pass anyway, and the other side the calls that it cannot
answer. It guards calls in one process; what it protects is this process's time, so nothing is shared.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from kernel.errors import InfrastructureError


class BreakerOpenError(InfrastructureError):
    """Nothing was sent, because the last attempts all failed; try again later."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(f"{name} is left alone for {seconds:.0f} s after repeated failures", retryable=True)
        self.seconds = seconds


class Breaker:
    """Opens after so many failures in a row, lets one call through every `pause` seconds, and closes by an answer."""

    def __init__(
        self, name: str, *, failures: int = 5, pause: float = 10.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self._limit = failures
        self._pause = pause
        self._now = now
        self._failures = 0
        self._closed_until_probe = 0.0

    @property
    def open(self) -> bool:
        """Whether calls are refused now."""
        return self._failures >= self._limit and self._now() < self._closed_until_probe

    @asynccontextmanager
    async def guard(self) -> AsyncGenerator[None]:
        """Run one call. Infrastructure errors, time-outs and operating system errors count as failures; others do not.

        Raises:
            BreakerOpenError: the call was not made.
        """
        if self.open:
            raise BreakerOpenError(self.name, self._closed_until_probe - self._now())
        if self._failures >= self._limit:
            self._closed_until_probe = self._now() + self._pause  # this call is the probe; the others go on waiting
        try:
            yield
        except (InfrastructureError, TimeoutError, OSError):
            self._failures += 1
            self._closed_until_probe = self._now() + self._pause
            raise
        except Exception:
            self._failures = 0  # a refusal is an answer
            raise
        self._failures = 0
