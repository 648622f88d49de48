"""Connections to one origin: kept alive, bounded in number, and every request under a deadline."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from router.execution.errors import SubgraphTimeoutError, SubgraphUnreachableError
from router.execution.transports.http.address import Origin
from router.execution.transports.http.connection import Connection
from router.execution.transports.http.settings import HttpSettings
from router.execution.transports.port import SubgraphResponse

TICK = 0.005
"""The timer's grain in seconds."""


@dataclass(eq=False, slots=True)
class _Call:
    """One request: its bytes, who waits for it, until when, and the connection it is on, if any yet."""

    request: bytes
    answer: asyncio.Future[SubgraphResponse]
    deadline: float
    timeout: float
    repeatable: bool
    connection: Connection | None = None


class Pool:
    """The connections to one origin.

    Deadlines share one timer, set for the earliest: nearly all requests are answered long before theirs, so that a
    timer for each would be work for nothing.
    """

    def __init__(self, origin: Origin, settings: HttpSettings) -> None:
        self._origin = origin
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._idle: list[tuple[Connection, float]] = []
        self._waiting: deque[_Call] = deque()
        self._calls: dict[asyncio.Future[SubgraphResponse], _Call] = {}
        self._on: dict[Connection, _Call] = {}
        self._count = 0
        self._connecting: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._closed = False

    def send(self, request: bytes, timeout: float, *, repeatable: bool) -> asyncio.Future[SubgraphResponse]:
        """Send the bytes of a request.

        Args:
            request: head and body.
            timeout: seconds until the answer must be complete, waiting for a connection included.
            repeatable: whether it may be sent again when a kept connection turns out to be dead.
        """
        answer: asyncio.Future[SubgraphResponse] = self._loop.create_future()
        deadline = self._loop.time() + timeout
        call = self._calls[answer] = _Call(request, answer, deadline, timeout, repeatable)
        answer.add_done_callback(self._settle)
        self._place(call)
        if self._timer is None or deadline < self._timer_at:
            self._set_timer(deadline)
        return answer

    async def close(self) -> None:
        """Close all connections; what is under way fails."""
        self._closed = True
        for task in list(self._connecting):
            task.cancel()
        for connection in [*(each for each, _ in self._idle), *self._on]:
            connection.close()
        for call in list(self._calls.values()):
            self._fail(call, SubgraphUnreachableError("the router is shutting down"))
        if self._timer:
            self._timer.cancel()
        await asyncio.sleep(0)

    # Placing calls on connections -----------------------------------------------------------------------------

    def _place(self, call: _Call) -> None:
        while self._idle:
            connection, _ = self._idle.pop()
            if connection.open:
                self._begin(call, connection)
                return
        self._waiting.append(call)
        if self._count < self._settings.max_connections:
            self._connect()

    def _begin(self, call: _Call, connection: Connection) -> None:
        call.connection = connection
        self._on[connection] = call
        connection.exchange(call.request, call.answer)

    def _connect(self) -> None:
        self._count += 1
        task = self._loop.create_task(self._open())
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _open(self) -> None:
        try:
            _, connection = await self._loop.create_connection(
                lambda: Connection(self._settings.max_response_bytes, self._free),
                self._origin.host,
                self._origin.port,
            )
        except asyncio.CancelledError:
            self._count -= 1
            raise
        except Exception as error:
            self._count -= 1
            reason = getattr(error, "strerror", None) or type(error).__name__
            self._refuse(SubgraphUnreachableError(f"cannot connect: {reason}"))
        else:
            self._free(connection)

    def _refuse(self, error: SubgraphUnreachableError) -> None:
        """Fail those who wait for a connection, when not one can be had."""
        if self._count:
            return
        while self._waiting:
            self._fail(self._waiting.popleft(), error)

    def _free(self, connection: Connection) -> None:
        """Give a connection to the next call, or keep it; a lost one makes room for another."""
        call = self._on.pop(connection, None)
        if not connection.open:
            self._lose(call)
            return
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.answer.done():
                self._begin(waiting, connection)
                return
        if self._closed:
            connection.close()
        else:
            self._idle.append((connection, self._loop.time()))

    def _lose(self, call: _Call | None) -> None:
        """Take note that a connection is gone, and its call unanswered if it is not done by now.

        A connection that was kept may have been closed by the other side just as the request was written. A new one
        tells whether that was all.
        """
        self._count -= 1
        self._idle = [each for each in self._idle if each[0].open]
        if call and not call.answer.done():
            if call.repeatable and not self._closed:
                call.repeatable = False
                self._waiting.appendleft(call)
            else:
                self._fail(call, SubgraphUnreachableError("the connection was closed without a response"))
        if self._waiting and not self._closed:
            self._connect()

    # Ends -----------------------------------------------------------------------------------------------------

    def _settle(self, answer: asyncio.Future[SubgraphResponse]) -> None:
        call = self._calls.pop(answer)
        if answer.cancelled() and call.connection in self._on and self._on[call.connection] is call:
            call.connection.close()

    def _fail(self, call: _Call, error: Exception) -> None:
        if not call.answer.done():
            call.answer.set_exception(error)

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
        for call in [each for each in self._calls.values() if each.deadline <= now]:
            self._fail(call, SubgraphTimeoutError(f"no answer within {call.timeout:g} s"))
            if call.connection:
                call.connection.close()
        oldest = now - self._settings.idle_seconds
        for connection in [each for each, since in self._idle if since <= oldest]:
            connection.close()
        due = [call.deadline for call in self._calls.values() if not call.answer.done()]
        due += [since + self._settings.idle_seconds for connection, since in self._idle if connection.open]
        if due and not self._closed:
            self._set_timer(max(min(due), now + TICK))
