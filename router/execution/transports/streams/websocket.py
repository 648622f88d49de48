"""Streams over WebSocket, in the language of graphql-ws; subgraphs that only know its older sister are understood too.

The client's greeting carries the headers that a request over HTTP would, since many servers look for credentials there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from router.execution.errors import WebSocketError
from router.execution.transports.port import SubgraphRequest, SubgraphResponse
from router.execution.transports.streams.settings import StreamLimits

_LIBRARY_LOG: Final = logging.getLogger("router.websockets.client")
_LIBRARY_LOG.setLevel(logging.WARNING)  # the library tells of every connection
_STREAM_ID: Final = "1"
_CLOSE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Dialect:
    """The words in which the two protocols differ."""

    name: str
    subscribe: str
    event: str
    stop: str


_MODERN: Final = _Dialect("graphql-transport-ws", "subscribe", "next", "complete")
_OLD: Final = _Dialect("graphql-ws", "start", "data", "stop")


@dataclass(frozen=True, slots=True)
class WebSocketStreams:
    """Opens a connection for each stream."""

    url: str
    limits: StreamLimits

    async def open(self, request: SubgraphRequest) -> AsyncGenerator[SubgraphResponse]:
        """Open a stream."""
        try:
            async with self._connected(request) as socket:
                dialect = _OLD if socket.subprotocol == _OLD.name else _MODERN
                conversation = _Conversation(socket, dialect, self.limits.idle_seconds)
                async with asyncio.timeout(self.limits.connect_seconds):
                    await conversation.begin(request)
                try:
                    while (event := await conversation.next()) is not None:
                        yield event
                finally:
                    await conversation.end()
        except (OSError, WebSocketException, TimeoutError) as error:
            raise WebSocketError(_reason(error)) from error

    def _connected(self, request: SubgraphRequest) -> connect:
        return connect(
            websocket_url(self.url),
            subprotocols=[Subprotocol(_MODERN.name), Subprotocol(_OLD.name)],
            additional_headers=list(request.headers + request.trace),
            open_timeout=self.limits.connect_seconds,
            ping_interval=self.limits.idle_seconds / 2,
            ping_timeout=self.limits.idle_seconds / 2,
            close_timeout=_CLOSE_SECONDS,
            max_size=self.limits.max_event_bytes,
            compression=None,
            proxy=None,
            user_agent_header=None,
            logger=_LIBRARY_LOG,
        )


def websocket_url(url: str) -> str:
    """Return the address at which a subgraph takes WebSockets."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    return urlunsplit(parts._replace(scheme=scheme))


@dataclass(slots=True)
class _Conversation:
    """What is said on one connection."""

    socket: ClientConnection
    dialect: _Dialect
    idle_seconds: float
    over: bool = False

    async def begin(self, request: SubgraphRequest) -> None:
        """Greet the subgraph and subscribe.

        Raises:
            TransportError: it does not answer as it should.
        """
        await self._say({"type": "connection_init", "payload": dict(request.headers)})
        while (message := await self._hear())["type"] != "connection_ack":
            if message["type"] == "connection_error":
                raise WebSocketError("the subgraph refused the connection")
        payload: dict[str, Any] = {"query": request.operation.document, "variables": request.variables}
        if request.operation.operation_name is not None:
            payload["operationName"] = request.operation.operation_name
        await self._say({"id": _STREAM_ID, "type": self.dialect.subscribe, "payload": payload})

    async def next(self) -> SubgraphResponse | None:
        """Return the next event, or None when the stream is complete."""
        while not self.over:
            message = await self._hear()
            kind, payload = message["type"], message.get("payload")
            if kind == self.dialect.event and isinstance(payload, dict):
                return SubgraphResponse(decoded=payload)
            if kind == "error":
                self.over = True
                errors = payload if isinstance(payload, list) else [payload or {"message": "unknown error"}]
                return SubgraphResponse(decoded={"data": None, "errors": errors})
            if kind == "complete":
                self.over = True
        return None

    async def end(self) -> None:
        """Say that no more events are wanted."""
        if not self.over:
            with suppress(ConnectionClosed):
                await self._say({"id": _STREAM_ID, "type": self.dialect.stop})

    async def _say(self, message: Mapping[str, Any]) -> None:
        await self.socket.send(orjson.dumps(message).decode())

    async def _hear(self) -> dict[str, Any]:
        """Return the next message that says something; pings are answered."""
        while True:
            try:
                message = orjson.loads(await self.socket.recv())
            except orjson.JSONDecodeError:
                raise WebSocketError("a message of the subgraph is not JSON") from None
            if not isinstance(message, dict) or not isinstance(message.get("type"), str):
                raise WebSocketError("a message of the subgraph has no type")
            if message["type"] != "ping":
                return message
            await self._say({"type": "pong"})


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectionClosed) and error.rcvd is not None:
        return f"closed by the subgraph with {error.rcvd.code} {error.rcvd.reason}".rstrip()
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or type(error).__name__
