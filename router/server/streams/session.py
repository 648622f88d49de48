"""One client over WebSocket, in the language of `graphql-transport-ws`.

    client                                  router
    connection_init {payload}     ->
                                  <-        connection_ack
    subscribe {id, payload}       ->
                                  <-        next {id, payload} ...
                                  <-        complete {id}  or  error {id, payload}
    complete {id}                 ->

A client that breaks the rules is told by the code with which its connection is closed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from router.policy.identity import Identity
from router.server.errors import HttpError, UnidentifiedError
from router.server.graphql_request import read_request
from router.server.streams.client import Client, StreamServices
from router.server.streams.operation import SocketOperation
from router.server.streams.port import Socket

SUBPROTOCOL: Final = "graphql-transport-ws"

_INVALID: Final = 4400
_UNAUTHORIZED: Final = 4401
_FORBIDDEN: Final = 4403
_SUBPROTOCOL_UNKNOWN: Final = 4406
_INIT_TIMEOUT: Final = 4408
_ID_TAKEN: Final = 4409
_INIT_TWICE: Final = 4429


class RuleBrokenError(Exception):
    """The client broke a rule of the protocol; `code` closes the connection."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class SocketSession:
    """Serves one connection.

    Args:
        services: what all connections share.
        headers: those of the request that began the connection.
        request_id: the id of that request.
    """

    def __init__(self, services: StreamServices, headers: Mapping[bytes, bytes], request_id: bytes) -> None:
        self.services = services
        """Whatever serves now: another takes its place when the router goes over to a new schema."""
        self._headers = headers
        self._request_id = request_id
        self._settings = services.settings.websocket
        self._operations: dict[str, SocketOperation] = {}
        self._room = asyncio.Event()
        self._socket: Socket
        self._client: Client | None = None
        self._expiry: asyncio.TimerHandle | None = None

    async def run(self, socket: Socket) -> None:
        """Serve until either side closes the connection."""
        self._socket = socket
        socket.on_room = self._go_on
        if socket.subprotocol != SUBPROTOCOL:
            socket.close_soon(_SUBPROTOCOL_UNKNOWN, "Subprotocol not acceptable")
            return
        self.services.sessions.add(self)
        try:
            await self._converse()
        except RuleBrokenError as error:
            socket.close_soon(error.code, str(error)[:120])
        finally:
            self.services.sessions.discard(self)
            if self._expiry is not None:
                self._expiry.cancel()
            for operation in list(self._operations.values()):
                operation.stop()

    async def _converse(self) -> None:
        try:
            async with asyncio.timeout(self._settings.init_timeout):
                greeting = await self._greeting()
        except TimeoutError:
            raise RuleBrokenError(_INIT_TIMEOUT, "Connection initialisation timeout") from None
        if greeting is None:
            return
        await self._welcome(greeting)
        while (message := await self._receive()) is not None:
            self._take(message)
            if self._socket.full:
                self._room.clear()
                await self._room.wait()

    async def _receive(self) -> dict[str, Any] | None:
        """Return the next message, or None when the connection has ended.

        Raises:
            RuleBrokenError: it is not a JSON object with a type.
        """
        text = await self._socket.receive()
        if text is None:
            return None
        if isinstance(text, bytes):
            raise RuleBrokenError(_INVALID, "Messages are text.")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise RuleBrokenError(_INVALID, "The message is not JSON.") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise RuleBrokenError(_INVALID, "The message is not an object with a type.")
        return message

    # The beginning --------------------------------------------------------------------------------------------

    async def _greeting(self) -> dict[str, Any] | None:
        while (message := await self._receive()) is not None:
            match message["type"]:
                case "connection_init":
                    return message
                case "ping":
                    self._pong(message)
                case "pong":
                    pass
                case "subscribe":
                    raise RuleBrokenError(_UNAUTHORIZED, "Unauthorized")
                case _:
                    raise RuleBrokenError(_INVALID, "The connection is not initialised.")
        return None

    async def _welcome(self, greeting: dict[str, Any]) -> None:
        headers = {**self._headers, **_headers_of(greeting.get("payload"))}
        callers = self.services.callers
        try:
            identity = await callers.identify(headers)
        except UnidentifiedError as error:
            raise RuleBrokenError(_FORBIDDEN, str(error)) from None
        self._client = Client(identity, callers.forwarded(headers), self._request_id, headers)
        self._end_with_credentials(identity)
        self._socket.write(b'{"type":"connection_ack"}')
        self.services.look_after()

    def end_revoked(self, is_revoked: Callable[[Identity], bool]) -> None:
        """End the connection, if the token of its client was taken back."""
        identity = None if self._client is None else self._client.identity
        if identity is not None and is_revoked(identity):
            self._socket.close_soon(_FORBIDDEN, "The credentials were taken back.")

    def _end_with_credentials(self, identity: Identity | None) -> None:
        if identity is not None and identity.expires_at < float("inf"):
            left = max(0.0, identity.expires_at - time.time())
            loop = asyncio.get_running_loop()
            self._expiry = loop.call_later(left, self._socket.close_soon, _FORBIDDEN, "The credentials have expired.")

    # The conversation -----------------------------------------------------------------------------------------

    def _take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "subscribe":
                self._subscribe(message)
            case "complete":
                operation = self._operations.get(str(message.get("id")))
                if operation is not None:
                    operation.stop()
            case "ping":
                self._pong(message)
            case "pong":
                pass
            case "connection_init":
                raise RuleBrokenError(_INIT_TWICE, "Too many initialisation requests")
            case _:
                raise RuleBrokenError(_INVALID, "The type of the message is unknown.")

    def _pong(self, message: dict[str, Any]) -> None:
        payload = message.get("payload")
        answer = {"type": "pong"} if payload is None else {"type": "pong", "payload": payload}
        self._socket.write(orjson.dumps(answer))

    def _subscribe(self, message: dict[str, Any]) -> None:
        number, payload = message.get("id"), message.get("payload")
        if not isinstance(number, str) or not number or not isinstance(payload, dict):
            raise RuleBrokenError(_INVALID, "A subscribe message needs an id and a payload.")
        try:
            request = read_request(payload)
        except HttpError as error:
            raise RuleBrokenError(_INVALID, str(error)) from None
        if number in self._operations:
            raise RuleBrokenError(_ID_TAKEN, f"Subscriber for {number} already exists")
        operation = SocketOperation(number, self.services, self._socket, self._operations)
        if len(self._operations) >= self._settings.max_operations:
            operation.fail(({"message": "Too many operations run.", "extensions": {"code": "TOO_MANY_OPERATIONS"}},))
            return
        assert self._client is not None  # noqa: S101 - nothing is taken before the welcome
        operation.start(request, self._client)

    def _go_on(self) -> None:
        """Use the room that there is again."""
        for operation in list(self._operations.values()):
            operation.release()
        self._room.set()


def _headers_of(payload: object) -> dict[bytes, bytes]:
    """Return the headers that a client puts into its greeting: at its top, or under `headers`."""
    if not isinstance(payload, dict):
        return {}
    inner = payload.get("headers")
    given = {**payload, **inner} if isinstance(inner, dict) else payload
    return {
        name.lower().encode("latin-1", "replace"): value.encode("latin-1", "replace")
        for name, value in given.items()
        if isinstance(value, str) and "\r" not in value and "\n" not in value
    }
