"""Asking again, where it is safe, soon helps and cannot make things worse.

It is safe for queries, and for anything of which nothing was sent. The time that there is for a request is for all its
attempts. Waits are drawn at random from nothing to a bound that doubles, so that those who failed together do not come
back together, and a budget keeps retries a small share of all requests.
"""

from __future__ import annotations

import asyncio
import random

from typing_extensions import override

from router.execution.errors import TransportError
from router.execution.transports.port import CallingTransport, Sender, SubgraphRequest, SubgraphResponse
from router.traffic.budget import Budget
from router.traffic.calls import Call, Done
from router.traffic.outcomes import failure_of
from router.traffic.watching import TrafficWatcher
from router.traffic_settings import RetrySettings


class RetryingTransport(CallingTransport):
    """Sends requests again that failed."""

    def __init__(self, send: Sender, subgraph: str, settings: RetrySettings, watcher: TrafficWatcher) -> None:
        self.send_once = send
        self.settings = settings
        self._subgraph = subgraph
        self._watcher = watcher
        self._budget = Budget(settings.share, settings.reserve)

    @override
    def begin(self, request: SubgraphRequest, done: Done[SubgraphResponse]) -> Call:
        """Send a request, and again where it fails."""
        self._budget.earn()
        return _Persistent(self, request, done)

    def wait_before(self, attempt: int, request: SubgraphRequest, result: SubgraphResponse | BaseException) -> float:
        """Return how long to wait before an attempt, or a negative number if there is to be none."""
        settings = self.settings
        if attempt > settings.attempts or failure_of(result, settings.statuses) not in settings.on:
            return -1.0
        unsent = isinstance(result, TransportError) and result.unsent
        if (request.operation.kind != "query" and not unsent) or not self._budget.spend():
            return -1.0
        self._watcher.retried(self._subgraph)
        return random.uniform(0, min(settings.base * 2 ** (attempt - 2), settings.longest))  # noqa: S311


class _Persistent:
    """One request with all its attempts."""

    __slots__ = ("_attempt", "_call", "_deadline", "_done", "_loop", "_owner", "_request", "_timer")

    def __init__(self, owner: RetryingTransport, request: SubgraphRequest, done: Done[SubgraphResponse]) -> None:
        self._owner = owner
        self._request = request
        self._done: Done[SubgraphResponse] | None = done
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + request.timeout
        self._attempt = 1
        self._timer: asyncio.Handle | None = None
        self._call: Call | None = None
        try:
            self._call = owner.send_once(request, self._land)
        except TransportError as error:
            self._timer = self._loop.call_soon(self._land, error)

    def cancel(self) -> None:
        """Give it up."""
        self._done = None
        if self._timer is not None:
            self._timer.cancel()
        if self._call is not None:
            self._call.cancel()

    def _land(self, result: SubgraphResponse | BaseException) -> None:
        self._call = None
        if self._done is None:
            return
        self._attempt += 1
        wait = self._owner.wait_before(self._attempt, self._request, result)
        if wait < 0 or self._loop.time() + wait >= self._deadline:
            done, self._done = self._done, None
            done(result)
        else:
            self._timer = self._loop.call_later(wait, self._again)

    def _again(self) -> None:
        request = self._request.again(timeout=max(self._deadline - self._loop.time(), 0.001))
        try:
            self._call = self._owner.send_once(request, self._land)
        except TransportError as error:
            self._land(error)
