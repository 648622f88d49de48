"""Requests that may be answered by a stream: who takes one, and who gets one.

A client that names a stream in its `Accept` header gets it for a subscription. For anything else it gets one document,
as everybody does, unless it takes nothing but streams.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import urlsplit

from router.config import RouterSettings
from router.execution.errors import ExecutionError
from router.execution.exchange import GraphQLRequest, GraphQLResponse, Outcome
from router.operations.errors import OperationRefusedError
from router.server.browsers import CsrfGuard
from router.server.endpoint import GraphQLEndpoint, Prepared
from router.server.errors import (
    BadHandshakeError,
    BodyTooLargeError,
    ForeignOriginError,
    MethodNotAllowedError,
    MutationByGetError,
    NotAcceptableError,
    OperationNotRunError,
    SubscriptionInBatchError,
    TooManyConnectionsError,
)
from router.server.exchange import HeaderBlock, HttpRequest, Response
from router.server.graphql_request import Batch, parse_body, parse_query_string
from router.server.negotiation import insist_on_json
from router.server.streams.client import Client, StreamServices
from router.server.streams.formats import Format
from router.server.streams.negotiation import Accepted, accepted
from router.server.streams.port import SocketResponse, StreamResponse
from router.server.streams.session import SUBPROTOCOL, SocketSession
from router.server.streams.single_connections import SingleConnections
from router.server.streams.writing import PartsWriter, Rendering, ResultWriter, StreamWriter

Writer: TypeAlias = StreamWriter | PartsWriter | ResultWriter


class StreamEndpoint:
    """Answers requests of clients that take streams.

    Args:
        services: what serves all streams.
        settings: how requests are taken.
        single: answers what has one answer.
    """

    def __init__(self, services: StreamServices, settings: RouterSettings, single: GraphQLEndpoint) -> None:
        self._services = services
        self._single = single
        self._settings = settings
        self._csrf = CsrfGuard(settings.csrf)
        self._origins = frozenset(settings.cors.origins)
        self._renderings: dict[Format, Rendering] = {}
        self.beside: StreamEndpoint | None = None
        """Another that begins and ends with this one."""
        self._shares = services.settings.single_connections.enabled and settings.server.workers == 1
        self._shared = SingleConnections(services, single, self._read)

    @staticmethod
    def concerns(headers: Mapping[bytes, bytes]) -> bool:
        """Tell whether a request may want a stream."""
        return accepted(headers.get(b"accept")) is not None or b"upgrade" in headers

    def wants(self, http: HttpRequest) -> bool:
        """Tell whether a request may want a stream, or that something is done about one."""
        return self.concerns(http.headers) or (self._shares and self._shared.concerns(http))

    async def hand_over(self, successor: StreamEndpoint) -> None:
        """Let a successor serve the clients that are there."""
        await self._services.hand_over(successor._services)
        if self.beside is not None and successor.beside is not None:
            await self.beside.hand_over(successor.beside)

    async def close(self) -> None:
        """End all subscriptions."""
        await self._services.unwatch()
        await self._services.subscriptions.close()
        if self.beside is not None:
            await self.beside.close()

    async def answer(self, http: HttpRequest, request_id: bytes) -> Response | StreamResponse | SocketResponse:
        """Answer a request.

        Raises:
            HttpError: it cannot be taken.
        """
        if http.headers.get(b"upgrade", b"").lower() == b"websocket" and http.method == "GET":
            return self._socket(http, request_id)
        if self._shares and self._shared.concerns(http):
            return await self._shared.answer(http, request_id)
        accepts = accepted(http.headers.get(b"accept"))
        if accepts is None:
            return await self._single.answer(http, request_id)
        return await self._answer(http, request_id, accepts)

    async def _answer(self, http: HttpRequest, request_id: bytes, accepts: Accepted) -> Response | StreamResponse:
        """Answer a client that takes a stream for what it sends."""
        request = await self._read(http)
        prepared = await self._prepared(request)
        kind = None if prepared is None else prepared.kind
        if kind == "mutation" and http.method == "GET":
            raise MutationByGetError
        parts = accepts.parts if prepared is not None and prepared.defers and kind != "subscription" else None
        if accepts.single and kind != "subscription" and parts is None:
            return await self._single.answer(http, request_id)
        form = accepts.subscription if parts is None else parts.form
        if form is None:
            raise NotAcceptableError("The accept header must allow a stream, or 'application/json'.")
        callers = self._services.callers
        identity = await callers.identify(http.headers)
        client = Client(identity, callers.forwarded(http.headers), request_id, http.headers)
        if kind == "subscription":
            return await self._subscription(request, client, form)
        context = self._services.context(client)
        if parts is None:
            answer = await self._services.executor.execute(request, context)
            return self._response(form, ResultWriter(answer, form), request)
        writer = PartsWriter(self._services.executor.execute_incremental(request, context), parts)
        return self._response(form, writer, request)

    async def _read(self, http: HttpRequest) -> GraphQLRequest:
        if http.method == "GET":
            self._csrf.check(http.headers)
            request = parse_query_string(http.query_string)
        elif http.method == "POST":
            insist_on_json(http.headers.get(b"content-type"))
            if http.body is None:
                raise BodyTooLargeError(self._settings.limits.body_bytes)
            body = parse_body(http.body)
            if isinstance(body, Batch):
                raise SubscriptionInBatchError("A batch is answered in one piece, not by a stream.")
            request = body
        else:
            raise MethodNotAllowedError("GraphQL is served by GET and POST.", headers=[(b"allow", b"GET, POST")])
        operations = self._services.operations
        if request.extensions is None and not operations.insists:
            return request
        try:
            return await operations.resolve(request, http.headers)
        except OperationRefusedError as error:
            raise OperationNotRunError(error) from error

    async def _prepared(self, request: GraphQLRequest) -> Prepared | None:
        try:
            return await self._services.engine.prepare(request)
        except ExecutionError:
            return None

    async def _subscription(self, request: GraphQLRequest, client: Client, form: Format) -> StreamResponse:
        services = self._services
        try:
            subscription = await services.subscribe(request, client)
        except ExecutionError as error:
            refusal = GraphQLResponse(Outcome.REFUSED, errors=error.as_dicts())
            return self._response(form, ResultWriter(refusal, form), request)
        rendering = self._renderings.setdefault(form, Rendering(form))
        return self._response(form, StreamWriter(subscription, rendering, services.settings.heartbeat), request)

    def _response(self, form: Format, writer: Writer, request: GraphQLRequest) -> StreamResponse:
        headers = HeaderBlock(
            [
                (b"content-type", form.media),
                (b"cache-control", b"no-store"),
                (b"x-accel-buffering", b"no"),
                (b"x-content-type-options", b"nosniff"),
            ]
        )
        stall_timeout = self._services.settings.stall_timeout
        return StreamResponse(200, headers, writer.run, stall_timeout, request.operation_name)

    # WebSocket ------------------------------------------------------------------------------------------------

    def _socket(self, http: HttpRequest, request_id: bytes) -> SocketResponse:
        settings = self._services.settings.websocket
        _insist_on_handshake(http.headers)
        self._insist_on_known_origin(http.headers)
        if not settings.enabled or len(self._services.sessions) >= settings.max_connections:
            raise TooManyConnectionsError("No further WebSocket can be served here.")
        session = SocketSession(self._services, http.headers, request_id)
        return SocketResponse(
            (SUBPROTOCOL,),
            settings.message_bytes,
            settings.ping_interval,
            settings.ping_timeout,
            self._services.settings.stall_timeout,
            session.run,
        )

    def _insist_on_known_origin(self, headers: Mapping[bytes, bytes]) -> None:
        """Let no page of a foreign origin use a person's browser: CORS does not hold for WebSockets.

        Raises:
            ForeignOriginError: such a page would.
        """
        origin = headers.get(b"origin", b"").decode("latin-1")
        if not origin or "*" in self._origins or origin in self._origins:
            return
        if urlsplit(origin).netloc.lower() != headers.get(b"host", b"").decode("latin-1").lower():
            raise ForeignOriginError("WebSockets are not open to pages of this origin.")


def _insist_on_handshake(headers: Mapping[bytes, bytes]) -> None:
    """Let only a request pass that the library will take for the beginning of a WebSocket.

    Raises:
        BadHandshakeError: it is none.
    """
    try:
        key = b64decode(headers.get(b"sec-websocket-key", b""), validate=True)
    except ValueError:
        key = b""
    upgraded = b"upgrade" in headers.get(b"connection", b"").lower()
    if len(key) != 16 or not upgraded or headers.get(b"sec-websocket-version") != b"13":
        raise BadHandshakeError
