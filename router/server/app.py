"""The router itself: no framework stands between the socket and the engine.

`create_router_app` is the whole public face. What it makes is served by the router's own processes through `protocol`,
and is an ASGI application for every other server.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeAlias

import structlog

from router.config import RouterSettings
from router.execution.engine import Engine
from router.operations.resolver import operation_resolver
from router.plugins.hooks import Plugin
from router.policy.api_keys import read_api_keys
from router.policy.header_rules import header_rules
from router.policy.internal_token import InternalTokenSigner
from router.policy.issuers import Verifier
from router.policy.revocation import revocations
from router.rates.executor import RateLimitedExecutor
from router.rates.limiter import RateLimiter, rate_limiter
from router.rest.facade import rest_handlers
from router.server.asgi import AsgiAdapter, Receive, Scope, Send
from router.server.browsers import Cors
from router.server.callers import Callers
from router.server.compression import Compressor
from router.server.endpoint import Executor, GraphQLEndpoint
from router.server.errors import HttpError, InternalError, NotAcceptableError, TimedOutError
from router.server.exchange import GRAPHQL_RESPONSE, JSON, Answer, Header, HttpRequest, Reply, Response, json_response
from router.server.explorer.endpoints import plan_endpoints
from router.server.explorer.page import ExplorerPage
from router.server.express import Express
from router.server.landing import landing_page
from router.server.negotiation import response_type
from router.server.pages import Pages, read_samples
from router.server.streams.client import StreamServices
from router.server.streams.endpoint import StreamEndpoint
from router.server.uploads.endpoint import UploadEndpoint
from router.telemetry.correlation import CLIENT_NAME, REQUEST_ID, TRACEPARENT, RequestIds, is_traceparent
from router.telemetry.logs import AccessLog
from router.telemetry.sight import UNSEEN, Sight
from router.traffic.calls import Call

_LOG: Final = structlog.get_logger("router.server")


Mount: TypeAlias = Callable[[HttpRequest], Awaitable[Reply]]
"""Answers everything below one path, for programs that serve more than the router."""


class RouterApp:
    """One router: answers requests, by itself or as an ASGI application."""

    def __init__(
        self,
        settings: RouterSettings,
        endpoint: GraphQLEndpoint,
        streams: StreamEndpoint,
        mounts: Mapping[str, Mount] | None = None,
        ids: Mapping[str, str] | None = None,
    ) -> None:
        self.body_limit = settings.limits.body_bytes
        self.head_limit = settings.limits.header_bytes
        self.draining = False
        """Whether the router is about to end: set, it answers on, but `/health/ready` sends new clients elsewhere."""
        self._path = settings.server.path
        self._profile = settings.server.profile
        self._endpoint = endpoint
        self._streams = streams
        self._mounts = tuple((mounts or {}).items())
        self._compressor = Compressor(settings.compression) if settings.compression.enabled else None
        self._cors = Cors(settings.cors)
        self._ids = RequestIds()
        self._access_log = _access_log(settings)
        self._pages = Pages(_explorer(settings), _landing(settings), lambda: not self.draining, ids or {})
        self._asgi = AsgiAdapter(self, settings.server.request_timeout)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        await self._asgi.serve(scope, receive, send)

    def close(self) -> None:
        """Write what is left of the access log and of what was counted."""
        if self._access_log is not None:
            self._access_log.flush()
        self._endpoint.operations.close()

    async def retire(self, successor: RouterApp) -> None:
        """Let a successor look after the subscriptions that it can go on with, and end the others."""
        await self._streams.hand_over(successor._streams)

    def published_documents(self) -> tuple[str, ...]:
        """Return the documents that clients have published."""
        return self._endpoint.operations.published_documents()

    async def aclose(self) -> None:
        """End what subscriptions are left and close connections to stores, after the last request."""
        await self._streams.close()
        await self._endpoint.aclose()

    async def respond(self, request: HttpRequest) -> Answer:
        """Answer a request, whatever it is; only cancellation leaves this."""
        begun = time.perf_counter()
        request_id = self._ids.of(request.headers)
        try:
            response = await self._respond(request, request_id)
        except Exception as error:
            response = self.failed(error, request, request_id)
        if isinstance(response, Response) and (compressing := self.compressing(response, request)) is not None:
            response = await compressing
        return self.finished(request, response, request_id, begun)

    def begin(self, request: HttpRequest, done: Callable[[Answer], None]) -> Call | None:
        """Begin a request that can go the short way; None stands for all others, which are for `respond`."""
        if request.path != self._path or request.method != "POST" or self._streams.concerns(request.headers):
            return None
        begun = time.perf_counter()
        request_id = self._ids.of(request.headers)
        try:
            ready = self._endpoint.ready(request, request_id)
        except HttpError:
            return None
        return None if ready is None else Express(self, request, ready, request_id, begun, done)

    def give_up(self, request: HttpRequest) -> Answer:
        """Return what is answered when time is up."""
        response = self._error(TimedOutError("The answer took too long."), request)
        # Whoever counts has counted it as abandoned.
        return RouterApp.finished(self, request, response, self._ids.of(request.headers), time.perf_counter())

    def failed(self, error: BaseException, request: HttpRequest, request_id: bytes) -> Response:
        """Return what is answered when something went wrong."""
        if isinstance(error, HttpError):
            return self._error(error, request)
        number = request_id.decode("ascii")
        _LOG.error("request failed", request_id=number, exc_info=error)
        return self._error(InternalError(f"Internal error (id {number})."), request)

    def compressing(self, response: Response, request: HttpRequest) -> Awaitable[Response] | None:
        """Return how a response is compressed, if the client takes that and it is worth it."""
        compressor, accept = self._compressor, request.headers.get(b"accept-encoding")
        if compressor is None or accept is None or len(response.body) < compressor.threshold:
            return None
        return compressor.compress(response, accept)

    async def _respond(self, request: HttpRequest, request_id: bytes) -> Reply:
        if request.path != self._path:
            for beginning, mount in self._mounts:
                if request.path.startswith(beginning):
                    return await mount(request._replace(headers={**request.headers, REQUEST_ID: request_id}))
            return self._pages.answer(request.method, request.path, request.headers, request.query_string)
        if request.method == "OPTIONS" and self._cors.enabled:
            return self._cors.preflight(request.headers)
        if self._pages.wants_explorer(request.method, request.headers, request.query_string):
            return self._pages.answer(request.method, "/", request.headers)
        if self._streams.wants(request):
            return await self._streams.answer(request, request_id)
        return await self._endpoint.answer(request, request_id)

    def finished(self, request: HttpRequest, response: Reply, request_id: bytes, begun: float) -> Answer:
        """Return a response with what only this exchange has, and write it down."""
        log = self._access_log
        if log is not None and response.status > log.worst_unrecorded:
            log.record(
                request_id=request_id,
                method=request.method,
                path=request.path,
                status=response.status,
                size=len(response.body),
                seconds=time.perf_counter() - begun,
                operation=response.operation,
                client=request.headers.get(CLIENT_NAME),
                traceparent=self.traceparent_of(request, request_id),
            )
        own: tuple[Header, ...] = ((REQUEST_ID, request_id),)
        if isinstance(response, Response) and response.own:
            own += response.own
        if self._cors.enabled:
            return Answer(response, (*own, *self._cors.headers(request.headers.get(b"origin"))))
        return Answer(response, own)

    def traceparent_of(self, request: HttpRequest, request_id: bytes) -> bytes | None:  # noqa: ARG002 - others need it
        """Return the place of a request in a trace, for the log."""
        brought = request.headers.get(TRACEPARENT)
        return brought if brought is not None and is_traceparent(brought) else None

    def abandoned(self, request: HttpRequest, begun: float) -> None:
        """Take note that nobody waits for an answer any more."""

    def _error(self, error: HttpError, request: HttpRequest) -> Response:
        try:
            media = response_type(request.headers.get(b"accept"), self._profile)
        except NotAcceptableError:
            media = JSON
        # Whoever takes GraphQL's own media type is promised that 200 comes with data.
        status = 400 if error.status == 200 and media == GRAPHQL_RESPONSE else error.status
        told = error.as_dict()
        return json_response(status, told, error.headers, media=media)._replace(errors=told["errors"])


def _access_log(settings: RouterSettings) -> AccessLog | None:
    mode = settings.telemetry.access_log
    return None if mode == "none" else AccessLog(mode, sys.stdout.buffer)


def _explorer(settings: RouterSettings) -> ExplorerPage | None:
    explorer = settings.explorer
    if not settings.explorer_is_on:
        return None
    return ExplorerPage(
        endpoint=settings.server.path, title=explorer.title, samples=read_samples(explorer), log_in=explorer.log_in
    )


def _landing(settings: RouterSettings) -> Response | None:
    return landing_page(settings.explorer.title, settings.server.path) if settings.landing_page else None


def _uploads(engine: Executor, settings: RouterSettings, limiter: RateLimiter | None) -> UploadEndpoint | None:
    if not settings.uploads.enabled:
        return None
    return UploadEndpoint(engine if limiter is None else RateLimitedExecutor(engine, limiter), settings)


def create_router_app(
    engine: Executor,
    settings: RouterSettings | None = None,
    *,
    verifier: Verifier | None = None,
    signer: InternalTokenSigner | None = None,
    uploading: Executor | None = None,
    mounts: Mapping[str, Mount] | None = None,
    ids: Mapping[str, str] | None = None,
    sight: Sight = UNSEEN,
    plugins: Sequence[Plugin] = (),
) -> RouterApp:
    """Make the ASGI application of a router.

    Args:
        engine: what answers the requests.
        settings: how they are taken; every one has a default.
        verifier: tells callers by their tokens; without one, tokens are not looked at and nobody is told apart.
        signer: makes the tokens by which subgraphs know the caller; without one, they get none.
        uploading: what answers requests that bring files, if that is another engine.
        mounts: what else is served, by the beginning of its paths.
        ids: names of what is served, for `/health`.
        sight: where what is seen of requests goes to.
        plugins: are called with requests and answers.
    """
    settings = settings or RouterSettings()
    operations = operation_resolver(settings)
    supergraph = engine.supergraph if isinstance(engine, Engine) else None
    limiter = rate_limiter(supergraph, settings, budgets=operations.counts)
    limited = None if limiter is None else RateLimitedExecutor(engine, limiter)
    callers = Callers(
        settings.headers,
        verifier,
        signer,
        api_keys=read_api_keys(settings.authentication.api_keys),
        revoked=revocations(settings.authentication.revocation),
        rules=None if supergraph is None else header_rules(settings.headers, supergraph.subgraphs),
        tells_addresses=limiter is not None,
        passed_over=None if sight.tracing is None else sight.tracing.passed_over,
    )
    uploads = _uploads(engine if uploading is None else uploading, settings, limiter)
    endpoint = GraphQLEndpoint(engine, settings, callers, operations, uploads, limited=limited)
    services = StreamServices(engine, callers, operations, settings.subscriptions, limited)
    streams = StreamEndpoint(services, settings, endpoint)
    plans = (
        plan_endpoints(engine, settings, callers, operations, streams, limiter=limiter)
        if settings.explorer_is_on
        else {}
    )
    rest = rest_handlers(engine, settings, callers, operations, limited)
    everything = {**plans, **rest, **(mounts or {})}
    if not sight and not plugins:
        return RouterApp(settings, endpoint, streams, everything, ids)
    from router.server.observed import ObservedRouterApp, metrics_page  # noqa: PLC0415 - it is a kind of router app

    seen = {**metrics_page(sight, settings.telemetry), **everything}
    return ObservedRouterApp(settings, endpoint, streams, seen, ids, sight=sight, plugins=plugins)
