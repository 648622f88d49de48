"""A deadline that is passed on: each request tells its subgraph for how long the answer is worth anything."""

from __future__ import annotations

from typing_extensions import override

from router.execution.exchange import HeaderLines
from router.execution.transports.port import CallingTransport, Sender, SubgraphRequest, SubgraphResponse
from router.traffic.calls import Call, Done


class DeadlineTransport(CallingTransport):
    """Writes into a header how many milliseconds are left; what varies by the moment keeps no requests apart."""

    def __init__(self, send: Sender, header: str) -> None:
        self._send = send
        self._header = header.lower()

    @override
    def begin(self, request: SubgraphRequest, done: Done[SubgraphResponse]) -> Call:
        """Send a request with its deadline."""
        left = str(max(int(request.timeout * 1000), 1))
        return self._send(request.again(trace=HeaderLines((*request.trace, (self._header, left)))), done)


class TimeoutTransport(CallingTransport):
    """Gives the requests to one subgraph less time than others have."""

    def __init__(self, send: Sender, seconds: float) -> None:
        self._send = send
        self._seconds = seconds

    @override
    def begin(self, request: SubgraphRequest, done: Done[SubgraphResponse]) -> Call:
        """Send a request with the time that there is for this subgraph."""
        if request.timeout > self._seconds:
            request = request.again(timeout=self._seconds)
        return self._send(request, done)
