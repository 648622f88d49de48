"""The port through which the engine reaches subgraphs, whatever carries the request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeAlias

import orjson
from typing_extensions import override

from router.execution.exchange import NO_HEADERS, NO_LINES, HeaderLines, Headers
from router.execution.json_text import write_json
from router.planner.plan import OperationKind
from router.traffic.calls import Awaiting, Call, Done, awaited


@dataclass(frozen=True, slots=True, eq=False)
class SubgraphOperation:
    """The part of a subgraph request that is the same each time its plan runs; known by its identity."""

    subgraph: str
    kind: OperationKind
    document: str
    operation_name: str | None
    head: bytes = field(init=False, repr=False)
    """The JSON body up to the value of `variables`."""

    def __post_init__(self) -> None:
        body: dict[str, Any] = {"query": self.document}
        if self.operation_name is not None:
            body["operationName"] = self.operation_name
        object.__setattr__(self, "head", orjson.dumps(body)[:-1])


@dataclass(slots=True)
class SubgraphRequest:
    """One request to one subgraph."""

    operation: SubgraphOperation
    variables: Mapping[str, Any]
    headers: Headers = NO_HEADERS
    timeout: float = 30.0
    identity: Hashable = None
    """The `RequestContext.identity`: requests with different ones are never sent as one."""
    value: Any = None
    """The `RequestContext.value`, for subgraphs in this process."""
    trace: HeaderLines = NO_LINES
    """The `RequestContext.trace`: sent beside `headers`, but no reason not to send equal requests as one."""

    _body: bytes | None = field(default=None, repr=False)

    def again(self, *, timeout: float | None = None, trace: HeaderLines | None = None) -> SubgraphRequest:
        """Return the same request, with another time or other headers of its trace."""
        return SubgraphRequest(
            self.operation,
            self.variables,
            self.headers,
            self.timeout if timeout is None else timeout,
            self.identity,
            self.value,
            self.trace if trace is None else trace,
            self._body,
        )

    def body(self) -> bytes:
        """Return the request as the JSON body of GraphQL over HTTP."""
        if self._body is None:
            head = self.operation.head
            variables = self.variables
            self._body = b'%b,"variables":%b}' % (head, write_json(variables)) if variables else head + b"}"
        return self._body


@dataclass(slots=True)
class SubgraphResponse:
    """What came back: JSON text over a wire, or the decoded answer from inside this process.

    A decoded answer belongs to the engine from then on, which writes into it.
    """

    status: int = 200
    media_type: str = "application/json"
    body: bytes | None = None
    decoded: Any = None
    cache_control: str = ""
    """The header of that name."""
    headers: Headers = NO_HEADERS
    """Others that somebody may want, by their names in small letters."""


class SubgraphTransport(Protocol):
    """Sends requests to one subgraph or to many.

    `send` gives its answer or raises a `TransportError`. Cancelling what it returned gives the request up.
    """

    def send(self, request: SubgraphRequest) -> Awaitable[SubgraphResponse]:
        """Send a request."""
        ...


class CallingTransport:
    """A transport for the hot path: it calls back and spares the event loop futures and tasks."""

    def begin(self, request: SubgraphRequest, done: Done[SubgraphResponse]) -> Call:
        """Send a request; `done` takes the answer or a `TransportError`."""
        raise NotImplementedError

    def send(self, request: SubgraphRequest) -> asyncio.Future[SubgraphResponse]:
        """Send a request and wait."""
        return awaited(partial(self.begin, request))


Sender: TypeAlias = Callable[[SubgraphRequest, Done[SubgraphResponse]], Call]
"""Sends a request and calls back."""


def sender(transport: SubgraphTransport) -> Sender:
    """Return how a transport sends and calls back."""
    if isinstance(transport, CallingTransport):
        return transport.begin
    return lambda request, done: Awaiting(transport.send(request), done)


Sign: TypeAlias = Callable[[Headers, bytes], Headers]
"""Makes headers that vouch for a request, of those that it has and its body, where it leaves for its address."""


class SigningTransport(CallingTransport):
    """Signs each request before it is sent."""

    def __init__(self, inner: SubgraphTransport, sign: Sign) -> None:
        self._send = sender(inner)
        self._sign = sign

    @override
    def begin(self, request: SubgraphRequest, done: Done[SubgraphResponse]) -> Call:
        """Send a request."""
        signed = self._sign(request.headers, request.body())
        return self._send(request.again(trace=HeaderLines((*request.trace, *signed))), done)


class StreamTransport(Protocol):
    """Opens streams of events from one subgraph.

    Each event is a response of its own. The generator ends when the subgraph says that the stream is complete, and
    raises a `TransportError` where it breaks or is refused. Closing the generator ends the stream in the subgraph.
    """

    def open(self, request: SubgraphRequest) -> AsyncGenerator[SubgraphResponse]:
        """Open a stream."""
        ...
