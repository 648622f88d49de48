"""A bounded cache whose missing entries are made once, however many ask for them at a time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Executor
from itertools import islice
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memo(Generic[K, V]):
    """Remembers at most `limit` values and forgets the one unused for longest.

    What is missing is made by a worker, so that a slow plan does not hold up the requests that need none. Whoever asks
    meanwhile waits for the same attempt. An attempt that raises is not remembered.

    Args:
        limit: how many values to remember.
        worker: makes them. It should have one thread only: neither schemas nor planners are made for several.
    """

    def __init__(self, limit: int, worker: Executor) -> None:
        self._limit = limit
        self._worker = worker
        self._values: OrderedDict[K, V] = OrderedDict()
        self._attempts: dict[K, asyncio.Task[V]] = {}

    def __len__(self) -> int:
        return len(self._values)

    def latest(self, most: int) -> list[tuple[K, V]]:
        """Return what is remembered, the values used last first."""
        return list(islice(reversed(self._values.items()), most))

    def get(self, key: K) -> V | None:
        """Return what is remembered under a key."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    async def make(self, key: K, maker: Callable[[], V]) -> V:
        """Return what is remembered under a key, or else make it.

        The attempt goes on when its caller is cancelled, since others may wait for it too.
        """
        value = self.get(key)
        if value is not None:
            return value
        attempt = self._attempts.get(key)
        if attempt is None:
            attempt = self._attempts[key] = asyncio.create_task(self._attempt(key, maker))
        return await asyncio.shield(attempt)

    async def _attempt(self, key: K, maker: Callable[[], V]) -> V:
        try:
            value = await asyncio.get_running_loop().run_in_executor(self._worker, maker)
        finally:
            del self._attempts[key]
        self._values[key] = value
        if len(self._values) > self._limit:
            self._values.popitem(last=False)
        return value
