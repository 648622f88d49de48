"""Loaders that live as long as one request: what n resolvers ask for one by one is fetched in one statement."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Final, TypeVar

from aiodataloader import DataLoader

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

MAX_BATCH: Final = 1000
"""Keys per statement at most; more are split into several."""


def by_key(
    fetch: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Value]]],
) -> DataLoader[Key, Value | None]:
    """Make a loader from a function that fetches many at once; what is not in its answer is None."""

    async def load(keys: list[Key]) -> list[Value | None]:
        found = await fetch(keys)
        return [found.get(key) for key in keys]

    return DataLoader(load, max_batch_size=MAX_BATCH)


def lists_by_key(
    fetch: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Sequence[Value]]]],
) -> DataLoader[Key, Sequence[Value]]:
    """Make a loader of one-to-many from a function that fetches for many at once; nothing found is empty."""

    async def load(keys: list[Key]) -> list[Sequence[Value]]:
        found = await fetch(keys)
        return [found.get(key, ()) for key in keys]

    return DataLoader(load, max_batch_size=MAX_BATCH)
