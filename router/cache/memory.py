"""The entries in the memory of this process: those used last, up to a bound, and found by their tags."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from router.cache.tags import Tag

Key: TypeAlias = bytes

_WEIGHT: Final = 400
_TAG_WEIGHT: Final = 150
_REMEMBERED: Final = 2_000
"""Changes that are remembered for the sake of fetches which were under way when they happened."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A part of an answer that is kept.

    Attributes:
        body: its JSON.
        fresh_until: when it gets old, in seconds since 1970.
        stale_until: when it is of no use any more.
        tags: what it is about.
    """

    body: bytes
    fresh_until: float
    stale_until: float
    tags: frozenset[Tag]

    @property
    def weight(self) -> int:
        """The memory that it takes."""
        return _WEIGHT + len(self.body) + _TAG_WEIGHT * len(self.tags)


class Memory:
    """Keeps entries.

    Args:
        limit: bytes of memory.
        now: the time in seconds since 1970.
    """

    def __init__(self, limit: int, now: Callable[[], float]) -> None:
        self._limit = limit
        self._now = now
        self._entries: OrderedDict[Key, Entry] = OrderedDict()
        self._by_tag: dict[Tag, set[Key]] = {}
        self._weight = 0
        self._changes: deque[frozenset[Tag]] = deque(maxlen=_REMEMBERED)
        self.moment = 0
        """How many changes there were: what is fetched from now on knows of them."""

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Entry | None:
        """Return an entry that is of use, be it old."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.stale_until <= self._now():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry

    def put(self, key: Key, entry: Entry, since: int) -> bool:
        """Keep an entry, unless what it is about has changed since it was asked for; tell whether it is kept."""
        if not self.is_current(entry.tags, since):
            return False
        if key in self._entries:
            self._drop(key)
        self._entries[key] = entry
        self._weight += entry.weight + len(key)
        for tag in entry.tags:
            self._by_tag.setdefault(tag, set()).add(key)
        while self._weight > self._limit and self._entries:
            self._drop(next(iter(self._entries)))
        return True

    def is_current(self, tags: frozenset[Tag], since: int) -> bool:
        """Whether nothing of this has changed since some moment."""
        count = self.moment - since
        if count > len(self._changes):
            return False
        return all(tags.isdisjoint(self._changes[-1 - back]) for back in range(count))

    def invalidate(self, tags: Iterable[Tag]) -> set[Key]:
        """Forget all entries with one of the tags; return their keys."""
        tags = frozenset(tags)
        self._changes.append(tags)
        self.moment += 1
        keys = {key for tag in tags for key in self._by_tag.get(tag, ())}
        for key in keys:
            self._drop(key)
        return keys

    def clear(self) -> None:
        """Forget everything, and what is being fetched too: something may have changed without being told."""
        self._entries.clear()
        self._by_tag.clear()
        self._weight = 0
        self._changes.clear()
        self.moment += 1

    def _drop(self, key: Key) -> None:
        entry = self._entries.pop(key)
        self._weight -= entry.weight + len(key)
        for tag in entry.tags:
            keys = self._by_tag[tag]
            keys.discard(key)
            if not keys:
                del self._by_tag[tag]
