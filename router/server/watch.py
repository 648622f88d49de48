"""Keeps an eye on the requests that are being answered: whose time is up, and whose client has gone.

Most requests are answered before either could matter, so nothing is set up for each of them: a sweep a few times a
second looks at those that have been there for a while. Only for these a task listens for the client's leaving.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from router.server.asgi import Receive

_SWEEP_SECONDS: Final = 0.25


class Ended(Enum):
    """Why a request was ended before it had its answer."""

    TIMED_OUT = "timed out"
    CLIENT_GONE = "client gone"


class Watched:
    """One request that is being answered."""

    __slots__ = ("begun", "ended", "listener", "receive", "task")

    def __init__(self, task: asyncio.Task[object], begun: float, receive: Receive) -> None:
        self.task = task
        self.begun = begun
        self.receive = receive
        """Where the client's leaving is heard."""
        self.listener: asyncio.Task[None] | None = None
        self.ended: Ended | None = None

    def end(self, why: Ended) -> None:
        """Cancel the request's task."""
        if self.ended is None:
            self.ended = why
            self.task.cancel()

    async def listen(self) -> None:
        """End the request when its client goes."""
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.end(Ended.CLIENT_GONE)


class Watch:
    """The requests that are being answered."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._requests: set[Watched] = set()
        self._sweeping = False

    def begin(self, loop: asyncio.AbstractEventLoop, receive: Receive) -> Watched:
        """Begin to watch the current task."""
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101 - a coroutine that runs on a loop is in a task
        watched = Watched(task, loop.time(), receive)
        self._requests.add(watched)
        if not self._sweeping:
            self._sweeping = True
            loop.call_later(_SWEEP_SECONDS, self._sweep, loop)
        return watched

    def finish(self, watched: Watched) -> None:
        """Watch a request no longer."""
        self._requests.discard(watched)
        if watched.listener is not None:
            watched.listener.cancel()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for watched in self._requests:
            if now - watched.begun >= self._timeout:
                watched.end(Ended.TIMED_OUT)
            elif watched.listener is None:
                watched.listener = loop.create_task(watched.listen())
        self._sweeping = bool(self._requests)
        if self._sweeping:
            loop.call_later(_SWEEP_SECONDS, self._sweep, loop)
