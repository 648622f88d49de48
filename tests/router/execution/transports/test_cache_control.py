"""What a subgraph says about keeping its answer arrives with the answer, also under a head that is known already."""

from __future__ import annotations

import asyncio

from router.execution.transports.http.network import HttpNetwork
from router.execution.transports.port import SubgraphOperation, SubgraphRequest

BODY = b'{"data":{"a":1}}'


async def test_cache_control_of_an_answer() -> None:
    said = [b"max-age=60", b"max-age=60", b"max-age=5\r\ncache-control: private", b""]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for value in said:
            await reader.readuntil(b'"}')
            line = b"cache-control: %b\r\n" % value if value else b""
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n%bcontent-length: %d\r\n\r\n"
            writer.write(head % (line, len(BODY)) + BODY)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with HttpNetwork({"a": f"http://127.0.0.1:{port}/"}) as network:
            operation = SubgraphOperation("a", "query", "{ a }", None)
            heard = [(await network.transports["a"].send(SubgraphRequest(operation, {}))).cache_control for _ in said]

    assert heard == ["max-age=60", "max-age=60", "max-age=5,private", ""]
