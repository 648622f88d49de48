"""HTTP/1.1 as the router's own processes speak it, under uvicorn's server.

uvicorn's protocol makes an ASGI scope, an event, two messages and a timer for each request, checks each header with
regular expressions and writes the head and the body of a response apart: three times the work that the router itself
has with a small request. This one parses with the same parser (llhttp), hands over requests whose body has arrived, and
writes each response in one piece. One sweep twice a second looks after all time limits of all connections.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from http import HTTPStatus
from typing import Any, Final

from typing_extensions import override
from uvicorn.server import ServerState

from router.config import ServerSettings
from router.server.asgi import Responder
from router.server.exchange import BODILESS, Answer, HttpRequest, Response
from router.server.heads import KnownHeads
from router.server.request_reader import STATUS_LINES, RequestReader, refusal
from router.server.streams.outlets import BodyOutlet
from router.server.streams.port import SocketResponse, StreamResponse
from router.server.streams.switching import SwitchedConnection, request_head
from router.traffic.calls import Call
from router.traffic.turns import Turn

_HEAD_SECONDS: Final = 20.0
_PARTING_SECONDS: Final = 2.0
_MOST_WAITING: Final = 16
_WORTH_COPYING: Final = 16_384
_SWEEP_SECONDS: Final = 0.5
_FOR_EVER: Final = math.inf
"""When a request was begun whose answer is a stream: no limit of time ends it."""

_TOO_SLOW: Final = refusal(HTTPStatus.REQUEST_TIMEOUT)


class Connections:
    """What all connections of one router have in common: who answers, and how long is waited for what."""

    def __init__(self, responder: Responder, settings: ServerSettings) -> None:
        self.responder = responder
        self._keep_alive = settings.keep_alive
        self._request_timeout = settings.request_timeout
        self._sweeping = False
        self._heads = KnownHeads()
        self._turn = Turn()

    def protocol(self, *, server_state: ServerState, **_: Any) -> RouterProtocol:
        """Make the protocol of a new connection; uvicorn calls this as it would call a class."""
        if not self._sweeping:
            self._sweeping = True
            asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep, server_state)
        return RouterProtocol(self.responder, server_state, self._heads, self._turn)

    def _sweep(self, state: ServerState) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in list(state.connections):
            if isinstance(connection, RouterProtocol):
                connection.look_at_clock(now, self._keep_alive, self._request_timeout)
        self._sweeping = bool(state.connections)
        if self._sweeping:
            loop.call_later(_SWEEP_SECONDS, self._sweep, state)


class RouterProtocol(RequestReader):
    """One connection of a client.

    Requests that a client sends ahead wait for their turn; so that it cannot pile them up, reading pauses when there
    are many, and while the client does not take what was written.
    """

    __slots__ = (
        "_answering",
        "_begun",
        "_expired",
        "_keep_alive",
        "_outlet",
        "_request",
        "_state",
        "_turn",
        "_unsent",
        "_waiting",
        "_write_paused",
    )

    def __init__(self, responder: Responder, state: ServerState, heads: KnownHeads, turn: Turn) -> None:
        super().__init__(responder, heads)
        self._state = state
        self._turn = turn
        self._answering: Call | None = None
        self._request: HttpRequest
        self._keep_alive = True
        """The request that is being answered, and whether its client wants to keep the connection."""
        self._waiting: deque[tuple[HttpRequest, bool]] = deque()
        self._begun = 0.0
        """When the request that is being answered was begun."""
        self._expired = self._write_paused = False
        self._unsent = 0
        """How much the client had still to take when that was last looked at."""
        self._outlet: BodyOutlet | None = None

    # The life of the connection --------------------------------------------------------------------------------------

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]).encode() if isinstance(peer, tuple) else b""
        self._state.connections.add(self)  # type: ignore[arg-type]

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """End, and give up what the client asked for."""
        self._state.connections.discard(self)  # type: ignore[arg-type]
        self._closing = True
        self._waiting.clear()
        if self._answering is not None:
            self._answering.cancel()

    @property
    @override
    def idle(self) -> bool:
        """Whether no request is being answered."""
        return self._answering is None

    @property
    def busy_since(self) -> float | None:
        """When the request came that is being answered; None if none is."""
        return None if self._answering is None or self._begun == _FOR_EVER else self._begun

    def shutdown(self) -> None:
        """Take no further requests; what was asked for is still answered."""
        self._closing = True
        if self._answering is None:
            self._transport.close()
        elif self._outlet is not None:
            self._outlet.on_stop()

    def look_at_clock(self, now: float, keep_alive: float, request_timeout: float) -> None:
        """End what has lasted too long."""
        waited = now - self._since
        if self._answering is not None:
            if now - self._begun > request_timeout and not self._expired:
                self._give_up(self._answering)
        elif self._reading == "body":
            if waited > request_timeout:
                self._refuse(_TOO_SLOW)
        elif waited > {"nothing": keep_alive, "head": _HEAD_SECONDS, "in vain": _PARTING_SECONDS}[self._reading]:
            self._close_or_abort(now)

    def _close_or_abort(self, now: float) -> None:
        """Close; from a client that takes nothing more of its answers the connection is taken."""
        left = self._transport.get_write_buffer_size()
        if not left:
            self._transport.close()
        elif left == self._unsent:
            self._transport.abort()
        else:
            self._unsent, self._since = left, now

    @override
    def pause_writing(self) -> None:
        """Read no more from a client that does not take its answers."""
        self._write_paused = True
        self._pace()
        if self._outlet is not None:
            self._outlet.pause()

    @override
    def resume_writing(self) -> None:
        """Read on."""
        self._write_paused = False
        self._pace()
        if self._outlet is not None:
            self._outlet.resume()

    def _pace(self) -> None:
        if self._write_paused or len(self._waiting) >= _MOST_WAITING:
            self._transport.pause_reading()
        elif not self._transport.is_closing():
            self._transport.resume_reading()

    @override
    def _refuse(self, answer: bytes) -> None:
        """End a connection on which no further request can be made out, after those that are being answered."""
        self._refused = self._closing = True
        if self._answering is None:
            self._transport.write(answer)
            self._part()

    def _part(self) -> None:
        """Say no more, and close once the client has heard that.

        To close while it still sends would reset the connection, and the client might never see its answer.
        """
        if self._early:
            self._transport.resume_reading()
        self._reading = "in vain"
        self._since = self._loop.time()
        self._transport.write_eof()

    @override
    def _submit(self, request: HttpRequest, keep_alive: bool) -> None:
        if self._answering is None:
            self._start(request, keep_alive)
        else:
            self._waiting.append((request, keep_alive))
            if len(self._waiting) >= _MOST_WAITING:
                self._pace()

    # Answering --------------------------------------------------------------------------------------------------------

    def _start(self, request: HttpRequest, keep_alive: bool) -> None:
        self._begun = self._loop.time()
        self._request = request
        self._keep_alive = keep_alive
        self._answering = self._responder.begin(request, self._take_later)
        if self._answering is None:
            self._answering = self._loop.create_task(self._answer(request, keep_alive))

    async def _answer(self, request: HttpRequest, keep_alive: bool) -> None:
        try:
            answer = await self._responder.respond(request)
        except asyncio.CancelledError:
            if not self._expired:
                raise
            self._expired = False
            answer = self._responder.give_up(request)
        if self._incoming is not None and request.stream is self._incoming:
            # Nobody wants the rest of the body, and behind it no further request can be made out.
            self._refused = self._closing = True
            self._incoming.release()
        if isinstance(answer.response, StreamResponse):
            await self._stream(answer.response, answer, keep_alive)
        self._take(answer)

    def _give_up(self, answering: Call) -> None:
        """End a request that takes too long; a task answers when it has ended."""
        answering.cancel()
        if isinstance(answering, asyncio.Task):
            self._expired = True
        else:
            self._take(self._responder.give_up(self._request))

    def _take_later(self, answer: Answer) -> None:
        """Take an answer at the end of the turn, unless it has been given up by then."""
        self._turn.end_with(self._take_in_time, (self._answering, answer))

    def _take_in_time(self, due: tuple[Call, Answer]) -> None:
        answering, answer = due
        if self._answering is answering:
            self._take(answer)

    def _take(self, answer: Answer) -> None:
        self._answering = None
        self._state.total_requests += 1
        self._finish(self._request, answer, self._keep_alive and not self._closing)

    def _finish(self, request: HttpRequest, answer: Answer, keep_alive: bool) -> None:
        if self._transport.is_closing():
            return
        waiting = self._waiting
        keep_alive = keep_alive or bool(waiting)
        response = answer.response
        if type(response) is Response:
            self._write(request, response, answer, keep_alive)
        elif isinstance(response, SocketResponse):
            self._switch(request, response, answer)
            return
        if waiting:
            self._start(*waiting.popleft())
            self._pace()
        elif self._refused:
            self._part()
        elif not keep_alive:
            self._transport.close()
        elif self._reading == "nothing":
            self._since = self._loop.time()

    async def _stream(self, response: StreamResponse, answer: Answer, keep_alive: bool) -> None:
        """Write a body as it comes, for as long as that may last."""
        self._begun = _FOR_EVER
        chunked = self._parser.get_http_version() != "1.0"
        framing = b"transfer-encoding: chunked\r\n" if chunked else b""
        kept = b"" if keep_alive and chunked else b"connection: close\r\n"
        self._transport.write(b"%b%b%b\r\n" % (self._head(response, answer), framing, kept))
        outlet = self._outlet = BodyOutlet(self._transport, chunked=chunked, stall_timeout=response.stall_timeout)
        try:
            await response.run(outlet)
        finally:
            outlet.close()
            self._outlet = outlet if outlet.full else None

    def _switch(self, request: HttpRequest, response: SocketResponse, answer: Answer) -> None:
        """Let a WebSocket have the connection."""
        transport = self._transport
        self._state.connections.discard(self)  # type: ignore[arg-type]
        connection = SwitchedConnection(answer, response, self._state, self._early)
        transport.set_protocol(connection)
        connection.connection_made(transport)
        connection.data_received(request_head(request))

    def _head(self, response: Response | StreamResponse, answer: Answer) -> bytes:
        return b"%b%b%b" % (
            STATUS_LINES[response.status],
            response.headers.text,
            b"".join([b"%b: %b\r\n" % pair for pair in (*self._state.default_headers, *answer.headers)]),
        )

    def _write(self, request: HttpRequest, response: Response, answer: Answer, keep_alive: bool) -> None:
        body = response.body
        head = b"%b%b%b\r\n" % (
            self._head(response, answer),
            b"" if response.status in BODILESS else b"content-length: %d\r\n" % len(body),
            b"" if keep_alive else b"connection: close\r\n",
        )
        if request.method == "HEAD":
            body = b""
        if len(body) < _WORTH_COPYING:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))
