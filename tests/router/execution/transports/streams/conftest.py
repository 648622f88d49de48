"""Subgraphs on ports of their own: a real Strawberry server, and servers that speak exactly what a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import strawberry
import uvicorn
from strawberry.asgi import GraphQL
from strawberry.subscriptions import (
    GRAPHQL_SSE_PROTOCOL,
    GRAPHQL_TRANSPORT_WS_PROTOCOL,
    GRAPHQL_WS_PROTOCOL,
    MULTIPART_SUBSCRIPTION_PROTOCOL,
)

from router.execution.transports import SubgraphRequest
from router.execution.transports.port import SubgraphOperation


@strawberry.type
class Query:
    now: int = 1


closed: list[str] = []


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self, info: strawberry.Info, count: int, name: str = "") -> AsyncGenerator[int]:
        try:
            for number in range(count):
                yield number
            if count < 0:
                await asyncio.Event().wait()
        finally:
            closed.append(name)

    @strawberry.subscription
    async def who(self, info: strawberry.Info) -> AsyncGenerator[str]:
        request = info.context["request"]
        said = (info.context.get("connection_params") or {}).get("x-user", "")
        yield f"{request.headers.get('x-user', '')} {said}".strip()

    @strawberry.subscription
    async def broken(self) -> AsyncGenerator[int]:
        yield 1
        raise ValueError("out of order")


def strawberry_app(*protocols: str) -> GraphQL[Any, Any]:
    schema = strawberry.Schema(Query, None, Subscription)
    chosen = protocols or (
        GRAPHQL_TRANSPORT_WS_PROTOCOL,
        GRAPHQL_WS_PROTOCOL,
        MULTIPART_SUBSCRIPTION_PROTOCOL,
        GRAPHQL_SSE_PROTOCOL,
    )
    return GraphQL(schema, multipart_uploads_enabled=False, subscription_protocols=chosen)


@asynccontextmanager
async def running(app: Any) -> AsyncIterator[str]:
    """Serve an ASGI application; yields its URL."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off", ws="websockets-sansio"))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(30):
        while not server.started:  # noqa: ASYNC110 - uvicorn knows of no event
            await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/graphql"
    finally:
        server.should_exit = True
        server.force_exit = True
        await serving


Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def saying(*pieces: bytes, media: str = "text/event-stream", status: str = "200 OK", stay: bool = False):
    """A server that answers every request with these pieces; it hangs up after them unless told to stay."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status}\r\ncontent-type: {media}\r\nconnection: close\r\n\r\n".encode())
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.002)
        if stay:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/graphql"


@pytest.fixture
def request_for() -> Callable[..., SubgraphRequest]:
    def make(document: str, variables: Any = None, headers: Any = ()) -> SubgraphRequest:
        operation = SubgraphOperation("clock", "subscription", document, None)
        return SubgraphRequest(operation, variables or {}, tuple(headers))

    return make


@pytest.fixture
def subgraphs() -> Any:
    """The ways in which the tests serve subgraphs."""

    class Ways:
        strawberry = staticmethod(strawberry_app)
        run = staticmethod(running)
        say = staticmethod(saying)
        ended = closed

    return Ways
