"""A small subgraph, run as the router runs it: in this process, and over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import strawberry
from sqlalchemy import text

from kernel import errors
from kernel.app import create_app
from kernel.calls import (
    CallFaultError,
    CallRefusedError,
    CallTimeoutError,
    CallUnavailableError,
    HttpCalls,
    InProcessCalls,
)
from kernel.database import Database, count_statements
from kernel.graphql import Context, Money, build_schema
from kernel.identity import Caller, InternalTokenSigner, require, require_service
from kernel.loaders import by_key
from kernel.money import Money as Amount
from kernel.subgraph import Subgraph, export_sdl

KEY = "k" * 40
Info = strawberry.Info[Context[Database, Any], None]


@strawberry.federation.type(keys=["id"])
class Thing:
    id: strawberry.ID
    name: str

    @classmethod
    async def resolve_reference(cls, info: Info, id: str) -> "Thing | None":  # noqa: A002 # the name of the key
        return await info.context.loaders.load(id)

    @strawberry.field
    async def sibling(self, info: Info) -> "Thing | None":
        return await info.context.loaders.load(f"{self.id}s")


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, info: Info) -> str:
        return f"hello {info.context.caller.id}"

    @strawberry.field
    def price(self) -> Money:
        return Money.of(Amount(1250, "EUR"))

    @strawberry.federation.field(inaccessible=True)
    def internal(self, info: Info) -> str:
        return require_service(info.context.caller)

    @strawberry.field
    def mine(self, info: Info) -> str:
        return require(info.context.caller)

    @strawberry.field
    def wrong(self) -> str | None:
        raise errors.ConflictError("No longer so.", code="STALE_VERSION")

    @strawberry.field
    def broken(self) -> str | None:
        raise RuntimeError("password=hunter2")

    @strawberry.field
    def away(self) -> str | None:
        raise errors.InfrastructureError("10.0.0.7 is away", retryable=True)

    @strawberry.field
    async def slow(self) -> str:
        await asyncio.sleep(5)
        return "late"

    @strawberry.field
    async def in_transaction(self, info: Info) -> str:
        async with info.context.service.transaction():
            calls = InProcessCalls("me", {})
            await calls.execute("other", "{x}")
        return ""


@pytest.fixture
async def sample(producer: Database) -> Subgraph:
    async def fetch(ids: Any) -> dict[str, Thing]:
        async with producer.session() as session:
            rows = await session.execute(text("SELECT unnest(CAST(:ids AS text[]))"), {"ids": list(ids)})
            return {key: Thing(id=strawberry.ID(key), name=f"name {key}") for key in rows.scalars() if key != "none"}

    return Subgraph(
        name="sample",
        schema=build_schema(Query, types=[Thing]),
        make_context=lambda caller: Context(caller=caller, service=producer, loaders=by_key(fetch)),
        database=producer,
        migrations=Path(),
    )


ENTITIES = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Thing { id name sibling { name } } } }"


def representations(*ids: str) -> dict[str, Any]:
    return {"r": [{"__typename": "Thing", "id": each} for each in ids]}


async def test_it_answers_in_plain_values(sample: Subgraph):
    result = await sample.executor.execute("{ hello price { amount currency } }", caller=Caller.service("x"))
    assert result.to_builtins() == {"data": {"hello": "hello x", "price": {"amount": "12.50", "currency": "EUR"}}}


@pytest.mark.parametrize("count", [1, 10])
async def test_entities_cost_the_same_statements_however_many(sample: Subgraph, count: int):
    with count_statements(sample.database) as counted:
        result = await sample.executor.execute(ENTITIES, representations(*(f"t{n}" for n in range(count))))
    assert [each["sibling"]["name"] for each in result.data["_entities"]] == [f"name t{n}s" for n in range(count)]
    assert counted.total == 2


async def test_representations_stay_as_they_were_given(sample: Subgraph):
    variables = representations("a", "none")
    result = await sample.executor.execute(ENTITIES, variables)
    assert result.data["_entities"][1] is None
    assert variables == representations("a", "none")


async def test_one_bad_representation_does_not_spoil_the_others(sample: Subgraph):
    result = await sample.executor.execute(ENTITIES, {"r": [{"__typename": "Nothing"}, *representations("a")["r"]]})
    assert [each and each["id"] for each in result.data["_entities"]] == [None, "a"]
    assert len(result.errors) == 1


async def test_domain_errors_are_shown_with_their_code(sample: Subgraph):
    result = await sample.executor.execute("{ wrong }")
    assert result.data == {"wrong": None}
    assert result.errors[0]["message"] == "No longer so."
    assert result.errors[0]["extensions"] == {"code": "STALE_VERSION"}
    assert result.errors[0]["path"] == ["wrong"]


async def test_other_errors_are_masked_and_named(sample: Subgraph):
    result = await sample.executor.execute("{ broken }")
    (error,) = result.errors
    assert error["message"] == "Internal error"
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["extensions"]["errorId"].startswith("evt_")
    assert "hunter2" not in str(result)


async def test_what_may_work_later_says_so_and_no_more(sample: Subgraph):
    result = await sample.executor.execute("{ away }")
    (error,) = result.errors
    assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
    assert "10.0.0.7" not in str(result)


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("{", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query($r: [_Any!]!) { _entities(representations: $r) { __typename } }", {}, "BAD_USER_INPUT"),
        ("query A { hello } query B { hello }", {}, "BAD_USER_INPUT"),
        ("{ mine }", {}, "UNAUTHENTICATED"),
        ("{ internal }", {}, "UNAUTHENTICATED"),
    ],
)
async def test_each_refusal_has_its_code(sample: Subgraph, query: str, variables: dict[str, Any], code: str):
    result = await sample.executor.execute(query, variables)
    assert [error["extensions"]["code"] for error in result.errors] == [code]


def test_the_schema_prints_the_same_each_time_and_needs_no_database():
    def printed() -> str:
        database = Database("postgresql://nobody@127.0.0.1:9/none", schema="sample")
        return export_sdl(
            Subgraph(
                name="sample",
                schema=build_schema(Query, types=[Thing]),
                make_context=lambda caller: Context(caller=caller, service=None, loaders=None),
                database=database,
                migrations=Path(),
            )
        )

    assert printed() == printed()
    assert "internal: String! @inaccessible" in printed()


# --- calls ---


async def test_calls_in_process_come_in_the_callers_name(sample: Subgraph):
    calls = InProcessCalls("orders", {"sample": sample.executor})
    assert await calls.execute("sample", "{ internal }") == {"internal": "orders"}
    with pytest.raises(CallUnavailableError):
        await calls.execute("away", "{ internal }")
    with pytest.raises(CallRefusedError, match=r"No longer so"):
        await calls.execute("sample", "{ wrong }")
    for failing in ("{ broken }", "{ away }"):
        with pytest.raises(CallFaultError):
            await calls.execute("sample", failing)
    with pytest.raises(CallTimeoutError):
        await calls.execute("sample", "{ slow }", deadline=0.01)


async def test_a_call_inside_a_transaction_is_a_mistake(sample: Subgraph):
    result = await sample.executor.execute("{ inTransaction }")
    assert result.errors[0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    async with sample.database.transaction():
        with pytest.raises(RuntimeError, match="inside an open transaction"):
            await InProcessCalls("orders", {}).execute("sample", "{ hello }")


# --- over HTTP ---


@pytest.fixture
async def client(sample: Subgraph) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(sample, internal_key=KEY))
    async with httpx.AsyncClient(transport=transport, base_url="http://sample") as client:
        yield client


def bearer(audience: str = "sample") -> dict[str, str]:
    token = InternalTokenSigner(KEY).sign(Caller.service("orders"), audience)
    return {"authorization": f"Bearer {token}"}


async def test_http_answers_who_has_a_token_for_it(client: httpx.AsyncClient):
    answer = await client.post("/graphql", json={"query": "{ internal }"}, headers=bearer())
    assert answer.json() == {"data": {"internal": "orders"}}
    for headers in ({}, bearer("other"), {"authorization": "Basic x"}, {"authorization": "Bearer x"}):
        refused = await client.post("/graphql", json={"query": "{ internal }"}, headers=headers)
        assert refused.status_code == 401
        assert refused.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"query": 1}', b'{"query": "{hello}", "variables": []}'])
async def test_http_refuses_what_is_no_request(client: httpx.AsyncClient, body: bytes):
    assert (await client.post("/graphql", content=body, headers=bearer())).status_code == 400


async def test_http_reads_no_more_than_a_request_can_need(client: httpx.AsyncClient):
    async def endless() -> AsyncIterator[bytes]:
        while True:
            read.append(1)
            yield b" " * 100_000

    read: list[int] = []
    assert (await client.post("/graphql", content=endless(), headers=bearer())).status_code == 400
    assert len(read) < 30


async def test_health_tells_whether_the_database_is_there(client: httpx.AsyncClient, sample: Subgraph):
    assert (await client.get("/health")).json() == {"subgraph": "sample", "status": "up"}
    away = Subgraph(
        name="sample",
        schema=sample.schema,
        make_context=sample.make_context,
        database=Database("postgresql://nobody@127.0.0.1:9/none", schema="sample"),
        migrations=Path(),
    )
    transport = httpx.ASGITransport(create_app(away, internal_key=KEY))
    async with httpx.AsyncClient(transport=transport, base_url="http://sample") as lonely:
        answer = await lonely.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "down")


async def test_calls_over_http_tell_faults_apart(sample: Subgraph):
    import uvicorn

    server = uvicorn.Server(
        uvicorn.Config(create_app(sample, internal_key=KEY), port=0, log_level="error", lifespan="off")
    )
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 # uvicorn offers no event
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    urls = {"sample": f"http://127.0.0.1:{port}/graphql", "away": "http://127.0.0.1:9/graphql"}
    calls = HttpCalls("orders", urls, InternalTokenSigner(KEY))
    try:
        assert await calls.execute("sample", "{ internal }") == {"internal": "orders"}
        for subgraph in ("away", "unknown"):
            with pytest.raises(CallUnavailableError):
                await calls.execute(subgraph, "{ hello }")
        with pytest.raises(CallRefusedError):
            await calls.execute("sample", "{ wrong }")
        with pytest.raises(CallFaultError):
            await calls.execute("sample", "{ broken }")
        with pytest.raises(CallTimeoutError):
            await calls.execute("sample", "{ slow }", deadline=0.05)
        for _ in range(5):
            with pytest.raises(CallUnavailableError):
                await calls.execute("away", "{ hello }")
        with pytest.raises(CallUnavailableError, match="left alone"):
            await calls.execute("away", "{ hello }")
        stranger = HttpCalls("orders", urls, InternalTokenSigner("x" * 40))
        with pytest.raises(CallRefusedError):
            await stranger.execute("sample", "{ hello }")
        await stranger.close()
    finally:
        await calls.close()
        server.should_exit = True
        server.force_exit = True
        await task
