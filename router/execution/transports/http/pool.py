"""Connections to one origin: kept alive, bounded in number, and every request under a deadline."""

from __future__ import annotations

import asyncio
from collections import deque

from router.execution.errors import SubgraphTimeoutError, SubgraphUnreachableError
from router.execution.transports.http.address import Origin
from router.execution.transports.http.connection import Connection, Head
from router.execution.transports.http.resolver import Resolver
from router.execution.transports.http.settings import HttpSettings
from router.execution.transports.port import SubgraphResponse
from router.traffic.calls import Done
from router.traffic.turns import Turn

TICK = 0.005
"""The timer's grain in seconds."""


class PooledCall:
    """One request: its bytes, who is told, until when, and the connection it is on, if any yet."""

    __slots__ = ("_pool", "connection", "deadline", "done", "repeatable", "request", "timeout")

    def __init__(self, pool: Pool, request: bytes, done: Done[SubgraphResponse], timeout: float) -> None:
        self._pool = pool
        self.request = request
        self.done = done
        self.timeout = timeout
        self.deadline = 0.0
        self.repeatable = False
        self.connection: Connection | None = None

    def cancel(self) -> None:
        """Give it up, and the connection with it: nothing else can be sent there before the answer."""
        self._pool.give_up(self)


class Pool:
    """The connections to one origin.

    Deadlines share one timer, set for the earliest: nearly all requests are answered long before theirs, so that a
    timer for each would be work for nothing.
    """

    def __init__(self, origin: Origin, settings: HttpSettings, resolver: Resolver) -> None:
        self._origin = origin
        self._settings = settings
        self._resolver = resolver
        self._loop = asyncio.get_running_loop()
        self._idle: list[tuple[Connection, float]] = []
        self._waiting: deque[PooledCall] = deque()
        self._calls: set[PooledCall] = set()
        self._open: set[Connection] = set()
        self._turn = Turn()
        self._heads: dict[bytes, Head] = {}
        self._count = 0
        self._connecting: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._closed = False

    def begin(self, request: bytes, timeout: float, done: Done[SubgraphResponse], *, repeatable: bool) -> PooledCall:
        """Send the bytes of a request.

        Args:
            request: head and body.
            timeout: seconds until the answer must be complete, waiting for a connection included.
            done: takes the answer.
            repeatable: whether it may be sent again when a kept connection turns out to be dead.
        """
        call = PooledCall(self, request, done, timeout)
        call.deadline = deadline = self._loop.time() + timeout
        call.repeatable = repeatable
        self._calls.add(call)
        self._place(call)
        if self._timer is None or deadline < self._timer_at:
            self._set_timer(deadline)
        return call

    def give_up(self, call: PooledCall) -> None:
        """Forget a call."""
        if call in self._calls:
            self._calls.remove(call)
            if call.connection is not None:
                call.connection.close()

    async def close(self) -> None:
        """Close all connections; what is under way fails."""
        self._closed = True
        for task in list(self._connecting):
            task.cancel()
        for connection in list(self._open):
            connection.close()
        for call in list(self._calls):
            self.settle(call, SubgraphUnreachableError("the router is shutting down"))
        if self._timer:
            self._timer.cancel()
        await asyncio.sleep(0)

    # Placing calls on connections -----------------------------------------------------------------------------

    def _place(self, call: PooledCall) -> None:
        idle = self._idle
        while idle:
            connection = idle.pop()[0]
            if connection.open:
                self._send(call, connection)
                return
        self._waiting.append(call)
        if self._count < self._settings.max_connections:
            self._connect()

    def _send(self, call: PooledCall, connection: Connection) -> None:
        call.connection = connection
        call.repeatable = call.repeatable and connection.kept
        connection.exchange(call.request, call)

    def _connect(self) -> None:
        self._count += 1
        task = self._loop.create_task(self._open_one())
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _open_one(self) -> None:
        try:
            connection = await self._connected()
        except asyncio.CancelledError:
            self._count -= 1
            raise
        except Exception as error:
            self._count -= 1
            reason = getattr(error, "strerror", None) or type(error).__name__
            self._refuse(SubgraphUnreachableError(f"cannot connect: {reason}", unsent=True))
        else:
            self._open.add(connection)
            self.free(connection) if connection.open else self.lose(connection, None)

    async def _connected(self) -> Connection:
        """Connect to the first of the server's addresses that takes it."""
        (host, port), settings = self._origin, self._settings
        failure: OSError | None = None
        for address in await self._resolver.resolve(host, port):
            try:
                _, connection = await self._loop.create_connection(
                    lambda: Connection(settings.max_response_bytes, self, self._turn, self._heads, settings.wanted),
                    address,
                    port,
                )
            except OSError as error:
                failure = failure or error
            else:
                return connection
        raise failure or OSError("no address")

    def _refuse(self, error: SubgraphUnreachableError) -> None:
        """Fail those who wait for a connection, when not one can be had."""
        if self._count:
            return
        while self._waiting:
            self.settle(self._waiting.popleft(), error)

    # Connections call these -----------------------------------------------------------------------------------

    def free(self, connection: Connection) -> None:
        """Give a connection to the next call, or keep it."""
        while self._waiting:
            call = self._waiting.popleft()
            if call in self._calls:
                self._send(call, connection)
                return
        if self._closed:
            connection.close()
        else:
            self._idle.append((connection, self._loop.time()))

    def lose(self, connection: Connection, call: PooledCall | None) -> None:
        """Take note that a connection is gone, and its call unanswered if it is not settled by now.

        A connection that was kept may have been closed by the other side just as the request was written. A new one
        tells whether that was all.
        """
        if connection not in self._open:
            return
        self._open.remove(connection)
        self._count -= 1
        self._idle = [each for each in self._idle if each[0].open]
        if call is not None and call in self._calls:
            if call.repeatable and not self._closed:
                call.repeatable = False
                call.connection = None
                self._waiting.appendleft(call)
            else:
                self.settle(call, SubgraphUnreachableError("the connection was closed without a response"))
        if self._waiting and not self._closed:
            self._connect()

    def settle(self, call: PooledCall, result: SubgraphResponse | Exception) -> None:
        """Tell what came of a call, unless it was given up."""
        if call in self._calls:
            self._calls.remove(call)
            call.connection = None
            call.done(result)

    # Deadlines ------------------------------------------------------------------------------------------------

    def _set_timer(self, at: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_at(at, self._sweep)

    def _sweep(self) -> None:
        """End the calls whose time is up and the connections that were idle for long; come back for the next."""
        self._timer = None
        now = self._loop.time()
        for call in [each for each in self._calls if each.deadline <= now]:
            connection = call.connection
            self.settle(call, SubgraphTimeoutError(f"no answer within {call.timeout:g} s"))
            if connection is not None:
                connection.close()
        oldest = now - self._settings.idle_seconds
        for connection in [each for each, since in self._idle if since <= oldest]:
            connection.close()
        due = [call.deadline for call in self._calls]
        due += [since + self._settings.idle_seconds for connection, since in self._idle if connection.open]
        if due and not self._closed:
            self._set_timer(max(min(due), now + TICK))
