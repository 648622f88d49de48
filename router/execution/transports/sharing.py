"""Equal queries under way at one time are sent once."""

from __future__ import annotations

from functools import partial

from typing_extensions import override

from router.execution.transports.port import (
    CallingTransport,
    SubgraphRequest,
    SubgraphResponse,
    SubgraphTransport,
    sender,
)
from router.traffic.calls import Call, Done
from router.traffic.in_flight import InFlight


class SharingTransport(CallingTransport):
    """Lets a query wait for the answer to an equal one, with equal headers and for the same caller.

    It stands before transports that answer in bytes, which each who waits decodes into a tree of their own.
    """

    def __init__(self, inner: SubgraphTransport) -> None:
        self._send = sender(inner)
        self._under_way: InFlight[object, SubgraphResponse] = InFlight()

    @override
    def begin(self, request: SubgraphRequest, done: Done[SubgraphResponse]) -> Call:
        """Send a request, or join an equal one; whatever may change something is always sent."""
        if request.operation.kind != "query":
            return self._send(request, done)
        key = (request.body(), request.headers, request.identity)
        return self._under_way.share(key, partial(self._send, request), done)
