"""Sharing one attempt among all who ask for the same at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class InFlight(Generic[K, V]):
    """The attempts under way, by what makes two of them the same.

    Who comes first gets the attempt itself, so that asking alone costs hardly more than not sharing. Who joins gets a
    future of their own. Anyone may cancel theirs: if the attempt goes down with the first, it is made again for those
    who joined, and when all of them have left it is cancelled too. So only attempts that may be repeated are for here.
    """

    __slots__ = ("_attempts",)

    def __init__(self) -> None:
        self._attempts: dict[K, _Attempt[V]] = {}

    def __len__(self) -> int:
        return len(self._attempts)

    def join(self, key: K, start: Callable[[], asyncio.Future[V]]) -> asyncio.Future[V]:
        """Return what the attempt under a key will bring; it is started if there is none."""
        attempt = self._attempts.get(key)
        if attempt is None or attempt.source.done():
            return self._begin(key, start, []).source
        waiter: asyncio.Future[V] = attempt.source.get_loop().create_future()
        attempt.waiters.append(waiter)
        if attempt.orphaned:
            waiter.add_done_callback(attempt.leave)
        return waiter

    def _begin(self, key: K, start: Callable[[], asyncio.Future[V]], waiters: list[asyncio.Future[V]]) -> _Attempt[V]:
        attempt = self._attempts[key] = _Attempt(start(), waiters)
        attempt.source.add_done_callback(partial(self._land, key, attempt, start))
        return attempt

    def _land(
        self, key: K, attempt: _Attempt[V], start: Callable[[], asyncio.Future[V]], source: asyncio.Future[V]
    ) -> None:
        if self._attempts.get(key) is attempt:
            del self._attempts[key]
        waiting = [waiter for waiter in attempt.waiters if not waiter.done()]
        if not waiting:
            return
        if source.cancelled():
            again = self._begin(key, start, waiting)
            again.orphaned = True
            for waiter in waiting:
                waiter.add_done_callback(again.leave)
            return
        error = source.exception()
        for waiter in waiting:
            if error is None:
                waiter.set_result(source.result())
            else:
                waiter.set_exception(error)


class _Attempt(Generic[V]):
    """One attempt, those who joined it, and whether the first has gone."""

    __slots__ = ("orphaned", "source", "waiters")

    def __init__(self, source: asyncio.Future[V], waiters: list[asyncio.Future[V]]) -> None:
        self.source = source
        self.waiters = waiters
        self.orphaned = False

    def leave(self, _waiter: asyncio.Future[V]) -> None:
        """Give the attempt up when nobody is left."""
        if all(waiter.done() for waiter in self.waiters):
            self.source.cancel()
