"""What is kept, near and far: the memory of this process, and behind it the store that all routers share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from router.cache.memory import Entry, Key, Memory
from router.cache.shared import SharedStore
from router.cache.tags import Change, Tag
from router.cache_settings import CacheSettings


class CacheWatcher(Protocol):
    """Hears of what the cache knew."""

    def looked_up(self, subgraph: str, hits: int, misses: int) -> None:
        """Some parts of an answer were known, and some not."""
        ...

    def invalidated(self, count: int) -> None:
        """Entries were forgotten, since what they are about has changed."""
        ...


class Store:
    """Keeps parts of answers until they are old or what they are about has changed.

    Args:
        settings: how much, and where else.
        watcher: hears of what becomes of it.
        now: the time in seconds since 1970.
    """

    def __init__(
        self, settings: CacheSettings, watcher: CacheWatcher | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self.settings = settings
        self.watcher = watcher
        self.now = now
        self.near = Memory(settings.memory_bytes, now)
        self.far = None if settings.redis is None else SharedStore(settings, self._heard, self.near.clear)

    def put(self, key: Key, entry: Entry, since: int) -> None:
        """Keep an entry that was asked for at some moment, unless what it is about has changed since."""
        if self.near.put(key, entry, since) and self.far is not None:
            self.far.put(key, entry, lambda: self.near.is_current(entry.tags, since))

    async def fetch(self, keys: Sequence[Key]) -> None:
        """Take over into memory what the shared store has of these."""
        if self.far is None:
            return
        since = self.near.moment
        for key, entry in zip(keys, await self.far.get(keys), strict=True):
            if entry is not None and entry.stale_until > self.now():
                self.near.put(key, entry, since)

    async def invalidate(self, changes: Iterable[Change]) -> int:
        """Forget what has changed, here and everywhere; return how many entries that were.

        The shared store goes first, so that what is old cannot come back from there.
        """
        tags = {tag for change in changes for tag in change.tags()}
        far = 0 if self.far is None else await self.far.invalidate(tags)
        return max(len(self._forget(tags)), far)

    def _heard(self, tags: Iterable[Tag]) -> None:
        """Forget what others say has changed, and what went to the shared store while they said so."""
        keys = self._forget(tags)
        if self.far is not None:
            self.far.forget(keys)

    def _forget(self, tags: Iterable[Tag]) -> set[Key]:
        keys = self.near.invalidate(tags)
        if self.watcher is not None:
            self.watcher.invalidated(len(keys))
        return keys

    async def close(self) -> None:
        """Let go of connections."""
        if self.far is not None:
            await self.far.close()
