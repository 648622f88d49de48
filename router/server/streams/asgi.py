"""Streams through ASGI, whose `send` waits: what is written waits in between, and the writer sees that it is full."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from router.server.streams.port import StreamResponse


class QueuedOutlet:
    """Takes what is written, until the server asks for it."""

    def __init__(self) -> None:
        self.on_room: Callable[[], None] = lambda: None
        self.on_stop: Callable[[], None] = lambda: None
        self._written: list[bytes] = []
        self._news = asyncio.Event()
        self._over = False
        self.cut_off = False
        """Whether the client is gone, or is to be."""

    @property
    def full(self) -> bool:
        """Whether something waits."""
        return bool(self._written)

    def write(self, data: bytes) -> None:
        """Take data."""
        self._written.append(data)
        self._news.set()

    def abort(self) -> None:
        """Let nothing more be sent."""
        self._written.clear()
        self.cut_off = True
        self.finish()

    def finish(self) -> None:
        """Take note that nothing more is written."""
        self._over = True
        self._news.set()

    async def next(self) -> bytes | None:
        """Return what was written since the last call, waiting for it if need be; None at the end."""
        while not self._written:
            if self._over:
                return None
            self._news.clear()
            self.on_room()
            if not self._written:
                await self._news.wait()
        data = b"".join(self._written)
        self._written.clear()
        return data


async def send_stream(
    response: StreamResponse,
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """Send the body of a stream until either side ends it."""
    outlet = QueuedOutlet()
    running = asyncio.create_task(_until_done(response, outlet))
    leaving = asyncio.create_task(_until_gone(receive, outlet))
    try:
        while (data := await outlet.next()) is not None:
            async with asyncio.timeout(response.stall_timeout):
                await send({"type": "http.response.body", "body": data, "more_body": True})
        if not outlet.cut_off:
            await send({"type": "http.response.body", "body": b""})
    except TimeoutError:
        return
    finally:
        running.cancel()
        leaving.cancel()
        await asyncio.wait((running, leaving))


async def _until_done(response: StreamResponse, outlet: QueuedOutlet) -> None:
    try:
        await response.run(outlet)
    finally:
        outlet.finish()


async def _until_gone(receive: Callable[[], Awaitable[MutableMapping[str, Any]]], outlet: QueuedOutlet) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    outlet.abort()
