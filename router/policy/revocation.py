"""Tokens that were taken back: each router learns of it within a second or so, and then no longer believes them.

What is revoked stands in a sorted set in Redis, under the time when it can be forgotten, because nothing that it
concerns would be good any more. It is read in the background while requests come; while Redis is away, what was
known goes on to hold.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from router.policy.identity import Identity
from router.policy.token_settings import RevocationSettings

_LOG: Final = structlog.get_logger("router.policy")
_TIMEOUT: Final = 2.0


class Revocations:
    """Knows what was revoked.

    Args:
        settings: where that is told.
    """

    def __init__(self, settings: RevocationSettings) -> None:
        self._settings = settings
        self._redis: Redis = Redis.from_url(
            settings.redis, decode_responses=True, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT
        )
        self._revoked: frozenset[str] = frozenset()
        self.interval = settings.interval
        """Seconds after which it is worth asking again."""
        self.edition = 0
        """Counts how often something else was revoked than before."""
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    def hold(self, identity: Identity) -> bool:
        """Tell whether somebody's token was revoked."""
        if self._reading is None and time.monotonic() - self._read_at > self._settings.interval:
            self._reading = asyncio.create_task(self._read())
        if not self._revoked or identity.id is None:
            return False
        names = {f"sub:{identity.id}", f"sid:{identity.session}", f"jti:{identity.claims.get('jti')}"}
        return not names.isdisjoint(self._revoked)

    @property
    def is_known(self) -> bool:
        """Whether it was read at all."""
        return self._read_at > float("-inf")

    async def learn(self) -> None:
        """Wait until it was read, or could not be."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        await asyncio.shield(self._reading)

    async def revoke(self, name: str, seconds: float) -> None:
        """Revoke `jti:…`, `sid:…` or `sub:…` for as long as a token of that name could be good."""
        now = time.time()
        await self._redis.zadd(self._settings.key, {name: now + seconds})
        await self._redis.zremrangebyscore(self._settings.key, "-inf", now)

    async def restore(self, name: str) -> bool:
        """Let what was revoked hold again; tell whether it was."""
        return bool(await self._redis.zrem(self._settings.key, name))

    async def listed(self) -> list[tuple[str, float]]:
        """Return what is revoked now, with the time when it can be forgotten."""
        found = await self._redis.zrange(self._settings.key, time.time(), "+inf", byscore=True, withscores=True)  # type: ignore[arg-type]
        return [(str(name), float(until)) for name, until in found]

    async def aclose(self) -> None:
        """Close the connections."""
        if self._reading is not None:
            await self._reading
        await self._redis.aclose()

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT):
                found = await self._redis.zrange(self._settings.key, time.time(), "+inf", byscore=True)  # type: ignore[arg-type]
            revoked = frozenset(map(str, found or ()))
            self.edition += revoked != self._revoked
            self._revoked = revoked
        except (RedisError, OSError, TimeoutError) as error:
            _LOG.warning("revoked tokens cannot be read", reason=str(error) or type(error).__name__)
        finally:
            self._read_at = time.monotonic()
            self._reading = None


def revocations(settings: RevocationSettings | None) -> Revocations | None:
    """Return what knows what was revoked, where that is told."""
    return None if settings is None else Revocations(settings)
