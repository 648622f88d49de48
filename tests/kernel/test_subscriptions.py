"""Subscriptions of a small subgraph: in this process, and as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import strawberry
import uvicorn

import kernel.app
from kernel import errors
from kernel.app import create_app
from kernel.database import Database
from kernel.graphql import Context, build_schema
from kernel.identity import ANONYMOUS, Caller, InternalTokenSigner
from kernel.subgraph import Subgraph

KEY = "k" * 40
Info = strawberry.Info[Context[Any, Any], None]


@strawberry.type
class Tick:
    number: int

    @strawberry.field
    def seen_by(self, info: Info) -> str:
        return f"{info.context.caller.id} {len(info.context.loaders)}"

    @strawberry.field
    def odd(self) -> int | None:
        if self.number % 2:
            return self.number
        raise errors.ConflictError("Even.")


@strawberry.type
class Query:
    now: int = 1


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self, info: Info, count: int, fail: bool = False) -> AsyncGenerator[Tick]:
        service = info.context.service
        try:
            for number in range(count):
                service.append("tick")
                yield Tick(number=number)
            if fail:
                raise RuntimeError("password=hunter2")
            await asyncio.Event().wait()
        finally:
            service.append("closed")


@pytest.fixture
def log():
    return []


@pytest.fixture
def sample(log):
    contexts: list[list[str]] = []

    def make_context(caller: Caller) -> Context[Any, Any]:
        contexts.append([])
        return Context(caller=caller, service=log, loaders=tuple(contexts))

    database = Database("postgresql://nobody@127.0.0.1:1/none", schema="sample")
    schema = build_schema(Query, None, Subscription)
    return Subgraph(name="sample", schema=schema, make_context=make_context, database=database, migrations=Path())


async def soon(events):
    return await asyncio.wait_for(anext(events), 30)


async def test_each_event_has_a_context_of_its_own(sample, log):
    caller = Caller(id="usr_1", kind="customer")
    query = "subscription ($n: Int!) { ticks(count: $n) { number seenBy odd } }"
    async with aclosing(sample.executor.subscribe(query, {"n": 2}, caller=caller)) as events:
        first, second = (await soon(events)).to_builtins(), (await soon(events)).to_builtins()
    assert first["data"]["ticks"] == {"number": 0, "seenBy": "usr_1 2", "odd": None}
    assert first["errors"][0]["extensions"]["code"] == "CONFLICT"
    assert second == {"data": {"ticks": {"number": 1, "seenBy": "usr_1 3", "odd": 1}}}
    assert log[-1] == "closed"


async def test_what_fails_is_masked_and_ends_the_subscription(sample):
    async with aclosing(sample.executor.subscribe("subscription { ticks(count: 0, fail: true) { number } }")) as events:
        (error,) = (await soon(events)).to_builtins()["errors"]
        assert (error["message"], error["extensions"]["code"]) == ("Internal error", "INTERNAL_SERVER_ERROR")
        with pytest.raises(StopAsyncIteration):
            await anext(events)


@asynccontextmanager
async def served(sample):
    server = uvicorn.Server(
        uvicorn.Config(create_app(sample, internal_key=KEY), port=0, log_level="error", lifespan="off")
    )
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(30):
        while not server.started:  # noqa: ASYNC110 - uvicorn knows of no event
            await asyncio.sleep(0.005)
    token = InternalTokenSigner(KEY).sign(ANONYMOUS, "sample")
    headers = {"accept": "text/event-stream", "authorization": f"Bearer {token}"}
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=10) as client:
            yield client
    finally:
        server.should_exit = True
        await serving


async def test_over_http_events_are_written_as_they_happen(sample, log, monkeypatch):
    monkeypatch.setattr(kernel.app, "_HEARTBEAT_SECONDS", 0.02)
    async with served(sample) as client:
        body = {"query": "subscription { ticks(count: 1) { number } }"}
        async with client.stream("POST", "/graphql", json=body) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            heard = ""
            async for text in response.aiter_text():
                heard += text
                if heard.count(":\n\n") > 2:
                    break
        assert 'event: next\ndata: {"data":{"ticks":{"number":0}}}\n\n' in heard
        async with asyncio.timeout(30):
            while log[-1] != "closed":  # noqa: ASYNC110 - what is waited for knows of no event
                await asyncio.sleep(0.005)


async def test_over_http_what_cannot_run_is_told_in_the_stream(sample):
    async with served(sample) as client:
        response = await client.post("/graphql", json={"query": "subscription { nothing }"})
        assert "GRAPHQL_VALIDATION_FAILED" in response.text
        assert response.text.endswith("event: complete\ndata: \n\n")
        refused = await client.post("/graphql", content=orjson.dumps({}), headers={"authorization": "Bearer x"})
        assert refused.status_code == 401
