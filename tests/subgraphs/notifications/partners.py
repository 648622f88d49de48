"""Receivers of webhooks, honest and otherwise: real servers that say exactly the bytes they are told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Behaviour = Callable[["Call", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Call:
    """What a receiver was sent."""

    target: str
    headers: dict[str, str]
    body: str


@dataclass
class Partner:
    """A receiver at a port, and what it has been sent."""

    behaviour: Behaviour
    calls: list[Call] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/hooks"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request, and behave."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        request, *lines = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines) if name}
        body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
        call = Call(request.split()[1], headers, body)
        self.calls.append(call)
        try:
            await self.behaviour(call, writer)
        except OSError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def partner(behaviour: Behaviour) -> AsyncIterator[Partner]:
    """Run a receiver."""
    made = Partner(behaviour)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


def says(*parts: bytes, pause: float = 0.0) -> Behaviour:
    """Say these bytes, with a pause after each part."""

    async def behave(_call: Call, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    return behave


def answers(status: int, *headers: str, body: bytes = b"") -> Behaviour:
    """Answer with a status."""
    lines = "".join(f"{line}\r\n" for line in (*headers, f"content-length: {len(body)}", "connection: close"))
    return says(f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode() + body)


async def slow(_call: Call, writer: asyncio.StreamWriter) -> None:
    """Take the message and say nothing for a long time."""
    await asyncio.sleep(5)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


async def trickle(_call: Call, writer: asyncio.StreamWriter) -> None:
    """Say one byte of a head after the other, for ever."""
    for byte in b"HTTP/1.1 200 OK\r\nx-filler: " + b"x" * 1000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.05)


async def flood(_call: Call, writer: asyncio.StreamWriter) -> None:
    """Answer with a gigabyte, as long as anybody reads."""
    writer.write(b"HTTP/1.1 500 Oops\r\ncontent-length: 1073741824\r\n\r\n")
    for _ in range(1024):
        writer.write(b"x" * 1048576)
        await writer.drain()


async def hang_up(_call: Call, writer: asyncio.StreamWriter) -> None:
    """Close in the middle of the head."""
    writer.write(b"HTTP/1.1 200 O")
    writer.transport.abort()


async def break_off(_call: Call, writer: asyncio.StreamWriter) -> None:
    """Say that all is well, and close in the middle of the body."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf")
    await writer.drain()
