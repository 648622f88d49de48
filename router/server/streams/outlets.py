"""The connections of the router's own HTTP protocol as streams see them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final

_UNHEARD_SECONDS: Final = 30
"""How long what was sent may go without the other side's word that it arrived: half-open connections end by this."""


class Stall:
    """Cuts a connection off that takes nothing for too long."""

    def __init__(self, transport: asyncio.Transport, seconds: float) -> None:
        self._transport = transport
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """The connection is full."""
        self.end()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._transport.abort)

    def end(self) -> None:
        """There is room again, or the connection has ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class BodyOutlet:
    """A response body on the wire.

    Args:
        transport: the connection.
        chunked: whether the body is divided into chunks, which HTTP/1.0 does not know.
        stall_timeout: seconds after which a client that takes nothing is cut off.
    """

    def __init__(self, transport: asyncio.Transport, *, chunked: bool, stall_timeout: float) -> None:
        self.full = False
        self.on_room: Callable[[], None] = _nothing
        self.on_stop: Callable[[], None] = _nothing
        self._transport = transport
        self._chunked = chunked
        self._stall = Stall(transport, stall_timeout)
        expect_to_be_heard(transport)

    def write(self, data: bytes) -> None:
        """Write a chunk."""
        if data and not self._transport.is_closing():
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def abort(self) -> None:
        """Cut the connection off."""
        self._transport.abort()

    def pause(self) -> None:
        """The client is behind."""
        self.full = True
        self._stall.begin()

    def resume(self) -> None:
        """The client has caught up."""
        self.full = False
        self._stall.end()
        self.on_room()

    def close(self) -> None:
        """Write the end of the body; a client that takes nothing is still cut off in time."""
        if not self.full:
            self._stall.end()
        if self._chunked and not self._transport.is_closing():
            self._transport.write(b"0\r\n\r\n")


def expect_to_be_heard(transport: asyncio.Transport) -> None:
    """Have the operating system end a connection whose other side has silently gone."""
    connection = transport.get_extra_info("socket")
    option = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux has it
    if option and connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, option, _UNHEARD_SECONDS * 1_000)


def _nothing() -> None:
    """Do what is to be done while nobody writes."""
