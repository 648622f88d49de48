"""The router's way through ASGI, for programs that serve it with a server of their own.

The router's own processes do without (see `protocol`): what ASGI puts between the socket and an answer costs more than
the router itself does with a small request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol, TypeAlias

from router.server.body_stream import AsgiBody
from router.server.exchange import BODILESS, CLIENT_ADDRESS, FORM, Answer, HttpRequest
from router.server.streams.asgi import send_stream
from router.server.streams.port import StreamResponse
from router.server.watch import Ended, Watch
from router.traffic.calls import Call

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


class Responder(Protocol):
    """What answers requests."""

    body_limit: int
    head_limit: int

    def begin(self, request: HttpRequest, done: Callable[[Answer], None], /) -> Call | None:
        """Begin a request that needs no task; None if it does. `done` is called later, or never once cancelled."""
        ...

    async def respond(self, request: HttpRequest, /) -> Answer:
        """Answer a request; only cancellation leaves this."""
        ...

    def give_up(self, request: HttpRequest, /) -> Answer:
        """Return what is answered when time is up."""
        ...

    def close(self) -> None:
        """Put down what is in hand at the end."""
        ...


class ClientGoneError(Exception):
    """The client closed the connection before it had sent its request."""


class AsgiAdapter:
    """Serves ASGI connections; WebSockets are spoken by the router's own server only."""

    def __init__(self, responder: Responder, request_timeout: float) -> None:
        self._responder = responder
        self._watch = Watch(request_timeout)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self._responder.close()
                await send({"type": "lifespan.shutdown.complete"})
                return
            await send({"type": f"{message['type']}.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client") or ("",)
        headers = {**dict(scope["headers"]), CLIENT_ADDRESS: str(client[0]).encode()}
        stream = None
        if headers.get(b"content-type", b"")[: len(FORM)].lower() == FORM:
            body, stream = None, AsgiBody(receive)
            receive = stream.after
        else:
            try:
                body = await read_body(receive, self._responder.body_limit)
            except ClientGoneError:
                return
        request = HttpRequest(scope["method"], scope["path"], scope["query_string"], headers, body, stream)
        watched = self._watch.begin(asyncio.get_running_loop(), receive)
        try:
            answer = await self._responder.respond(request)
        except asyncio.CancelledError:
            if watched.ended is None:
                raise
            watched.task.uncancel()
            if watched.ended is Ended.CLIENT_GONE:
                return
            answer = self._responder.give_up(request)
        finally:
            self._watch.finish(watched)
        await _send(send, answer)
        if isinstance(answer.response, StreamResponse):
            await send_stream(answer.response, receive, send)


async def read_body(receive: Receive, limit: int) -> bytes | None:
    """Read a whole body; None if it goes beyond `limit` bytes, and then the rest is not waited for.

    Raises:
        ClientGoneError: the client closed the connection first.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        parts, size = [body], len(body)
        while message.get("more_body", False) and size <= limit:
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
        body = b"".join(parts)
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    return body if len(body) <= limit else None


async def _send(send: Send, answer: Answer) -> None:
    response, extra = answer
    headers = [*response.headers, *extra]
    if isinstance(response, StreamResponse):
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        return
    if response.status not in BODILESS:
        headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
