"""Attempts counted in Redis, by what they were made under: an e-mail address, a network address, an account.

An attempt is counted before the password is looked at and forgiven when it proves right: were it counted after, a
burst of parallel guesses would all pass before the first of them is counted. Addresses without an account are counted
alike, and only a hash of what is counted is kept.
"""

from __future__ import annotations

import hashlib
import math
from datetime import datetime
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError

from kernel.errors import InfrastructureError
from subgraphs.users.domain.errors import TooManyAttemptsError
from subgraphs.users.domain.lockout import LockoutPolicy

_ADMIT: Final = """
local now, free = tonumber(ARGV[1]), tonumber(ARGV[2])
local first, longest, forget = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local open_at = tonumber(redis.call('HGET', KEYS[1], 'open_at') or '0')
if open_at > now then return open_at - now end
local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
local delay = 0
if failures >= free then delay = math.min(first * 2 ^ math.min(failures - free, 30), longest) end
redis.call('HSET', KEYS[1], 'open_at', string.format('%d', now + delay))
redis.call('PEXPIRE', KEYS[1], forget)
return 0
"""

_UNCOUNT: Final = """
if redis.call('HINCRBY', KEYS[1], 'failures', -1) <= 0 then return redis.call('DEL', KEYS[1]) end
return redis.call('HSET', KEYS[1], 'open_at', '0')
"""


def connect(url: str) -> Redis:
    """Connect to what counts; connections that a restart of it has ended are made again, and not told of."""
    return Redis.from_url(url, retry=Retry(ExponentialBackoff(cap=0.2, base=0.02), retries=4))


class ThrottleUnavailableError(InfrastructureError):
    """Redis cannot be asked; log-in waits for it rather than let guesses through uncounted."""

    def __init__(self) -> None:
        super().__init__("Redis is not reachable, so no attempt can be counted.", retryable=True)


class Throttle:
    """Admits or refuses attempts of one kind.

    Args:
        redis: where they are counted.
        policy: how many are free, and how long the rest is after that.
        kind: keeps the counts apart from those of other throttles.
    """

    def __init__(self, redis: Redis, policy: LockoutPolicy, kind: str) -> None:
        self._redis = redis
        self._admit = redis.register_script(_ADMIT)
        self._uncount = redis.register_script(_UNCOUNT)
        self._policy = policy
        self._kind = kind

    async def admit(self, who: str, now: datetime) -> None:
        """Count an attempt as failed until it is taken back; nobody (an empty text) is not counted.

        Raises:
            TooManyAttemptsError: attempts rest for them.
        """
        if not who:
            return
        policy = self._policy
        spans = (policy.first_delay, policy.longest_delay, policy.forget_after)
        arguments = [int(now.timestamp() * 1000), policy.free_attempts, *(int(s.total_seconds() * 1000) for s in spans)]
        try:
            rest = int(await self._admit(keys=[self._key(who)], args=arguments))
        except RedisError as error:
            raise ThrottleUnavailableError from error
        if rest > 0:
            raise TooManyAttemptsError(math.ceil(rest / 1000))

    async def forgive(self, who: str) -> None:
        """Forget all failures of somebody."""
        try:
            await self._redis.delete(self._key(who))
        except RedisError as error:
            raise ThrottleUnavailableError from error

    async def take_back(self, who: str) -> None:
        """Forget the one attempt that proved right, and not what else was tried from the same place."""
        if not who:
            return
        try:
            await self._uncount(keys=[self._key(who)])
        except RedisError as error:
            raise ThrottleUnavailableError from error

    def _key(self, who: str) -> str:
        return f"users:{self._kind}:{hashlib.sha256(who.encode()).hexdigest()}"
