"""How much one subgraph gets to do at a time: a bounded number under way, a bounded queue, and no more.

A subgraph that is slower than its requests come in would otherwise collect them, here and there, until all of them are
late. What cannot be done in time is refused while that still helps somebody.
"""

from __future__ import annotations

import asyncio
from collections import deque

from typing_extensions import override

from router.execution.errors import OverloadedError
from router.execution.transports.port import CallingTransport, Sender, SubgraphRequest, SubgraphResponse
from router.traffic.calls import Call, Done
from router.traffic.watching import TrafficWatcher
from router.traffic_settings import ConcurrencySettings


class LimitedTransport(CallingTransport):
    """Lets a bounded number of requests go at a time."""

    def __init__(self, send: Sender, subgraph: str, settings: ConcurrencySettings, watcher: TrafficWatcher) -> None:
        self._send = send
        self._subgraph = subgraph
        self._settings = settings
        self._watcher = watcher
        self._under_way = 0
        self._queue: deque[_Passage] = deque()

    @override
    def begin(self, request: SubgraphRequest, done: Done[SubgraphResponse]) -> Call:
        """Send a request, now or when it is its turn; refuse it if too many wait."""
        passage = _Passage(self, request, done)
        if self._under_way < self._settings.limit:
            self._go(passage)
        elif len(self._queue) < self._settings.queue:
            self._queue.append(passage)
            passage.wait(self._settings.wait)
        else:
            self._watcher.refused(self._subgraph, "queue_full")
            raise OverloadedError("it has too much to do now")
        return passage

    def _go(self, passage: _Passage) -> None:
        self._under_way += 1
        try:
            passage.go(self._send)
        except BaseException:
            self._under_way -= 1
            raise

    def leave(self) -> None:
        """Take note that one is done; the next may go."""
        self._under_way -= 1
        while self._queue and self._under_way < self._settings.limit:
            passage = self._queue.popleft()
            try:
                self._go(passage)
            except Exception as error:
                passage.settle(error)

    def drop(self, passage: _Passage) -> None:
        """Take one out of the queue."""
        self._queue.remove(passage)

    def too_late(self, passage: _Passage) -> None:
        """Refuse one that has waited in vain."""
        self.drop(passage)
        self._watcher.refused(self._subgraph, "waited_too_long")
        passage.settle(OverloadedError("it has too much to do now"))


class _Passage:
    """One request, waiting or under way."""

    __slots__ = ("_begun", "_call", "_done", "_request", "_timer", "_transport")

    def __init__(self, transport: LimitedTransport, request: SubgraphRequest, done: Done[SubgraphResponse]) -> None:
        self._transport = transport
        self._request = request
        self._done: Done[SubgraphResponse] | None = done
        self._call: Call | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._begun = 0.0

    def wait(self, seconds: float) -> None:
        """Wait for a turn, but not for ever."""
        loop = asyncio.get_running_loop()
        self._begun = loop.time()
        self._timer = loop.call_later(min(seconds, self._request.timeout), self._transport.too_late, self)

    def go(self, send: Sender) -> None:
        """Be sent; the time that was spent waiting is part of the time that there is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            waited = asyncio.get_running_loop().time() - self._begun
            self._request = self._request.again(timeout=max(self._request.timeout - waited, 0.001))
        self._call = send(self._request, self._land)

    def settle(self, result: SubgraphResponse | BaseException) -> None:
        """Tell what came of it."""
        done, self._done = self._done, None
        if done is not None:
            done(result)

    def cancel(self) -> None:
        """Give it up."""
        if self._done is None:
            return
        self._done = None
        if self._call is not None:
            self._call.cancel()
            self._transport.leave()
        else:
            if self._timer is not None:
                self._timer.cancel()
            self._transport.drop(self)

    def _land(self, result: SubgraphResponse | BaseException) -> None:
        if self._done is None:
            return
        self._transport.leave()
        self.settle(result)
