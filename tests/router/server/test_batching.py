"""Batches: arrays of requests in one body."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

ON = "batching: {enabled: true, limit: 3}"
HELLO = {"query": "{ hello }"}
WORLD = {"data": {"hello": "world"}}


async def test_a_batch_is_answered_in_its_order(connect: Any, engine: Any) -> None:
    unknown = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "ab"}}}

    response = await connect(ON).post("/graphql", json=[HELLO, unknown, {"query": "{ x }", "variables": {"a": 1}}])

    assert response.status_code == 200
    first, second, third = response.json()
    assert (first, third) == (WORLD, WORLD)
    assert second["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    assert [request.variables for request, _ in engine.asked] == [None, {"a": 1}]


async def test_queries_run_at_the_same_time_and_mutations_do_not(connect: Any, engine: Any) -> None:
    async def under_way(*queries: str) -> int:
        engine.asked.clear()
        engine.gate.clear()
        asking = asyncio.create_task(connect(ON).post("/graphql", json=[{"query": query} for query in queries]))
        while not engine.asked:  # noqa: ASYNC110 - the engine has no event for it
            await asyncio.sleep(0)
        begun = len(engine.asked)
        engine.gate.set()
        await asking
        return begun

    assert await under_way("{ a }", "{ b }", "{ c }") == 3
    assert await under_way("{ a }", "mutation { b }") == 1


@pytest.mark.parametrize(
    ("yaml", "body", "status", "code"),
    [
        ("", b"[]", 400, "BATCHING_NOT_ENABLED"),
        (ON, b"[]", 400, "INVALID_GRAPHQL_REQUEST"),
        (ON, b"[1]", 400, "INVALID_GRAPHQL_REQUEST"),
        (ON, b"[[]]", 400, "INVALID_GRAPHQL_REQUEST"),
        (ON, b'[{"query":"{a}"},{}]', 400, "MISSING_QUERY_STRING"),
        (ON, b'[{"query":"{a}","query":"{b}"}]', 400, "INVALID_GRAPHQL_REQUEST"),
        (ON, b"[" + b",".join([b'{"query":"{a}"}'] * 4) + b"]", 422, "BATCH_LIMIT_EXCEEDED"),
        (ON, b'[{"query":"subscription { a }"}]', 406, "BATCHING_SUBSCRIPTION_UNSUPPORTED"),
    ],
)
async def test_batches_that_are_not_taken(
    connect: Any, engine: Any, yaml: str, body: bytes, status: int, code: str
) -> None:
    response = await connect(yaml).post("/graphql", content=body, headers={"content-type": "application/json"})

    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (status, code)
    assert not engine.asked
