"""A router whose requests are seen: counted, measured and traced. One that nobody looks at is made without all this."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from typing_extensions import override

from router.server.app import Mount
from router.server.exchange import Answer, HeaderBlock, HttpRequest, Reply, Response
from router.server.plugged import PluggedRouterApp
from router.telemetry.correlation import CLIENT_NAME, TRACEPARENT, is_traceparent
from router.telemetry.sight import Sight
from router.telemetry_settings import TelemetrySettings
from router.traffic.calls import Call

if TYPE_CHECKING:
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


_ABANDONED: Final = 499
"""The status of what nobody waited for."""


class ObservedRouterApp(PluggedRouterApp):
    """Answers requests, and tells what is to be seen of that."""

    def __init__(self, *arguments: Any, sight: Sight, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._metrics = sight.metrics
        self._tracing = sight.tracing

    @override
    def begin(self, request: HttpRequest, done: Callable[[Answer], None]) -> Call | None:
        """Begin a request that can go the short way."""
        traced = None if self._tracing is None else _traced(self._tracing, request)
        if traced is None:
            call = super().begin(request, done)
        else:
            call = traced.follow(super().begin(traced.request, traced.land), done)
        if call is not None and self._metrics is not None:
            self._metrics.active += 1
        return call

    @override
    async def respond(self, request: HttpRequest) -> Answer:
        """Answer a request, whatever it is."""
        begun = time.perf_counter()
        if self._metrics is not None:
            self._metrics.active += 1
        traced = None if self._tracing is None else _traced(self._tracing, request)
        try:
            answer = await super().respond(request if traced is None else traced.request)
        except BaseException:
            self.abandoned(request, begun)
            if traced is not None:
                traced.end(None)
            raise
        if traced is not None:
            traced.end(answer.response)
        return answer

    @override
    def finished(self, request: HttpRequest, response: Reply, request_id: bytes, begun: float) -> Answer:
        """Return a response with what only this exchange has, and count it."""
        if self._metrics is not None:
            self._metrics.active -= 1
            self._metrics.request_ended(request.method, response.status, time.perf_counter() - begun)
            if isinstance(response, Response) and response.errors:
                self._metrics.errors_told(response.errors)
        return super().finished(request, response, request_id, begun)

    @override
    def traceparent_of(self, request: HttpRequest, request_id: bytes) -> bytes | None:
        """Return the place of a request in a trace, even if nobody looks at that one."""
        known = super().traceparent_of(request, request_id)
        if known is not None or self._tracing is None:
            return known
        return self._tracing.passed_over(request_id).encode()

    @override
    def abandoned(self, request: HttpRequest, begun: float) -> None:
        """Count a request whose client did not wait for its answer, or that took too long."""
        if self._metrics is not None:
            self._metrics.active -= 1
            self._metrics.request_ended(request.method, _ABANDONED, time.perf_counter() - begun)


class _Traced:
    """One request that has a span, which takes the place of the client's: everything else goes on below it."""

    __slots__ = ("_call", "_done", "_span", "request")

    _call: Call
    _done: Callable[[Answer], None]

    def __init__(self, tracing: Tracing, request: HttpRequest, parent: str | None) -> None:
        attributes = {"http.request.method": request.method, "url.path": request.path}
        client = request.headers.get(CLIENT_NAME)
        if client is not None:
            attributes["graphql.client.name"] = client[:100].decode("latin-1")
        span = self._span = tracing.begin(f"{request.method} {request.path}", parent, "server", attributes)
        self.request = request._replace(headers={**request.headers, TRACEPARENT: tracing.traceparent_of(span).encode()})

    def follow(self, call: Call | None, done: Callable[[Answer], None]) -> Call | None:
        """Take the place of what answers the request, if that was begun."""
        if call is None:
            return None
        self._call, self._done = call, done
        return self

    def land(self, answer: Answer) -> None:
        """Take its answer."""
        self.end(answer.response)
        self._done(answer)

    def cancel(self) -> None:
        """Give it up."""
        self.end(None)
        self._call.cancel()

    def end(self, response: Reply | None) -> None:
        """Write down how it ended; without a response, it was given up."""
        span = self._span
        operation = response.operation if isinstance(response, Response) else None
        if operation is not None:
            span.update_name(f"graphql {operation}")
            span.set_attribute("graphql.operation.name", operation)
        span.set_attribute("http.response.status_code", _ABANDONED if response is None else response.status)
        span.end()


def _traced(tracing: Tracing, request: HttpRequest) -> _Traced | None:
    """Begin the span of a request, if somebody is to look at it: the client says so, or chance does."""
    told = request.headers.get(TRACEPARENT)
    parent = told.decode("ascii") if told is not None and is_traceparent(told) else None
    return None if parent is None and not tracing.is_chosen() else _Traced(tracing, request, parent)
