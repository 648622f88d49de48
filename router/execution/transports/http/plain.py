"""The transport for plain HTTP/1.1, made for many small requests to few servers."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from typing_extensions import override

from router.execution.errors import SubgraphUnreachableError
from router.execution.exchange import Headers, header_lines
from router.execution.transports.http.address import Address
from router.execution.transports.http.pool import Pool
from router.execution.transports.http.settings import ACCEPT, HttpSettings
from router.execution.transports.port import CallingTransport, SubgraphRequest, SubgraphResponse
from router.traffic.calls import Call, Done

KNOWN_HEADS = 1_024


class PlainHttpTransport(CallingTransport):
    """Sends requests to one subgraph through a pool of connections to its origin.

    Args:
        address: where the subgraph is.
        pool: gives the pool of its origin, once the event loop runs.
        settings: what to ask of the subgraph.
    """

    def __init__(self, address: Address, pool: Callable[[], Pool], settings: HttpSettings) -> None:
        self._pool = pool
        compression = "accept-encoding: gzip, deflate\r\n" if settings.compression else ""
        first = (
            f"POST {address.target} HTTP/1.1\r\nhost: {address.host_header}\r\n"
            f"content-type: application/json\r\naccept: {ACCEPT}\r\n{compression}"
        ).encode("latin-1")

        @lru_cache(maxsize=KNOWN_HEADS)
        def head(headers: Headers) -> bytes:
            return first + header_lines(headers)

        self._head = head

    @override
    def begin(self, request: SubgraphRequest, done: Done[SubgraphResponse]) -> Call:
        """Send a request."""
        body = request.body()
        try:
            head, trace = self._head(request.headers), request.trace.text
        except ValueError as error:
            raise SubgraphUnreachableError(str(error)) from None
        message = b"%b%bcontent-length: %d\r\n\r\n%b" % (head, trace, len(body), body)
        return self._pool().begin(message, request.timeout, done, repeatable=request.operation.kind == "query")
