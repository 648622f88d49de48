"""Answers in parts over HTTP and WebSocket, in the format that the client asks for."""

from __future__ import annotations

import asyncio

import httpx
import orjson
import pytest
import uvicorn
from websockets.asyncio.client import connect

from router.composition import Subgraph, compose
from router.config import RouterSettings, ServerSettings
from router.execution import Engine
from router.execution.transports import SubgraphResponse
from router.server.app import create_router_app
from router.server.serving import uvicorn_config
from router.supergraph import load_supergraph

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])\n'
QUERY = 'query ($d: Boolean! = true) { thing { id ... @defer(if: $d, label: "l") { slow } } }'


STREAMED = "{ things @stream(initialCount: 1) { id slow } }"


class Things:
    """Has things at once, and what is slow about them when it is told to; not about the first of several."""

    def __init__(self):
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, request):
        if "_entities" in request.operation.document:
            asked = request.variables["representations"]
            if asked[0]["id"] != "0":
                await self.gate.wait()
            return SubgraphResponse(decoded={"data": {"_entities": [{"slow": "S"} for _ in asked]}})
        if "things" in request.operation.document:
            return SubgraphResponse(
                decoded={"data": {"things": [{"__typename": "Thing", "id": each} for each in "012"]}}
            )
        return SubgraphResponse(decoded={"data": {"thing": {"__typename": "Thing", "id": "1"}}})


@pytest.fixture(scope="module")
def supergraph():
    one = Subgraph(
        "one",
        LINK + 'type Query { thing: Thing things: [Thing!]! } type Thing @key(fields: "id") { id: ID! }',
        "http://one",
    )
    two = Subgraph("two", LINK + 'type Thing @key(fields: "id") { id: ID! slow: String }', "http://two")
    return load_supergraph(compose([one, two]).supergraph_sdl)


@pytest.fixture
async def router(supergraph):
    """A router, and the gate before what is slow."""
    things = Things()
    app = create_router_app(Engine(supergraph, {"one": things, "two": things}), RouterSettings())
    server = uvicorn.Server(uvicorn_config(app, ServerSettings(port=0)))
    server.install_signal_handlers = lambda: None
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(30):
        while not server.started:  # noqa: ASYNC110 - uvicorn knows of no event
            await asyncio.sleep(0.005)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/graphql", things.gate
    server.should_exit = True
    await serving


async def parts_of(url, gate, accept, boundary, query=QUERY):
    """Read the first part before the second can be made; return both."""
    gate.clear()
    body = {"query": query}
    async with (
        httpx.AsyncClient(timeout=30) as client,
        client.stream("POST", url, json=body, headers={"accept": accept}) as response,
    ):
        text = b""
        async for piece in response.aiter_raw():
            text += piece
            if text.count(boundary) == 2:
                gate.set()
        parts = [part.partition(b"\r\n\r\n")[2] for part in text.split(b"\r\n" + boundary)[1:-1]]
        return response.headers["content-type"], [orjson.loads(part) for part in parts]


async def test_the_format_of_2022(router):
    url, gate = router
    media, parts = await parts_of(url, gate, "multipart/mixed;deferSpec=20220824, application/json", b"--graphql")
    assert media == 'multipart/mixed;boundary="graphql";deferSpec=20220824'
    assert parts == [
        {"data": {"thing": {"id": "1"}}, "hasNext": True},
        {"incremental": [{"data": {"slow": "S"}, "path": ["thing"], "label": "l"}], "hasNext": False},
    ]


async def test_the_format_of_today(router):
    url, gate = router
    media, parts = await parts_of(url, gate, "application/json, multipart/mixed", b"---")
    assert media == 'multipart/mixed; boundary="-"'
    assert parts == [
        {
            "data": {"thing": {"id": "1"}},
            "pending": [{"id": "0", "path": ["thing"], "label": "l"}],
            "hasNext": True,
        },
        {"incremental": [{"id": "0", "data": {"slow": "S"}}], "completed": [{"id": "0"}], "hasNext": False},
    ]


async def test_a_list_in_the_format_of_2022(router):
    accept = "multipart/mixed;deferSpec=20220824, application/json"
    _, parts = await parts_of(*router, accept, b"--graphql", STREAMED)
    assert parts == [
        {"data": {"things": [{"id": "0", "slow": "S"}]}, "hasNext": True},
        {
            "incremental": [{"items": [{"id": each, "slow": "S"} for each in "12"], "path": ["things", 1]}],
            "hasNext": False,
        },
    ]


async def test_a_list_in_the_format_of_today(router):
    _, parts = await parts_of(*router, "application/json, multipart/mixed", b"---", STREAMED)
    assert parts == [
        {
            "data": {"things": [{"id": "0", "slow": "S"}]},
            "pending": [{"id": "0", "path": ["things"]}],
            "hasNext": True,
        },
        {
            "incremental": [{"id": "0", "items": [{"id": each, "slow": "S"} for each in "12"]}],
            "completed": [{"id": "0"}],
            "hasNext": False,
        },
    ]


async def test_as_events(router):
    url, _ = router
    async with httpx.AsyncClient(timeout=30) as client:
        response = await client.post(url, json={"query": QUERY}, headers={"accept": "text/event-stream"})
    assert response.text.count("event: next") == 2
    assert response.text.endswith("event: complete\ndata: \n\n")


async def test_over_websocket(router):
    url, _ = router
    async with connect(url.replace("http", "ws"), subprotocols=["graphql-transport-ws"]) as socket:
        await socket.send('{"type":"connection_init"}')
        await socket.send(orjson.dumps({"type": "subscribe", "id": "1", "payload": {"query": QUERY}}).decode())
        heard = [orjson.loads(await asyncio.wait_for(socket.recv(), 30)) for _ in range(4)]
        assert [each["type"] for each in heard] == ["connection_ack", "next", "next", "complete"]
        wrong = {"query": QUERY, "variables": {"d": "x"}}
        await socket.send(orjson.dumps({"type": "subscribe", "id": "2", "payload": wrong}).decode())
        refused = orjson.loads(await asyncio.wait_for(socket.recv(), 30))
        assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "BAD_USER_INPUT")


async def test_who_takes_no_parts_gets_the_whole(router):
    url, _ = router
    async with httpx.AsyncClient(timeout=30) as client:
        for accept in ("application/json", "*/*", "multipart/mixed;subscriptionSpec=1.0, application/json"):
            response = await client.post(url, json={"query": QUERY}, headers={"accept": accept})
            assert response.json() == {"data": {"thing": {"id": "1", "slow": "S"}}}
