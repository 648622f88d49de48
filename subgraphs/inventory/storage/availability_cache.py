"""Availability kept in Redis: a copy that is never older than it promises to be, and never needed.

Three things bound how stale an entry can be. It lives for `bound` seconds counted from before the database was
read, and not beyond the instant at which a reservation ends by its expiry. A write carries the stamp of the
snapshot it was read from, and an older stamp never replaces a newer one, however the writers race. Whatever goes
wrong with Redis is as if nothing were kept; after a fault it is left alone for a moment, so that a dead server
costs a request nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from redis.asyncio import Redis

from kernel.redis import Asking
from subgraphs.inventory.domain.availability import Availability, Reading

_KEEP_NEWEST: Final = """
for place, key in ipairs(KEYS) do
    local stamp, life, entry = ARGV[place * 3 - 2], ARGV[place * 3 - 1], ARGV[place * 3]
    local kept = redis.call('GET', key)
    if not kept or tonumber(string.match(kept, '^%d+')) < tonumber(stamp) then
        redis.call('SET', key, stamp .. ' ' .. entry, 'PX', life)
    end
end
"""

_decoder = msgspec.json.Decoder(Availability)
_encoder = msgspec.json.Encoder()


class AvailabilityCache:
    """Keeps availabilities of one kind of thing, such as `sku` or `product`, for at most `bound` seconds."""

    def __init__(self, redis: Redis, kind: str, *, bound: float) -> None:
        self._redis = redis
        self._keep = redis.register_script(_KEEP_NEWEST)
        self._prefix = f"inventory:availability:{kind}:"
        self._bound = bound
        self._asking = Asking("availability")

    async def get(self, wanted: Collection[str]) -> Mapping[str, Availability]:
        """Give what is kept of these; nothing when Redis is away."""
        names = sorted(set(wanted))
        if not names:
            return {}
        kept = await self._asking.ask(lambda: self._redis.mget([self._prefix + name for name in names])) or []
        return {name: _read(entry) for name, entry in zip(names, kept, strict=False) if entry is not None}

    async def put(self, readings: Mapping[str, Reading], *, now: datetime, elapsed: float) -> None:
        """Keep what was read `elapsed` seconds ago with the clock at `now`, unless something newer is kept."""
        keys: list[str] = []
        arguments: list[Any] = []
        for name, reading in readings.items():
            life = self._life(reading, now) - elapsed
            if life > 0.001:
                keys.append(self._prefix + name)
                arguments += [reading.stamp, int(life * 1000), _encoder.encode(reading.availability)]
        if keys:
            await self._asking.ask(lambda: self._keep(keys=keys, args=arguments))

    def _life(self, reading: Reading, now: datetime) -> float:
        if reading.stable_until is None:
            return self._bound
        return min(self._bound, (reading.stable_until - now).total_seconds())


def _read(entry: bytes | str) -> Availability:
    text = entry if isinstance(entry, str) else entry.decode()
    return _decoder.decode(text.partition(" ")[2])
