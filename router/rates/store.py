"""Where is counted: in this process, or in Redis for all.

Requests that come while Redis is at work go to it together, in one call of the script, in which those that take the
same are one entry: under load a call serves many.
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

from router.rates.gcra import SCRIPT, Charges, MemoryCounter, Standing, standings_of
from router.rates.settings import RateSettings

_LOG: Final = structlog.get_logger("router.rates")
_SHA: Final = sha1(SCRIPT.encode()).hexdigest()  # noqa: S324 - the name that Redis gives a script
_MOST_AT_ONCE: Final = 256
"""Requests of different kinds that go to Redis together: a script holds up everybody else."""

Told: TypeAlias = Callable[[Sequence[Standing] | None], None]
"""Takes how charges stand; None if nothing can be taken, since nobody counts."""


class Store(Protocol):
    """Counts."""

    def take(self, charges: Charges, told: Told) -> None:
        """Take what a request takes, if it may; `told` is called at once or later."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class OwnStore:
    """Counts in this process alone."""

    def __init__(self) -> None:
        self._counter = MemoryCounter()

    def take(self, charges: Charges, told: Told) -> None:
        """Take what a request takes, if it may."""
        told(self._counter.take(charges))

    async def close(self) -> None:
        """Nothing is held."""


class _Group:
    """Requests that take the same, and who is to be told of each."""

    __slots__ = ("charges", "told")

    def __init__(self, charges: Charges) -> None:
        self.charges = charges
        self.told: list[Told] = []


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
        self._waiting: dict[int, _Group] = {}
        """The requests that go to Redis next, by the identity of what they take."""
        self._asking: asyncio.Task[None] | None = None
        self._away_until = 0.0

    @property
    def is_away(self) -> bool:
        """Whether Redis is not asked now."""
        return time.monotonic() < self._away_until

    def take(self, charges: Charges, told: Told) -> None:
        """Take what a request takes, if it may."""
        if self.is_away:
            self._instead(charges, told)
            return
        group = self._waiting.get(id(charges))
        if group is None:
            group = self._waiting[id(charges)] = _Group(charges)
        group.told.append(told)
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
                groups = list(self._waiting.values())[:_MOST_AT_ONCE]
                for each in groups:
                    del self._waiting[id(each.charges)]
                answer = None if self.is_away else await self._ask(groups)
                self._tell(groups, answer)
        finally:
            self._asking = None

    def _tell(self, groups: Sequence[_Group], answer: Sequence[int] | None) -> None:
        place = 0
        for group in groups:
            charges = group.charges
            for number, told in enumerate(group.told):
                try:
                    if answer is None:
                        self._instead(charges, told)
                    else:
                        levels = answer[place + 1 : place + 1 + len(charges)]
                        told(standings_of(charges, levels, answer[place], number))
                except Exception:
                    _LOG.exception("a request could not go on")
            place += 1 + len(charges)

    async def _ask(self, groups: Sequence[_Group]) -> Sequence[int] | None:
        """Return what the script says of some requests, or None if Redis does not answer."""
        keys: list[str] = []
        figures: list[int] = []
        for group in groups:
            for each in group.charges:
                keys.append(self._settings.prefix + each.key)
                figures += (each.step, each.tolerance, len(group.charges), len(group.told))
        try:
            async with asyncio.timeout(self._settings.timeout):
                return await self._run(len(keys), *keys, *figures)
        except (RedisError, OSError, TimeoutError) as error:
            self._leave_alone(error)
            return None

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

    def _instead(self, charges: Charges, told: Told) -> None:
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
