"""A subgraph that is well and one that misbehaves in the way of the moment, each a real server on a port of its own."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

from router.composition import Composed, Subgraph, compose

SCHEMAS = {"well": "type Query { well: Int }", "ill": "type Query { ill: Int }"}
JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
GIGABYTE = 1_000_000_000
Writer = asyncio.StreamWriter


async def _reset(writer: Writer) -> None:
    writer.transport.abort()


async def _hang(_writer: Writer) -> None:
    await asyncio.sleep(3_600)


async def _trickle(writer: Writer) -> None:
    writer.write(JSON + b"content-length: 5000\r\n\r\n")
    for _ in range(5_000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _fail(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\nbusy")


async def _garbage(writer: Writer) -> None:
    writer.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n" * 20)


async def _not_json(writer: Writer) -> None:
    writer.write(JSON + b"content-length: 13\r\n\r\n<html></html>")


async def _gigabyte(writer: Writer) -> None:
    """Send a gigabyte without saying so beforehand."""
    writer.write(JSON + b"transfer-encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    for _ in range(GIGABYTE // 65_536):
        writer.write(chunk)
        await writer.drain()


async def _said_gigabyte(writer: Writer) -> None:
    writer.write(JSON + b"content-length: %d\r\n\r\n" % GIGABYTE)
    await asyncio.sleep(3_600)


FAULTS: dict[str, Callable[[Writer], Awaitable[None]]] = {
    "reset": _reset,
    "hang": _hang,
    "trickle": _trickle,
    "503": _fail,
    "garbage": _garbage,
    "not JSON": _not_json,
    "1 GB, unannounced": _gigabyte,
    "1 GB, announced": _said_gigabyte,
}


class Trouble:
    """Both subgraphs.

    Attributes:
        fault: how `ill` misbehaves now; None, and it is well too.
        asked: how many requests `ill` has got.
    """

    def __init__(self) -> None:
        self.fault: str | None = None
        self.asked = 0
        self._ports: dict[str, int] = {}

    @property
    def supergraph(self) -> str:
        """The supergraph of both."""
        parts = [Subgraph(name, sdl, self.url(name)) for name, sdl in SCHEMAS.items()]
        made = compose(parts)
        assert isinstance(made, Composed), made
        return made.supergraph_sdl

    def url(self, name: str, host: str = "127.0.0.1") -> str:
        """Return where a subgraph is."""
        return f"http://{host}:{self._ports[name]}/"

    @contextmanager
    def running(self) -> Iterator[Trouble]:
        """Serve from a thread."""
        loop = asyncio.new_event_loop()
        for name in SCHEMAS:
            listener = loop.run_until_complete(asyncio.start_server(self._server(name), "127.0.0.1", 0))
            self._ports[name] = listener.sockets[0].getsockname()[1]
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)

    def _server(self, name: str) -> Callable[[asyncio.StreamReader, Writer], Awaitable[None]]:
        async def serve(reader: asyncio.StreamReader, writer: Writer) -> None:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                async for _ in _requests(reader):
                    fault = self.fault if name == "ill" else None
                    self.asked += name == "ill"
                    if fault is not None:
                        await FAULTS[fault](writer)
                        break
                    body = b'{"data":{"%b":1}}' % name.encode()
                    writer.write(JSON + b"content-length: %d\r\n\r\n%b" % (len(body), body))
            writer.close()

        return serve


async def _requests(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        yield await reader.readexactly(int(length[1]) if length else 0)


async def _cancel_all() -> None:
    mine = asyncio.current_task()
    others = [task for task in asyncio.all_tasks() if task is not mine]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def load(ask: Callable[[], object], clients: int) -> Iterator[None]:
    """Have so many clients ask again and again from threads, as long as the block lasts."""
    stopping = threading.Event()

    def go_on() -> None:
        while not stopping.is_set():
            ask()

    threads = [threading.Thread(target=go_on, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(15)
