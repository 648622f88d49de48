"""Calls that come back: what is begun now calls a function when it is done, and can be given up until then.

On the hot path this takes the place of futures and tasks. A future tells its callbacks by way of the event loop, and a
task is resumed by it: each costs more than most of what the router does with a small request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Generic, Protocol, TypeAlias, TypeVar

T = TypeVar("T")

Done: TypeAlias = Callable[[T | BaseException], None]
"""Takes what came of a call. It is called once, never before the call was returned, and not at all once cancelled."""


class Call(Protocol):
    """What is under way."""

    def cancel(self) -> object:
        """Give it up; when it is done, nothing happens."""
        ...


Begin: TypeAlias = Callable[[Done[T]], Call]
"""Begins something."""


def awaited(begin: Begin[T]) -> asyncio.Future[T]:
    """Begin something that will be waited for; cancelling the future gives it up."""
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    call = begin(partial(_settle, future))
    future.add_done_callback(partial(_cancel_with, call))
    return future


class Awaiting(Generic[T]):
    """A call of what can only be waited for, such as a coroutine."""

    __slots__ = ("_done", "_future")

    def __init__(self, work: Awaitable[T], done: Done[T]) -> None:
        self._done: Done[T] | None = done
        self._future = asyncio.ensure_future(work)
        self._future.add_done_callback(self._land)

    def cancel(self) -> None:
        """Give it up."""
        self._done = None
        self._future.cancel()

    def _land(self, future: asyncio.Future[T]) -> None:
        error = asyncio.CancelledError() if future.cancelled() else future.exception()
        done, self._done = self._done, None
        if done is not None:
            done(future.result() if error is None else error)


def _settle(future: asyncio.Future[T], result: T | BaseException) -> None:
    if future.done():
        return
    if isinstance(result, asyncio.CancelledError):
        future.cancel()
    elif isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)


def _cancel_with(call: Call, future: asyncio.Future[T]) -> None:
    if future.cancelled():
        call.cancel()
