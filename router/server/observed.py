"""A router whose requests are seen: counted, measured and traced. One that nobody looks at is made without all this."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from router.server.app import Mount
from router.server.exchange import Answer, HeaderBlock, HttpRequest, Reply, Response
from router.server.plugged import PluggedRouterApp
from router.telemetry.correlation import CLIENT_NAME, TRACEPARENT, is_traceparent
from router.telemetry.sight import Sight
from router.telemetry_settings import TelemetrySettings
from router.traffic.calls import Call

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from router.telemetry.tracing import Tracing


def metrics_page(sight: Sight, settings: TelemetrySettings) -> dict[str, Mount]:
    """Return what serves the metrics beside GraphQL, if they are to be found there."""
    metrics, wanted = sight.metrics, settings.metrics
    if metrics is None or wanted is None or wanted.port is not None:
        return {}

    async def answer(_request: HttpRequest) -> Response:
        body, media = metrics.page()
        return Response(200, HeaderBlock([(b"content-type", media)]), body)

    return {wanted.path: answer}


class ObservedRouterApp(PluggedRouterApp):
    """Answers requests, and tells what is to be seen of that."""

    def __init__(self, *arguments: Any, sight: Sight, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._sight = sight

    @override
    def begin(self, request: HttpRequest, done: Callable[[Answer], None]) -> Call | None:
        """Begin a request that can go the short way."""
        seen = _Seen(self._sight, request)
        seen.done = done
        call = super().begin(seen.request, seen.land)
        if call is None:
            return None
        seen.call = call
        seen.start()
        return seen

    @override
    async def respond(self, request: HttpRequest) -> Answer:
        """Answer a request, whatever it is."""
        seen = _Seen(self._sight, request)
        seen.start()
        try:
            answer = await super().respond(seen.request)
        except BaseException:
            seen.end(None)
            raise
        seen.end(answer.response)
        return answer


class _Seen:
    """One request that is looked at."""

    __slots__ = ("_begun", "_sight", "_span", "call", "done", "request")

    call: Call
    done: Callable[[Answer], None]

    def __init__(self, sight: Sight, request: HttpRequest) -> None:
        self._sight = sight
        self._begun = time.perf_counter()
        self._span: Span | None = None
        self.request = request
        if sight.tracing is not None:
            self._trace(sight.tracing)

    def start(self) -> None:
        """Count it as being answered."""
        if self._sight.metrics is not None:
            self._sight.metrics.active.inc()

    def cancel(self) -> None:
        """Give it up."""
        self.end(None)
        self.call.cancel()

    def land(self, answer: Answer) -> None:
        """Take its answer."""
        self.end(answer.response)
        self.done(answer)

    def end(self, response: Reply | None) -> None:
        """Write down how it ended; without a response, it was given up."""
        status = 499 if response is None else response.status
        metrics = self._sight.metrics
        if metrics is not None:
            metrics.active.dec()
            metrics.request_ended(self.request.method, status, time.perf_counter() - self._begun)
        span = self._span
        if span is not None:
            operation = response.operation if isinstance(response, Response) else None
            if operation is not None:
                span.update_name(f"graphql {operation}")
                span.set_attribute("graphql.operation.name", operation)
            span.set_attribute("http.response.status_code", status)
            span.end()

    def _trace(self, tracing: Tracing) -> None:
        """Begin a span, and let it take the place of the client's: everything else goes on below it."""
        request = self.request
        told = request.headers.get(TRACEPARENT)
        parent = told.decode("ascii") if told is not None and is_traceparent(told) else None
        if parent is None and (passed_over := tracing.passed_over()) is not None:
            self.request = request._replace(headers={**request.headers, TRACEPARENT: passed_over.encode()})
            return
        attributes = {"http.request.method": request.method, "url.path": request.path}
        client = request.headers.get(CLIENT_NAME)
        if client is not None:
            attributes["graphql.client.name"] = client[:100].decode("latin-1")
        span = self._span = tracing.begin(f"{request.method} {request.path}", parent, "server", attributes)
        self.request = request._replace(headers={**request.headers, TRACEPARENT: tracing.traceparent_of(span).encode()})
