"""What processes share of what they have read, in Redis; without Redis nothing is shared.

An entry that has changed is not just taken away: a mark stands in its place for some seconds, so that whoever has read
it just before cannot bring the past back, and what took longer to read than that is not brought at all. To forget
everything, the *era* is counted up, which every entry carries.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Final, cast

from redis.asyncio import Redis

from kernel.redis import Asking

_MARK: Final = b"-"
_MARK_SECONDS: Final = 5
_SLOWEST: Final = 2.0
"""Seconds after which what was read is not shared any more; less than marks stand."""

_KEEP: Final = f"""
for place, key in ipairs(KEYS) do
    if redis.call('GET', key) ~= '{_MARK.decode()}' then
        redis.call('SET', key, ARGV[place + 1], 'PX', ARGV[1])
    end
end
"""


class SharedCache:
    """Keeps bytes by key for `seconds` at most."""

    def __init__(self, redis: Redis, *, seconds: float) -> None:
        self._redis = redis
        self._keep = redis.register_script(_KEEP)
        self._seconds = seconds
        self._asking = Asking("catalogue")

    async def get(self, keys: Collection[str]) -> tuple[bytes, Mapping[str, bytes]]:
        """Give what is kept of these, and the era in which it is to be kept what is read instead."""
        names = list(keys)
        kept = await self._asking.ask(lambda: self._redis.mget([_ERA, *map(_key, names)]))
        if kept is None:
            return b"", {}
        era, *entries = (None if each is None else bytes(each) for each in cast("list[bytes | None]", kept))
        era = era or b"0"
        found = {name: _of_era(entry, era) for name, entry in zip(names, entries, strict=True)}
        return era, {name: entry for name, entry in found.items() if entry is not None}

    async def put(self, era: bytes, entries: Mapping[str, bytes], *, began: float) -> None:
        """Keep what was read since a moment of the monotonic clock, unless it has changed meanwhile."""
        if not era or not entries or time.monotonic() - began > _SLOWEST:
            return
        keys = [_key(name) for name in entries]
        values = [int(self._seconds * 1000), *(era + b" " + entry for entry in entries.values())]
        await self._asking.ask(lambda: self._keep(keys=keys, args=values))

    async def forget(self, keys: Collection[str]) -> None:
        """Forget these."""

        async def mark() -> None:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for name in keys:
                    pipeline.set(_key(name), _MARK, ex=_MARK_SECONDS)
                await pipeline.execute()

        await self._asking.ask(mark)

    async def forget_everything(self) -> None:
        """Forget everything."""
        await self._asking.ask(lambda: self._redis.incr(_ERA))

    async def close(self) -> None:
        """Let go of connections."""
        await self._redis.aclose()


_ERA: Final = "products:cache:era"


def _key(name: str) -> str:
    return f"products:cache:{name}"


def _of_era(entry: bytes | None, era: bytes) -> bytes | None:
    if entry is None or entry == _MARK:
        return None
    written, _, value = entry.partition(b" ")
    return value if written == era else None
