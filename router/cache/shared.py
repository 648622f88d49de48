"""The entries that all routers share, in a store on the Redis protocol, and the channel by which they tell of changes.

The store is never needed: while it is away or slow, each router goes by its own memory, which it empties when it hears
the channel again, since it may have missed something.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Final

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from router.cache.memory import Entry, Key
from router.cache.tags import Tag
from router.cache_settings import CacheSettings

_LOG: Final = structlog.get_logger("router.cache")
_AWAY_SECONDS: Final = 5.0
_AGAIN_SECONDS: Final = 1.0
_FAILURES: Final = (RedisError, OSError, TimeoutError)


class SharedStore:
    """Keeps entries for all routers.

    Args:
        settings: where the store is, and how long it may take.
        changed: is told the tags that another router, or whoever knows the channel, says have changed.
        missed: is told that some may have been missed.
    """

    def __init__(
        self, settings: CacheSettings, changed: Callable[[list[Tag]], object], missed: Callable[[], object]
    ) -> None:
        self._prefix = settings.prefix.encode()
        self._timeout = settings.timeout
        self._changed = changed
        self._missed = missed
        self._redis: Redis = Redis.from_url(settings.redis or "", socket_connect_timeout=settings.timeout)
        self._away_until = 0.0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._listening: asyncio.Task[None] | None = None
        self.heard = asyncio.Event()
        """Set while changes are heard of."""

    @property
    def channel(self) -> bytes:
        """The channel on which changes are told: JSON arrays of tags."""
        return self._prefix + b"changes"

    async def get(self, keys: Sequence[Key]) -> list[Entry | None]:
        """Return entries, or None for those that are not there."""
        self._listen()
        found = await self._try(self._redis.mget([self._name(key) for key in keys]))
        return [None] * len(keys) if found is None else [each and _read(each) for each in found]

    def put(self, key: Key, entry: Entry, is_current: Callable[[], bool]) -> None:
        """Keep an entry; nobody waits for that."""
        self._begin(self._put(self._name(key), entry, is_current))

    async def _put(self, name: bytes, entry: Entry, is_current: Callable[[], bool]) -> None:
        lasts = max(int(entry.stale_until - time.time()), 1)
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.set(name, msgspec.msgpack.encode(entry), ex=lasts)
            for tag in entry.tags:
                pipe.sadd(self._tag(tag), name)
                pipe.expire(self._tag(tag), lasts + 60, gt=True)
                pipe.expire(self._tag(tag), lasts + 60, nx=True)
            await self._try(pipe.execute())
        if not is_current():
            await self._try(self._redis.unlink(name))

    async def invalidate(self, tags: Iterable[Tag]) -> int:
        """Forget entries for all, and tell the other routers; return how many there were here."""
        chosen = sorted(tags)
        names: set[bytes] = set()
        for tag in chosen:
            names |= await self._try(self._redis.smembers(self._tag(tag))) or set()
        gone = await self._try(self._redis.unlink(*names, *map(self._tag, chosen))) if names else 0
        await self._try(self._redis.publish(self.channel, msgspec.json.encode(chosen)))
        return min(gone or 0, len(names))

    def forget(self, keys: Iterable[Key]) -> None:
        """Forget entries that were kept while somebody else told that they had changed; nobody waits for that."""
        names = [self._name(key) for key in keys]
        if names:
            self._begin(self._forget(names))

    async def _forget(self, names: list[bytes]) -> None:
        await self._try(self._redis.unlink(*names))

    async def close(self) -> None:
        """Close the connections."""
        tasks = [*self._tasks, *([self._listening] if self._listening else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._redis.aclose()

    async def listen(self) -> None:
        """Hear of changes from now on."""
        self._listen()
        await self.heard.wait()

    def _listen(self) -> None:
        if self._listening is None:
            self._listening = asyncio.get_running_loop().create_task(self._hear())

    async def _hear(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(self.channel)
                    self._missed()
                    self.heard.set()
                    async for message in channel.listen():
                        if message["type"] == "message":
                            self._changed(msgspec.json.decode(message["data"], type=list[str]))
            except (*_FAILURES, msgspec.DecodeError) as error:
                _complain(error)
            self.heard.clear()
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _try(self, work: Any) -> Any:
        """Do something with the store, or nothing while it is away."""
        if time.monotonic() < self._away_until:
            if hasattr(work, "close"):
                work.close()
            return None
        try:
            async with asyncio.timeout(self._timeout):
                return await work
        except _FAILURES as error:
            self._away_until = time.monotonic() + _AWAY_SECONDS
            _complain(error)
            return None

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _name(self, key: Key) -> bytes:
        return self._prefix + b"e:" + hashlib.blake2b(key, digest_size=20).hexdigest().encode()

    def _tag(self, tag: Tag) -> bytes:
        return self._prefix + b"t:" + tag.encode()


def _read(text: bytes) -> Entry | None:
    try:
        return msgspec.msgpack.decode(text, type=Entry)
    except msgspec.MsgspecError:
        return None


def _complain(error: Exception) -> None:
    _LOG.warning("the shared cache does not answer", reason=str(error) or type(error).__name__)
