"""REST requests that many send at the same time, and routes of published operations whose uses are counted."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

from router.operations.usage import read_usage

KEY = "secret-of-acme"
ONE = "query One($id: ID!) { lamp(id: $id) { id name } }"
ROUTES = "routes: [{route: 'GET /lamps/{id}', answer: lamp, id: one}]"


async def test_equal_gets_at_the_same_time_are_run_once(serve: Any, lamps: Any) -> None:
    client = serve()

    answers = await asyncio.gather(*(client.get(f"/lamps/{each}") for each in "1112"))

    assert [answer.json()["id"] for answer in answers] == list("1112")
    assert [each["id"] for each in lamps.asked] == ["1", "2"]
    await client.get("/lamps/1")
    assert len(lamps.asked) == 3


async def test_changes_are_never_shared(serve: Any, lamps: Any) -> None:
    client = serve()
    await asyncio.gather(*(client.post("/open/1", headers={"content-type": "application/json"}) for _ in range(3)))
    assert len(lamps.asked) == 3


async def test_the_uses_of_a_published_operation_are_counted_by_client(serve: Any, tmp_path: Any) -> None:
    folder = tmp_path / "operations"
    folder.mkdir()
    operations = [{"id": "one", "name": "One", "type": "query", "body": ONE}]
    manifest = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations}
    (folder / "all.json").write_text(json.dumps(manifest))
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    (folder / "clients.yaml").write_text(f"clients: {{acme: {{keys: ['sha256:{digest}']}}}}")
    client = serve(ROUTES, f"persisted_operations: {{path: {folder}, mode: require-id, usage: {folder}/usage.db}}")
    acme = {"apollographql-client-name": "acme", "x-api-key": KEY}

    for headers in ({}, acme, acme, {**acme, "x-api-key": "wrong"}):
        answer = await client.get("/lamps/1", headers=headers)
        assert (answer.status_code, answer.json().get("code")) in {(200, None), (401, "CLIENT_NOT_AUTHENTICATED")}
    client._transport.app.close()

    usage = read_usage(folder / "usage.db")
    assert {key: use.count for key, use in usage.items()} == {("one", "acme"): 2, ("one", ""): 1}
