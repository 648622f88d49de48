"""A subgraph that is told until when its answer is worth anything works no longer than that; a mutation is finished."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import httpx
import pytest

from kernel.app import create_app
from kernel.graphql.execution import Result
from kernel.identity import Caller, InternalTokenSigner

KEY = "k" * 32


@pytest.mark.parametrize(("query", "status"), [("{ slow }", 504), ("mutation { slow }", 200)])
async def test_the_deadline_of_who_asks(query, status):
    async def execute(*_, **__):
        await asyncio.sleep(0.1)
        return Result({"slow": 1})

    executor = SimpleNamespace(execute=execute, subscribe=execute)
    subgraph = SimpleNamespace(name="orders", routes=[], pages=lambda _key: (), executor=executor)
    app = create_app(subgraph, internal_key=KEY)
    token = InternalTokenSigner(KEY).sign(Caller.service("router"), "orders")
    headers = {"authorization": f"Bearer {token}", "x-request-timeout-ms": "5"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://orders") as client:
        answer = await client.post("/graphql", json={"query": query}, headers=headers)
    assert answer.status_code == status
