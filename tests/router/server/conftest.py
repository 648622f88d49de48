"""A router application over an engine whose answers a test chooses, spoken to without sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from graphql import OperationDefinitionNode, parse

from router.config_file import parse_settings
from router.execution.exchange import GraphQLRequest, GraphQLResponse, Outcome, RequestContext
from router.server.app import RouterApp, create_router_app
from router.traffic.calls import Awaiting


class ScriptedEngine:
    """Answers every request with what the test put into `result`, and remembers what it was asked."""

    def __init__(self) -> None:
        self.result = GraphQLResponse(Outcome.EXECUTED, data={"hello": "world"})
        self.asked: list[tuple[GraphQLRequest, RequestContext]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.cancelled = 0
        self.failure: Exception | None = None
        self.short = False
        """Whether queries go the short way."""

    async def execute(self, request: GraphQLRequest, context: RequestContext) -> GraphQLResponse:
        self.asked.append((request, context))
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failure is not None:
            raise self.failure
        return self.result

    def ready(self, request: GraphQLRequest, context: RequestContext) -> Any:
        if not self.short or request.query.startswith("mutation"):
            return None
        return SimpleNamespace(begin=lambda done: Awaiting(self.execute(request, context), done))

    async def prepare(self, request: GraphQLRequest) -> Any:
        definitions = parse(request.query).definitions
        operation = next(each for each in definitions if isinstance(each, OperationDefinitionNode))
        return SimpleNamespace(
            kind=word if (word := request.query.split()[0]) in {"mutation", "subscription"} else "query",
            document=SimpleNamespace(operation=lambda _name: operation, fragments={}),
        )


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


MakeApp = Callable[..., RouterApp]
Connect = Callable[..., httpx.AsyncClient]


@pytest.fixture
def make_app(engine: ScriptedEngine) -> MakeApp:
    def make(yaml: str = "", **more: Any) -> RouterApp:
        return create_router_app(engine, parse_settings(yaml, environment={}), **more)

    return make


@pytest.fixture
async def connect(make_app: MakeApp) -> AsyncIterator[Connect]:
    """Return a client of a new application with the given settings."""
    clients: list[httpx.AsyncClient] = []

    def client(yaml: str = "", app: RouterApp | None = None, **options: Any) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app if app is not None else make_app(yaml), raise_app_exceptions=True)
        clients.append(httpx.AsyncClient(transport=transport, base_url="http://router", **options))
        return clients[-1]

    yield client
    for each in clients:
        await each.aclose()
