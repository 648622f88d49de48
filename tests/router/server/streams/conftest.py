"""A router on a port of its own, over a subgraph whose events a test chooses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
import uvicorn
from typing_extensions import override

from router.composition import Subgraph, compose
from router.config import ServerSettings
from router.config_file import parse_settings
from router.execution import Engine
from router.execution.transports import SubgraphResponse
from router.server.app import RouterApp, create_router_app
from router.server.serving import uvicorn_config
from router.supergraph import Supergraph, load_supergraph

SDL = """
type Query { now: Int echo(text: String): String }
type Mutation { touch: Int }
type Subscription { ticks: Int! words(count: Int! size: Int!): String }
"""


@dataclass
class Clock:
    """Streams what the test says to all who listen, and answers everything else with 1."""

    sources: list[asyncio.Queue[Any]] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)
    opened: int = 0

    async def send(self, request: Any) -> SubgraphResponse:
        self.requests.append(request)
        return SubgraphResponse(decoded={"data": {"now": 1, "touch": 1, "echo": "1"}})

    async def open(self, request: Any) -> AsyncIterator[SubgraphResponse]:
        self.requests.append(request)
        events: asyncio.Queue[Any] = asyncio.Queue()
        self.sources.append(events)
        self.opened += 1
        try:
            for _ in range(request.variables.get("n", 0)):
                yield _response({"words": "x" * 100_000})
            while (event := await events.get()) is not None:
                if isinstance(event, Exception):
                    raise event
                yield _response({"ticks": event})
        finally:
            self.sources.remove(events)

    async def say(self, *events: Any) -> None:
        await until(lambda: self.sources)
        for event in events:
            for source in list(self.sources):
                source.put_nowait(event)


def _response(data: Any) -> SubgraphResponse:
    return SubgraphResponse(body=orjson.dumps({"data": data}))


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is waited for knows of no event
            await asyncio.sleep(0.002)


class Server(uvicorn.Server):
    """uvicorn that says when it listens, and leaves signals alone."""

    def __init__(self, app: RouterApp, settings: ServerSettings) -> None:
        super().__init__(uvicorn_config(app, settings))
        self.listening = asyncio.Event()
        self.app = app
        self.serving: asyncio.Task[None]

    @override
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @override
    def capture_signals(self) -> Any:
        from contextlib import nullcontext

        return nullcontext()

    @property
    def port(self) -> int:
        return self.servers[0].sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/graphql"

    async def stop(self) -> None:
        self.should_exit = True
        await self.serving


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def clock_supergraph() -> Supergraph:
    return load_supergraph(compose([Subgraph("clock", SDL, "http://clock")]).supergraph_sdl)


Serve = Callable[..., Any]


@pytest.fixture
async def serve(clock: Clock, clock_supergraph: Supergraph) -> AsyncIterator[Serve]:
    """Return a function that serves a router with the given settings."""
    running: list[Server] = []

    async def start(yaml: str = "", **trust: Any) -> Server:
        settings = parse_settings(yaml, environment={})
        engine = Engine(clock_supergraph, {"clock": clock}, streams={"clock": clock})
        app = create_router_app(engine, settings, **trust)
        server = Server(app, ServerSettings(port=0, drain_timeout=5))
        server.serving = asyncio.create_task(server.serve())
        await server.listening.wait()
        running.append(server)
        return server

    yield start
    for server in running:
        await server.stop()
        await server.app.aclose()
    await until(lambda: not clock.sources)
