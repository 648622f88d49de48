"""The requests by which clients of graphql-sse make one event stream carry all their operations (see `event_session`).

A token lives in the worker that gave it out, so this is served where there is only one worker.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias
from urllib.parse import parse_qs

from router.execution.errors import ExecutionError
from router.execution.exchange import GraphQLRequest
from router.server.endpoint import GraphQLEndpoint
from router.server.errors import (
    EventStreamNotFoundError,
    EventStreamTakenError,
    InvalidRequestError,
    MethodNotAllowedError,
    NotAcceptableError,
    OperationIdTakenError,
    TooManyConnectionsError,
    TooManyOperationsError,
)
from router.server.exchange import HeaderBlock, HttpRequest, Response
from router.server.streams.client import Client, StreamServices
from router.server.streams.event_session import EventSession
from router.server.streams.formats import SSE
from router.server.streams.port import StreamResponse

TOKEN: Final = b"x-graphql-event-stream-token"
_METHODS: Final = {"PUT", "DELETE"}
_PLAIN: Final = HeaderBlock(
    [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
)
_EVENTS: Final = HeaderBlock(
    [
        (b"content-type", SSE.media),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
        (b"x-content-type-options", b"nosniff"),
    ]
)
Read: TypeAlias = Callable[[HttpRequest], Awaitable[GraphQLRequest]]
"""Reads an operation from a request."""


class SingleConnections:
    """Answers requests in the single connection mode.

    Args:
        services: what serves all streams.
        single: answers what cannot run.
        read: reads operations.
    """

    def __init__(self, services: StreamServices, single: GraphQLEndpoint, read: Read) -> None:
        self._services = services
        self._settings = services.settings.single_connections
        self._single = single
        self._read = read

    @staticmethod
    def concerns(http: HttpRequest) -> bool:
        """Tell whether a request is one of these."""
        return TOKEN in http.headers or http.method in _METHODS or b"&token=" in b"&" + http.query_string

    async def answer(self, http: HttpRequest, request_id: bytes) -> Response | StreamResponse:
        """Answer a request.

        Raises:
            HttpError: it cannot be taken.
        """
        match http.method:
            case "PUT":
                return await self._reserve(http)
            case "GET":
                return self._open(http)
            case "POST":
                return await self._run(http, request_id)
            case "DELETE":
                return await self._stop(http)
            case _:
                allowed = (b"allow", b"GET, POST, PUT, DELETE")
                raise MethodNotAllowedError("GraphQL is served by GET and POST.", headers=[allowed])

    async def _reserve(self, http: HttpRequest) -> Response:
        owner = await self._caller(http)
        if len(self._services.event_sessions) >= self._settings.max_connections:
            raise TooManyConnectionsError("No further event stream can be served here.")
        return Response(201, _PLAIN, EventSession(self._services, owner).token.encode())

    def _open(self, http: HttpRequest) -> StreamResponse:
        """Open the stream; the token is all that is asked for, since browsers can send no header with it."""
        session = self._session(http)
        accept = http.headers.get(b"accept", b"*/*")
        if b"text/event-stream" not in accept and b"*/*" not in accept:
            raise NotAcceptableError("The accept header must allow 'text/event-stream'.")
        if session.is_open:
            raise EventStreamTakenError("The event stream is open already.")
        return StreamResponse(200, _EVENTS, session.run, self._services.settings.stall_timeout)

    async def _run(self, http: HttpRequest, request_id: bytes) -> Response:
        request = await self._read(http)
        session = await self._own(http)
        number = (request.extensions or {}).get("operationId")
        if not isinstance(number, str) or not number:
            raise InvalidRequestError("'extensions.operationId' must name the operation.")
        try:
            await self._services.engine.prepare(request)
        except ExecutionError:
            return await self._single.answer(http, request_id)
        if number in session.operations:
            raise OperationIdTakenError("An operation of this id runs already.")
        if len(session.operations) >= self._settings.max_operations:
            raise TooManyOperationsError("Too many operations run.")
        callers = self._services.callers
        identity = await callers.identify(http.headers)
        session.start(number, request, Client(identity, callers.forwarded(http.headers), request_id, http.headers))
        return Response(202, _PLAIN, b"", request.operation_name)

    async def _stop(self, http: HttpRequest) -> Response:
        session = await self._own(http)
        number = _parameter(http.query_string, "operationId")
        if number is None:
            raise InvalidRequestError("The parameter 'operationId' must name the operation.")
        operation = session.operations.get(number)
        if operation is not None:
            operation.stop()
        return Response(200, _PLAIN, b"")

    async def _own(self, http: HttpRequest) -> EventSession:
        """Return the session of a request's token, if it belongs to the caller."""
        session = self._session(http)
        if await self._caller(http) != session.owner:
            raise EventStreamNotFoundError("There is no event stream of this token.")
        return session

    def _session(self, http: HttpRequest) -> EventSession:
        token = http.headers.get(TOKEN, b"").decode("latin-1") or _parameter(http.query_string, "token")
        session = self._services.event_sessions.get(token or "")
        if session is None:
            raise EventStreamNotFoundError("There is no event stream of this token.")
        return session

    async def _caller(self, http: HttpRequest) -> str | None:
        headers: Mapping[bytes, bytes] = http.headers
        identity = await self._services.callers.identify(headers)
        return None if identity is None else identity.id


def _parameter(query_string: bytes, name: str) -> str | None:
    values = parse_qs(query_string.decode("latin-1"), max_num_fields=32).get(name)
    return values[0] if values else None
