"""uvicorn's HTTP/1.1 protocol, made to send a response in one piece and to wait for no client for ever.

uvicorn writes the head of a response and then its body, and uvloop sends each write at once: two system calls, two
packets and two wake-ups of the client where one would do. Here all that is written in one turn of the event loop leaves
together. And where uvicorn reads the head of a request however long it is and takes, here both have a bound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_WORTH_COPYING: Final = 16_384
_LONGEST_HEAD: Final = 65_536
_HEAD_SECONDS: Final = 20.0
_HEAD_TOO_LONG: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)


class GatheringTransport:
    """Collects what is written in one turn of the event loop and sends it at the end of that turn."""

    __slots__ = ("_call_soon", "_inner", "_parts", "get_extra_info", "is_closing", "pause_reading", "resume_reading")

    def __init__(self, inner: asyncio.Transport, call_soon: Callable[[Callable[[], None]], Any]) -> None:
        self._inner = inner
        self._call_soon = call_soon
        self._parts: list[bytes] = []
        self.get_extra_info = inner.get_extra_info
        self.is_closing = inner.is_closing
        self.pause_reading = inner.pause_reading
        self.resume_reading = inner.resume_reading

    def write(self, data: bytes) -> None:
        """Send `data` soon, behind what was written before."""
        if not self._parts:
            self._call_soon(self.flush)
        self._parts.append(data)

    def flush(self) -> None:
        """Send what was collected."""
        if not self._parts:
            return
        if len(self._parts[-1]) < _WORTH_COPYING:
            self._inner.write(b"".join(self._parts))
        else:
            self._inner.writelines(self._parts)
        self._parts.clear()

    def close(self) -> None:
        """Send what was collected and close the connection."""
        self.flush()
        self._inner.close()


class RouterProtocol(HttpToolsProtocol):
    """uvicorn's protocol over a transport that gathers writes; pass it to `uvicorn.Config(http=...)`."""

    _head_begun: float | None = None
    """When the head of a request that is not complete began to arrive."""
    _head_bytes = 0

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take over a connection; one that never asks is closed like one that asks no more."""
        super().connection_made(GatheringTransport(transport, self.loop.call_soon))  # pyrefly: ignore[bad-argument-type] - it has all that uvicorn uses
        self._close_in(self.timeout_keep_alive)

    @override
    def on_message_begin(self) -> None:
        """Begin to read a head."""
        super().on_message_begin()
        self._head_begun = self.loop.time()
        self._head_bytes = 0

    @override
    def on_headers_complete(self) -> None:
        """Go on to the body."""
        self._head_begun = None
        super().on_headers_complete()

    @override
    def data_received(self, data: bytes) -> None:
        """Read on, within the bounds of a head."""
        super().data_received(data)
        if self._head_begun is None:
            return
        self._head_bytes += len(data)
        if self._head_bytes > _LONGEST_HEAD:
            self.transport.write(_HEAD_TOO_LONG)
            self.transport.close()
        else:
            self._close_in(self._head_begun + _HEAD_SECONDS - self.loop.time())

    def _close_in(self, seconds: float) -> None:
        """Close the connection unless something arrives until then."""
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(max(seconds, 0), self.timeout_keep_alive_handler)
