"""What is seen of each request to a subgraph: how long it took, how it ended, and its place in the trace."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from router.execution.errors import TransportError
from router.execution.exchange import HeaderLines
from router.execution.transports.port import CallingTransport, Sender, SubgraphRequest, SubgraphResponse
from router.telemetry.sight import Sight
from router.traffic.calls import Call, Done

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_PARENT: Final = "traceparent"
_UNSAMPLED: Final = "-00"
"""The end of a `traceparent` that says that nobody looks at this trace."""


class SeenTransport(CallingTransport):
    """Measures what goes through, and lets the subgraph go on with the trace."""

    def __init__(self, send: Sender, subgraph: str, sight: Sight) -> None:
        self._send = send
        self._subgraph = subgraph
        self._sight = sight

    @override
    def begin(self, request: SubgraphRequest, done: Done[SubgraphResponse]) -> Call:
        """Send a request under a span of its own."""
        span = None
        tracing = self._sight.tracing
        if tracing is not None:
            parent = next((value for name, value in request.trace if name == _PARENT), None)
            if parent is None or not parent.endswith(_UNSAMPLED):
                operation = request.operation
                attributes = {"subgraph.name": self._subgraph, "graphql.operation.type": operation.kind}
                span = tracing.begin(f"fetch {self._subgraph}", parent, "client", attributes)
                trace = {**dict(request.trace), _PARENT: tracing.traceparent_of(span)}
                request = request.again(trace=HeaderLines(trace.items()))
        if span is None and self._sight.metrics is None:
            return self._send(request, done)
        seen = _Seen(self._sight, self._subgraph, span, done)
        try:
            seen.call = self._send(request, seen.land)
        except TransportError as error:
            seen.note(error)
            raise
        return seen


class _Seen:
    """One request that is looked at."""

    __slots__ = ("_begun", "_done", "_metrics", "_sight", "_span", "_subgraph", "call")

    call: Call

    def __init__(self, sight: Sight, subgraph: str, span: Span | None, done: Done[SubgraphResponse]) -> None:
        self._sight = sight
        self._metrics = sight.metrics
        self._subgraph = subgraph
        self._span = span
        self._done = done
        self._begun = perf_counter()

    def cancel(self) -> None:
        """Give it up."""
        self._end(None, "cancelled")
        self.call.cancel()

    def land(self, result: SubgraphResponse | BaseException) -> None:
        """Take what came of it."""
        self.note(result)
        self._done(result)

    def note(self, result: SubgraphResponse | BaseException) -> None:
        """Write down what came of it."""
        if isinstance(result, SubgraphResponse):
            self._end(result.status, "" if result.status < 500 else str(result.status))
        else:
            self._end(getattr(result, "status", None), getattr(result, "code", type(result).__name__))

    def _end(self, status: int | None, error: str) -> None:
        if self._metrics is not None:
            self._metrics.fetch_ended(self._subgraph, status, error, perf_counter() - self._begun)
        span = self._span
        if span is not None and self._sight.tracing is not None:
            if status is not None:
                span.set_attribute("http.response.status_code", status)
            if error:
                self._sight.tracing.mark_failed(span, error)
            span.end()
