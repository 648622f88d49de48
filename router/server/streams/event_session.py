"""One client in the single connection mode of graphql-sse: an event stream that carries the results of all operations.

    client                                        router
    PUT                                  ->
                                         <-       201, a token
    GET, with the token                  ->
                                         <-       200, the events of all operations, each with an operation's id
    POST, with the token                 ->
                                         <-       202; what comes of the operation goes to the stream
    DELETE ?operationId=, with the token ->
                                         <-       200; the operation has ended

Browsers open six connections to one origin with HTTP/1.1, and this needs one of them whatever is listened to.
"""

from __future__ import annotations

import asyncio
from secrets import token_urlsafe
from typing import Final

from router.execution.exchange import GraphQLRequest
from router.server.streams.client import Client, StreamServices
from router.server.streams.dialects import EVENTS
from router.server.streams.formats import SSE
from router.server.streams.operation import SocketOperation
from router.server.streams.port import Outlet

_MOST_WAITING: Final = 1_000_000
"""How many bytes may wait for a stream that was reserved and is not opened."""


class EventSession:
    """Serves one reservation, from the token to the end of the stream.

    Args:
        services: what all clients share.
        owner: who may use the token.
    """

    def __init__(self, services: StreamServices, owner: str | None) -> None:
        self.services = services
        """Whatever serves now: another takes its place when the router goes over to a new schema."""
        self.token = token_urlsafe(24)
        self.owner = owner
        self.operations: dict[str, SocketOperation] = {}
        self._outlet: Outlet | None = None
        self._waiting: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._heartbeat = services.settings.heartbeat
        timeout = services.settings.single_connections.reservation_timeout
        self._timer = self._loop.call_later(timeout, self.close)
        services.event_sessions[self.token] = self

    @property
    def is_open(self) -> bool:
        """Whether the stream was opened."""
        return self._outlet is not None

    def start(self, number: str, request: GraphQLRequest, client: Client) -> None:
        """Begin an operation."""
        SocketOperation(number, self.services, self, self.operations, EVENTS).start(request, client)

    async def run(self, outlet: Outlet) -> None:
        """Write until either side ends the stream; cancelling this ends all operations."""
        self._timer.cancel()
        self._outlet = outlet
        outlet.on_room = self._release
        outlet.on_stop = self.close
        outlet.write(SSE.opening + b"".join(self._waiting))
        self._waiting.clear()
        self._timer = self._loop.call_later(self._heartbeat, self._beat)
        try:
            self._release()
            await self._over
        finally:
            self.close()

    def close(self) -> None:
        """End the stream, or forget the reservation; the token is worth nothing any more."""
        self._timer.cancel()
        self.services.event_sessions.pop(self.token, None)
        for operation in list(self.operations.values()):
            operation.stop()
        if not self._over.done():
            self._over.set_result(None)

    # As operations see it -------------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether the client is behind with reading, or has not begun to."""
        return self._outlet is None or self._outlet.full

    def write(self, data: bytes) -> None:
        """Write events; they wait for a stream that is not open."""
        if self._outlet is not None:
            self._outlet.write(data)
            return
        self._waiting.append(data)
        if sum(map(len, self._waiting)) > _MOST_WAITING:
            self.close()

    def close_soon(self, code: int, reason: str) -> None:  # noqa: ARG002 - an event stream has no words for its end
        """Cut off a client that takes nothing."""
        if self._outlet is not None:
            self._outlet.abort()
        self.close()

    def _release(self) -> None:
        for operation in list(self.operations.values()):
            operation.release()

    def _beat(self) -> None:
        if not self.full:
            self.write(SSE.heartbeat)
        self._timer = self._loop.call_later(self._heartbeat, self._beat)
