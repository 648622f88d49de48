"""What streams and the server's connections know of each other.

Writing never waits. A writer that sees `full` stops, and goes on when `on_room` is called; a connection that stays full
is cut off by whoever looks after it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from router.server.exchange import HeaderBlock


class Outlet(Protocol):
    """The body of a response that is being written."""

    on_room: Callable[[], None]
    """Called when there is room again; the writer sets it."""
    on_stop: Callable[[], None]
    """Called when the server is about to end; the writer sets it."""

    @property
    def full(self) -> bool:
        """Whether the client is behind with reading."""
        ...

    def write(self, data: bytes) -> None:
        """Write at once."""
        ...

    def abort(self) -> None:
        """Cut the connection off, whatever is still to be sent."""
        ...


class Socket(Outlet, Protocol):
    """A WebSocket connection that is open."""

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that both sides know."""
        ...

    async def receive(self) -> str | bytes | None:
        """Return the next message, or None when the connection has ended."""
        ...

    def close_soon(self, code: int, reason: str) -> None:
        """Begin to close the connection."""
        ...


class StreamResponse(NamedTuple):
    """A response whose body is written as it comes; the response ends when `run` returns.

    `run` is cancelled when the client goes; one that takes nothing for `stall_timeout` seconds is cut off.
    """

    status: int
    headers: HeaderBlock
    run: Callable[[Outlet], Awaitable[None]]
    stall_timeout: float
    operation: str | None = None
    body: bytes = b""


class SocketResponse(NamedTuple):
    """Consent to a WebSocket; the connection is closed when `run` returns, and `receive` tells when the client goes."""

    subprotocols: Sequence[str]
    message_bytes: int
    ping_interval: float
    ping_timeout: float
    stall_timeout: float
    run: Callable[[Socket], Awaitable[None]]
    operation: str | None = None
    status: int = 101
    headers: HeaderBlock = HeaderBlock()
    body: bytes = b""
