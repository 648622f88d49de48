"""Asking twice: a query that takes long is sent again, the first answer counts.

One slow answer in a hundred, behind a request that needs twenty of them, makes every fifth slow. The second request
mostly meets a better moment. A budget keeps it an exception.
"""

from __future__ import annotations

import asyncio

from typing_extensions import override

from router.execution.errors import TransportError
from router.execution.transports.port import CallingTransport, Sender, SubgraphRequest, SubgraphResponse
from router.traffic.budget import Budget
from router.traffic.calls import Call, Done
from router.traffic.watching import TrafficWatcher
from router.traffic_settings import HedgeSettings

_RESERVE = 3.0


class HedgingTransport(CallingTransport):
    """Sends queries a second time that are not answered soon."""

    def __init__(self, send: Sender, subgraph: str, settings: HedgeSettings, watcher: TrafficWatcher) -> None:
        self.send_once = send
        self.after = settings.after
        self._subgraph = subgraph
        self._watcher = watcher
        self._budget = Budget(settings.share, _RESERVE)

    @override
    def begin(self, request: SubgraphRequest, done: Done[SubgraphResponse]) -> Call:
        """Send a request; if it is a query, perhaps twice."""
        if request.operation.kind != "query":
            return self.send_once(request, done)
        self._budget.earn()
        return _Hedged(self, request, done)

    def may_ask_twice(self) -> bool:
        """Whether a second request may be sent now; if so, it must be."""
        if not self._budget.spend():
            return False
        self._watcher.hedged(self._subgraph)
        return True


class _Hedged:
    """One query and the one or two requests that ask it."""

    __slots__ = ("_calls", "_done", "_owner", "_request", "_timer")

    def __init__(self, owner: HedgingTransport, request: SubgraphRequest, done: Done[SubgraphResponse]) -> None:
        self._owner = owner
        self._request = request
        self._done: Done[SubgraphResponse] | None = done
        self._calls: dict[int, Call] = {}
        self._send(0)
        self._timer = asyncio.get_running_loop().call_later(owner.after, self._ask_twice)

    def cancel(self) -> None:
        """Give it up."""
        self._done = None
        self._timer.cancel()
        self._leave()

    def _send(self, number: int) -> None:
        self._calls[number] = self._owner.send_once(self._request, lambda result: self._land(number, result))

    def _ask_twice(self) -> None:
        if self._done is not None and self._owner.may_ask_twice():
            try:
                self._send(1)
            except TransportError:
                return  # the first one is still under way

    def _land(self, number: int, result: SubgraphResponse | BaseException) -> None:
        self._calls.pop(number, None)
        if self._done is None or (isinstance(result, BaseException) and self._calls):
            return
        done, self._done = self._done, None
        self._timer.cancel()
        self._leave()
        done(result)

    def _leave(self) -> None:
        calls = list(self._calls.values())
        self._calls.clear()
        for call in calls:
            call.cancel()
