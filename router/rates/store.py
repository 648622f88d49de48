"""Where is counted: in this process, or in Redis for all.

Requests that come while Redis is at work go to it together, in one call of the script: under load a call serves many.
While Redis is away, nobody waits for it: one call in a while tries whether it is back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from hashlib import sha1
from typing import Final, Protocol, TypeAlias

import structlog
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from router.rates.gcra import SCRIPT, Charge, MemoryCounter, Standing
from router.rates.settings import RateSettings

_LOG: Final = structlog.get_logger("router.rates")
_SHA: Final = sha1(SCRIPT.encode()).hexdigest()  # noqa: S324 - the name that Redis gives a script
_MOST_AT_ONCE: Final = 256
"""Requests that go to Redis together: a script holds up everybody else."""

Told: TypeAlias = Callable[[Sequence[Standing] | None], None]
"""Takes how charges stand; None if nothing can be taken, since nobody counts."""


class Store(Protocol):
    """Counts."""

    def take(self, charges: Sequence[Charge], told: Told) -> None:
        """Take what a request takes, if it may; `told` is called at once or later."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class OwnStore:
    """Counts in this process alone."""

    def __init__(self) -> None:
        self._counter = MemoryCounter()

    def take(self, charges: Sequence[Charge], told: Told) -> None:
        """Take what a request takes, if it may."""
        told(self._counter.take(charges))

    async def close(self) -> None:
        """Nothing is held."""


class SharedStore:
    """Counts in Redis.

    Args:
        settings: where it is, and what holds while it is away.
        workers: among how many processes what may be taken is divided then.
    """

    def __init__(self, settings: RateSettings, workers: int = 1) -> None:
        self._settings = settings
        self._redis: Redis = Redis.from_url(
            settings.redis or "", socket_timeout=settings.timeout, socket_connect_timeout=settings.timeout
        )
        self._own = MemoryCounter(workers)
        self._waiting: list[tuple[Sequence[Charge], Told]] = []
        self._asking: asyncio.Task[None] | None = None
        self._away_until = 0.0

    @property
    def is_away(self) -> bool:
        """Whether Redis is not asked now."""
        return time.monotonic() < self._away_until

    def take(self, charges: Sequence[Charge], told: Told) -> None:
        """Take what a request takes, if it may."""
        if self.is_away:
            self._instead(charges, told)
            return
        self._waiting.append((charges, told))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_all())

    async def close(self) -> None:
        """Close the connections."""
        if self._asking is not None:
            await self._asking
        await self._redis.aclose()

    async def _ask_all(self) -> None:
        try:
            while self._waiting:
                requests, self._waiting = self._waiting[:_MOST_AT_ONCE], self._waiting[_MOST_AT_ONCE:]
                standings = None if self.is_away else await self._ask([each for each, _ in requests])
                self._tell(requests, standings)
        finally:
            self._asking = None

    def _tell(self, requests: Sequence[tuple[Sequence[Charge], Told]], standings: Sequence[Standing] | None) -> None:
        begin = 0
        for charges, told in requests:
            try:
                if standings is None:
                    self._instead(charges, told)
                else:
                    told(standings[begin : begin + len(charges)])
            except Exception:
                _LOG.exception("a request could not go on")
            begin += len(charges)

    async def _ask(self, requests: Sequence[Sequence[Charge]]) -> Sequence[Standing] | None:
        """Return how the charges of some requests stand, or None if Redis does not say it."""
        charges = [each for request in requests for each in request]
        sizes = [len(request) if index == 0 else 0 for request in requests for index in range(len(request))]
        keys = [self._settings.prefix + each.key for each in charges]
        figures = [
            figure for each, size in zip(charges, sizes, strict=True) for figure in (each.step, each.tolerance, size)
        ]
        try:
            async with asyncio.timeout(self._settings.timeout):
                told = await self._run(len(keys), *keys, *figures)
        except (RedisError, OSError, TimeoutError) as error:
            self._leave_alone(error)
            return None
        return [Standing(wait, level) for wait, level in zip(told[::2], told[1::2], strict=True)]

    async def _run(self, *arguments: int | str) -> list[int]:
        try:
            told = await self._redis.execute_command("EVALSHA", _SHA, *arguments)
        except NoScriptError:
            told = await self._redis.execute_command("EVAL", SCRIPT, *arguments)
        return told or []

    def _leave_alone(self, error: Exception) -> None:
        self._away_until = time.monotonic() + self._settings.retry
        reason = str(error) or type(error).__name__
        _LOG.warning("the store of rate limits is away", reason=reason, mode=self._settings.away)

    def _instead(self, charges: Sequence[Charge], told: Told) -> None:
        """Decide without Redis, as the settings say."""
        if self._settings.away == "local":
            told(self._own.take(charges))
        elif self._settings.away == "open":
            told([Standing(0, 0) for _ in charges])
        else:
            told(None)


def rate_store(settings: RateSettings, workers: int) -> Store:
    """Return the store that the settings ask for."""
    return OwnStore() if settings.redis is None else SharedStore(settings, workers)
