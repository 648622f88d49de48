"""A body that is read while it arrives, with a bound on what waits to be read."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, Protocol

_FULL: Final = 262_144
_EMPTY: Final = 65_536


class BodyCutError(Exception):
    """The client went away in the middle of its body."""


class BodyReader(Protocol):
    """Reads a body piece by piece."""

    async def read(self) -> bytes:
        """Return the next piece; nothing at the end.

        Raises:
            BodyCutError: the client went away.
        """
        ...


class BodyStream:
    """What has arrived of a body; a client that sends faster than is read has to wait.

    Args:
        pause: stops the client.
        resume: lets it go on.
    """

    def __init__(self, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self._pause = pause
        self._resume = resume
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._paused = self._cut = False
        self.complete = False
        """Whether the whole body has arrived."""
        self._arrived = asyncio.Event()

    def feed(self, piece: bytes) -> None:
        """Take a piece."""
        self._pieces.append(piece)
        self._size += len(piece)
        self._arrived.set()
        if self._size > _FULL:
            self._paused = True
            self._pause()

    def finish(self) -> None:
        """Take note that the body is complete."""
        self.complete = True
        self._arrived.set()

    def cut(self) -> None:
        """Take note that no more will come."""
        self._cut = True
        self._arrived.set()

    def release(self) -> None:
        """Let the client go on, whether or not anybody reads."""
        if self._paused:
            self._paused = False
            self._resume()

    async def read(self) -> bytes:
        """Return the next piece; nothing at the end.

        Raises:
            BodyCutError: the client went away.
        """
        while not self._pieces:
            if self.complete:
                return b""
            if self._cut:
                raise BodyCutError
            self._arrived.clear()
            await self._arrived.wait()
        piece = self._pieces.popleft()
        self._size -= len(piece)
        if self._size < _EMPTY:
            self.release()
        return piece


class AsgiBody:
    """The body of an ASGI request; servers of that kind hold clients back by themselves."""

    def __init__(self, receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> None:
        self._receive = receive
        self._ended = asyncio.Event()

    async def read(self) -> bytes:
        """Return the next piece; nothing at the end.

        Raises:
            BodyCutError: the client went away.
        """
        while not self._ended.is_set():
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise BodyCutError
            if not message.get("more_body", False):
                self._ended.set()
            if message.get("body"):
                piece: bytes = message["body"]
                return piece
        return b""

    async def after(self) -> MutableMapping[str, Any]:
        """Receive what comes after the body: word that the client has gone."""
        await self._ended.wait()
        return await self._receive()
