"""Two subgraphs whose answers are written by hand: what `item(how:)` is asked decides how the server misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from router.composition import Composed, Subgraph, compose

ITEMS = """
type Query { item(how: String!): Item items(count: Int!): [Item!]! take(any: JSON tree: Tree): String slow: String }
type Mutation { touch: Int }
type Item @key(fields: "id") { id: ID! name: String size: Int any: JSON next: Item children: [Item!]! }
input Tree { value: Int below: Tree }
scalar JSON
"""
SCORES = """
type Item @key(fields: "id") { id: ID! score: Int rank: Int! }
"""

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
Write = Callable[[asyncio.StreamWriter], Awaitable[None]]


def sized(body: bytes, head: bytes = HEAD) -> bytes:
    """Return a whole HTTP response."""
    return head + b"content-length: %d\r\n\r\n%b" % (len(body), body)


def item(**fields: Any) -> bytes:
    """Return an answer to `item`."""
    return json.dumps({"data": {"item": {"id": "1", "name": "n", **fields}}}).encode()


class Subgraphs:
    """One server for both subgraphs.

    Attributes:
        behaviours: by the value of `how`, what is written in answer.
        asked: how many requests came.
        open: how many of them are being answered.
        gone: how many were given up by the router.
    """

    def __init__(self, behaviours: Mapping[str, bytes | Write]) -> None:
        self.behaviours = behaviours
        self.asked = 0
        self.open = 0
        self.gone = 0
        self.port = 0

    @property
    def supergraph(self) -> str:
        """The supergraph of both."""
        made = compose(
            [
                Subgraph(name, sdl, f"http://127.0.0.1:{self.port}/{name}")
                for name, sdl in (("items", ITEMS), ("scores", SCORES))
            ]
        )
        assert isinstance(made, Composed), made
        return made.supergraph_sdl

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve from a thread."""
        loop = asyncio.new_event_loop()
        listener = loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**24))
        self.port = listener.sockets[0].getsockname()[1]
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(self._end(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()

    async def _end(self) -> None:
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                assert length
                request = json.loads(await reader.readexactly(int(length[1])))
                await self._answer(head.split(b" ", 2)[1], request, reader, writer)
        writer.close()

    async def _answer(
        self, path: bytes, request: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.asked += 1
        self.open += 1
        work = asyncio.ensure_future(self._write(path, request, writer))
        leaving = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                self.gone += 1
                work.cancel()
                raise ConnectionResetError
            await work
        finally:
            self.open -= 1
            leaving.cancel()
            await asyncio.wait({leaving})

    async def _write(self, path: bytes, request: Any, writer: asyncio.StreamWriter) -> None:
        how = re.search(r'item\(how: ?"([^"]*)"', request["query"])
        behaviour = self.behaviours[how[1]] if how else self._plainly(path, request)
        if callable(behaviour):
            await behaviour(writer)
        else:
            writer.write(behaviour if behaviour.startswith(b"HTTP/") else sized(behaviour))
            await writer.drain()

    def _plainly(self, path: bytes, request: Any) -> bytes | Write:
        variables = request.get("variables") or {}
        if path == b"/scores":
            entities = [{"score": int(each["id"]), "rank": 1} for each in variables["representations"]]
            return json.dumps({"data": {"_entities": entities}}).encode()
        if "slow" in request["query"]:
            return _slowly
        if count := re.search(r"items\(count: ?(\d+)\)", request["query"]):
            items = [{"id": str(n), "name": f"item {n}", "size": n} for n in range(int(count[1]))]
            return json.dumps({"data": {"items": items}}).encode()
        return json.dumps({"data": {"take": json.dumps(variables)[:40], "touch": 1}}).encode()


async def _slowly(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(20)
    writer.write(sized(b'{"data":{"slow":"done"}}'))
