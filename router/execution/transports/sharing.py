"""Equal queries under way at one time are sent once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import partial

from router.execution.transports.port import SubgraphRequest, SubgraphResponse, SubgraphTransport
from router.traffic.in_flight import InFlight


class SharingTransport:
    """Lets a query wait for the answer to an equal one, with equal headers and for the same caller.

    It stands before transports that answer in bytes, which each who waits decodes into a tree of their own.
    """

    def __init__(self, inner: SubgraphTransport) -> None:
        self._inner = inner
        self._under_way: InFlight[object, SubgraphResponse] = InFlight()

    def send(self, request: SubgraphRequest) -> Awaitable[SubgraphResponse]:
        """Send a request, or join an equal one; whatever may change something is always sent."""
        if request.operation.kind != "query":
            return self._inner.send(request)
        key = (request.body(), request.headers, request.identity)
        return self._under_way.join(key, partial(self._begin, request))

    def _begin(self, request: SubgraphRequest) -> asyncio.Future[SubgraphResponse]:
        sending = self._inner.send(request)
        return sending if isinstance(sending, asyncio.Future) else asyncio.ensure_future(sending)
