"""A test kit for plugins: a whole router around a plugin, without sockets, over subgraphs that answer by a function.

async with plugged(MyPlugin(limit=3), {"shop": "type Query { hello: String }"}, lambda *_: {"hello": "you"}) as router:
    answer = await router.ask("{ hello }", headers={"x-tenant": "acme"})
    assert answer.json["data"] == {"hello": "you"}
    assert router.fetches[0].headers == (("x-tenant", "acme"),)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from router.composition import Composed, Subgraph, compose
from router.config import RouterSettings
from router.execution.exchange import Headers
from router.execution.settings import EngineSettings
from router.execution.transports.in_process import InProcessTransport
from router.plugins.hooks import Plugin
from router.plugins.stages import PluggedEngine, plugged_transports
from router.server.app import create_router_app
from router.server.exchange import HttpRequest, Response
from router.supergraph import load_supergraph

Resolve = Callable[[str, str, Mapping[str, Any]], Mapping[str, Any]]
"""From a subgraph's name, its operation and the variables to the data."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A request that has reached a subgraph."""

    subgraph: str
    query: str
    variables: Mapping[str, Any]
    headers: Headers


@dataclass(frozen=True, slots=True)
class Answered:
    """What a client has got."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return orjson.loads(self.body)


@dataclass(slots=True)
class RouterUnderTest:
    """A router with the plugin; `fetches` are the requests that have reached subgraphs."""

    respond: Callable[[HttpRequest], Any]
    fetches: list[Fetched] = field(default_factory=list)

    async def ask(
        self, query: str, variables: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answered:
        """Ask as a client would."""
        sent = {"content-type": "application/json", "accept": "application/json", **(headers or {})}
        raw = {name.lower().encode(): value.encode() for name, value in sent.items()}
        body = orjson.dumps({"query": query, "variables": variables})
        answer = await self.respond(HttpRequest("POST", "/graphql", b"", raw, body))
        response = answer.response
        if not isinstance(response, Response):
            raise TypeError("the answer is a stream")
        return Answered(response.status, dict((*response.headers, *answer.headers)), response.body)


@asynccontextmanager
async def plugged(
    plugin: Plugin, schemas: Mapping[str, str], resolve: Resolve, settings: RouterSettings | None = None
) -> AsyncIterator[RouterUnderTest]:
    """Run a router with a plugin over subgraphs of these schemas."""
    composed = compose([Subgraph(name, sdl, f"http://{name}") for name, sdl in schemas.items()])
    if not isinstance(composed, Composed):
        raise ValueError("; ".join(each.message for each in composed))  # noqa: TRY004 - it is about the schemas
    fetches: list[Fetched] = []

    def transport(name: str) -> InProcessTransport:
        async def execute(query: str, variables: Mapping[str, Any], *_: Any, headers: Headers, **__: Any) -> Any:
            fetches.append(Fetched(name, query, variables, headers))
            return {"data": dict(resolve(name, query, variables))}

        return InProcessTransport(execute)

    transports = plugged_transports({name: transport(name) for name in schemas}, [plugin])
    supergraph = load_supergraph(composed.supergraph_sdl)
    engine = PluggedEngine(supergraph, transports, EngineSettings(share_requests=False), plugins=[plugin])
    app = create_router_app(engine, settings or RouterSettings(), plugins=[plugin])
    try:
        yield RouterUnderTest(app.respond, fetches)
    finally:
        app.close()
        await app.aclose()
        engine.close()
        await plugin.close()
