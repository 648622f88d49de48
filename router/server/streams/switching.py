"""From HTTP to WebSocket on one connection: the library's connection takes the place of ours.

What `websockets` expects of a server that runs its connections is little, and given here; the rest (frames, the closing
handshake, pings, limits) is the library's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, cast
from urllib.parse import quote

import structlog
from typing_extensions import override
from uvicorn.server import ServerState
from websockets.asyncio.server import Server, ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from router.server.exchange import Answer, HttpRequest
from router.server.streams.outlets import Stall, expect_to_be_heard
from router.server.streams.port import SocketResponse

_LOG: Final = structlog.get_logger("router.server")
_LIBRARY_LOG: Final = logging.getLogger("router.websockets")
_LIBRARY_LOG.setLevel(logging.WARNING)  # the library tells of every connection
_CLOSE_SECONDS: Final = 2.0
_GOING_AWAY: Final = 1001
_FAILED: Final = 1011


class SwitchedConnection(ServerConnection):
    """A WebSocket connection on a socket that began with HTTP; a `Socket` to the streams.

    Args:
        answer: consent to the WebSocket, with what runs on it.
        response: that consent, the response of `answer`.
        state: the server's, in which the connection is noted.
        early: what the client sent without waiting for consent.
    """

    def __init__(self, answer: Answer, response: SocketResponse, state: ServerState, early: bytes) -> None:
        protocol = ServerProtocol(
            subprotocols=[Subprotocol(each) for each in response.subprotocols],
            select_subprotocol=_choose,
            max_size=response.message_bytes,
            logger=_LIBRARY_LOG,
        )
        super().__init__(
            protocol,
            cast("Server", _Host(self._serve)),
            ping_interval=response.ping_interval,
            ping_timeout=response.ping_timeout,
            close_timeout=_CLOSE_SECONDS,
        )
        self.on_room: Callable[[], None] = lambda: None
        self.on_stop: Callable[[], None] = lambda: self.close_soon(_GOING_AWAY, "The router is stopping.")
        self._headers = answer.headers
        self._run = response.run
        self._server_state = state
        self._early = early
        self._stall_timeout = response.stall_timeout
        self._stall: Stall
        self._closing: asyncio.Task[None] | None = None

    # As the event loop and the server see it ------------------------------------------------------------------

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection over."""
        writable = cast("asyncio.Transport", transport)  # uvloop's are no subclass of asyncio's
        self._stall = Stall(writable, self._stall_timeout)
        expect_to_be_heard(writable)
        self._server_state.connections.add(self)  # type: ignore[arg-type]
        super().connection_made(transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stall.end()
        self._server_state.connections.discard(self)  # type: ignore[arg-type]
        super().connection_lost(exc)
        self.on_room()

    @override
    def pause_writing(self) -> None:
        """The client is behind."""
        super().pause_writing()
        self._stall.begin()

    @override
    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        self._stall.end()
        self.on_room()

    def shutdown(self) -> None:
        """End the connection, since the server ends."""
        self.on_stop()

    # As the streams see it ------------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether the client is behind with reading."""
        return self.paused

    def write(self, data: bytes) -> None:
        """Send a text message at once."""
        if self.protocol.state is State.OPEN:
            self.protocol.send_text(data)
            self.send_data()

    async def receive(self) -> str | bytes | None:
        """Return the next message, or None when the connection has ended."""
        try:
            return await self.recv()
        except ConnectionClosed:
            return None

    def close_soon(self, code: int, reason: str) -> None:
        """Begin to close the connection, unless that has begun; a client that takes nothing is not waited for."""
        if self._closing is None:
            self._closing = self.loop.create_task(self.close(code, reason))
            self.loop.call_later(_CLOSE_SECONDS, self.transport.abort)

    def abort(self) -> None:
        """Cut the connection off."""
        self.transport.abort()

    async def _serve(self, _connection: object) -> None:
        try:
            await self.handshake(server_header=None, process_response=self._complete)
            if self.protocol.state is not State.OPEN:
                self.transport.close()
                return
            self.start_keepalive()
            self.data_received(self._early)
            self.transport.resume_reading()
            await self._run(self)
            self.close_soon(1000, "")
        except Exception:
            _LOG.exception("a WebSocket failed for a reason of the router's own")
            self.close_soon(_FAILED, "Internal error")

    def _complete(self, _connection: object, _request: object, response: Response) -> None:
        for name, value in self._headers:
            response.headers[name.decode("latin-1")] = value.decode("latin-1")


class _Host:
    """What stands in for the library's server."""

    def __init__(self, handler: Callable[[object], Coroutine[Any, Any, None]]) -> None:
        self.handler = handler
        self.handler_tasks: set[asyncio.Task[None]] = set()

    def is_serving(self) -> bool:
        """Consent: that the server ends was asked before."""
        return True


def _choose(protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Choose a subprotocol; a client that offers none that is known hears that by the code of its closing."""
    return next((each for each in offered if each in (protocol.available_subprotocols or ())), None)


def request_head(request: HttpRequest) -> bytes:
    """Return the head of a request as it came, for the library to read."""
    query = b"?" + request.query_string if request.query_string else b""
    target = quote(request.path).encode() + query
    lines = b"".join(b"%b: %b\r\n" % each for each in request.headers.items())
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (request.method.encode(), target, lines)
