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

    Each who joins gets a future of their own and may cancel it; the attempt is cancelled when nobody is left who waits.
    """

    __slots__ = ("_attempts",)

    def __init__(self) -> None:
        self._attempts: dict[K, _Attempt[V]] = {}

    def __len__(self) -> int:
        return len(self._attempts)

    def join(self, key: K, start: Callable[[], asyncio.Future[V]]) -> asyncio.Future[V]:
        """Wait for the attempt under a key, which is started if there is none."""
        attempt = self._attempts.get(key)
        if attempt is None:
            attempt = self._attempts[key] = _Attempt(start())
            attempt.source.add_done_callback(partial(self._land, key, attempt))
        waiter: asyncio.Future[V] = attempt.source.get_loop().create_future()
        attempt.waiters.append(waiter)
        waiter.add_done_callback(partial(self._leave, key, attempt))
        return waiter

    def _leave(self, key: K, attempt: _Attempt[V], waiter: asyncio.Future[V]) -> None:
        if not waiter.cancelled():
            return
        attempt.gone += 1
        if attempt.gone == len(attempt.waiters):
            self._forget(key, attempt)
            attempt.source.cancel()

    def _land(self, key: K, attempt: _Attempt[V], source: asyncio.Future[V]) -> None:
        self._forget(key, attempt)
        for waiter in attempt.waiters:
            if waiter.done():
                continue
            if source.cancelled():
                waiter.cancel()
            elif error := source.exception():
                waiter.set_exception(error)
            else:
                waiter.set_result(source.result())

    def _forget(self, key: K, attempt: _Attempt[V]) -> None:
        if self._attempts.get(key) is attempt:
            del self._attempts[key]


class _Attempt(Generic[V]):
    """One attempt, those who joined it, and how many of them have gone."""

    __slots__ = ("gone", "source", "waiters")

    def __init__(self, source: asyncio.Future[V]) -> None:
        self.source = source
        self.waiters: list[asyncio.Future[V]] = []
        self.gone = 0
