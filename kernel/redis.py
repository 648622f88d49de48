"""Redis as something that helps while it is there: asked with little patience, left alone after a fault."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from kernel import telemetry

_PATIENCE: Final = 0.25
_REST: Final = 1.0
"""Seconds for which Redis is left alone after a fault."""

Answer = TypeVar("Answer")
_log = telemetry.get_logger("redis")


def connect(url: str) -> Redis:
    """Make a client that gives up soon: a cache that must be waited for is worth nothing."""
    return Redis.from_url(url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE, retry=Retry(NoBackoff(), 0))


class Asking:
    """Asks a server that may be away, so that one that is costs a request nothing."""

    def __init__(self, purpose: str) -> None:
        self._purpose = purpose
        self._rests_until = 0.0

    async def ask(self, question: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """Give what a question brings; None while the server is away."""
        if time.monotonic() < self._rests_until:
            return None
        try:
            return await question()
        except (RedisError, OSError) as error:
            self._rests_until = time.monotonic() + _REST
            _log.warning("Redis is away", purpose=self._purpose, error=type(error).__name__)
            return None
