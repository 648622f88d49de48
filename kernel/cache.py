"""A bounded memory of recent things."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class LRU(Generic[Key, Value]):
    """Keeps the `size` entries that were used last."""

    __slots__ = ("_entries", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._entries: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """Give what is kept under a key, and count that as a use."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Keep a value; the entry that was not used for longest makes room."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self.size:
            self._entries.popitem(last=False)

    def discard(self, key: Key) -> None:
        """Keep nothing under a key any more."""
        self._entries.pop(key, None)

    def clear(self) -> None:
        """Keep nothing any more."""
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)
