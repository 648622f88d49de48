"""Streams through a foreign ASGI server, and over a reload of the router."""

from __future__ import annotations

import asyncio

import httpx
import orjson
import uvicorn
from websockets.asyncio.client import connect

from router.config_file import parse_settings
from router.execution import Engine
from router.server.app import create_router_app

TICKS = {"query": "subscription { ticks }"}
SSE = {"accept": "text/event-stream"}


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is waited for knows of no event
            await asyncio.sleep(0.002)


async def test_a_foreign_server_streams_too(clock, clock_supergraph):
    engine = Engine(clock_supergraph, {"clock": clock}, streams={"clock": clock})
    app = create_router_app(engine, parse_settings("", environment={}))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/graphql"
    async with httpx.AsyncClient(timeout=30) as client:
        async with client.stream("POST", url, json=TICKS, headers=SSE) as response:
            parts = response.aiter_text()
            assert await anext(parts) == ":\n\n"
            await clock.say(1)
            assert '"ticks":1' in await anext(parts)
            await clock.say(None)
            assert "".join([each async for each in parts]).endswith("event: complete\ndata: \n\n")
        async with client.stream("POST", url, json=TICKS, headers=SSE) as response:
            await until(lambda: clock.sources)
        await until(lambda: not clock.sources)
    server.should_exit = True
    await serving


async def test_clients_live_on_over_a_reload(serve, clock, clock_supergraph):
    server = await serve()
    old = server.app
    successor = create_router_app(
        Engine(clock_supergraph, {"clock": clock}, streams={"clock": clock}), parse_settings("", environment={})
    )
    message = {"type": "subscribe", "id": "1", "payload": TICKS}
    async with (
        httpx.AsyncClient(timeout=30) as client,
        connect(server.socket_url, subprotocols=["graphql-transport-ws"]) as socket,
        client.stream("POST", server.url, json=TICKS, headers=SSE) as response,
    ):
        parts = response.aiter_text()
        await anext(parts)
        await socket.send('{"type":"connection_init"}')
        await socket.send(orjson.dumps(message).decode())
        assert orjson.loads(await socket.recv())["type"] == "connection_ack"
        await clock.say(1)
        assert '"ticks":1' in await anext(parts)
        assert '"ticks":1' in await socket.recv()

        await old.retire(successor)
        await old.aclose()
        await clock.say(2)
        assert '"ticks":2' in await anext(parts)
        assert '"ticks":2' in await socket.recv()
        assert clock.opened == 1

        await socket.send(orjson.dumps({**message, "id": "2", "payload": {"query": "{ now }"}}).decode())
        assert orjson.loads(await socket.recv())["payload"] == {"data": {"now": 1}}
    await until(lambda: not clock.sources)
    await successor.aclose()
