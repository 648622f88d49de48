"""Published operations over HTTP: who may run what, by which name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from router.operations.clients import Client, new_key, write_clients
from router.operations.resolver import StoredRequest
from router.operations.usage import read_usage

HELLO = "query Hello { hello }"
KEY, DIGEST = new_key()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    entries = [
        {"id": "hello", "name": "Hello", "body": HELLO, "budget": {"requests": 5}},
        {"id": "secret", "body": "query Secret { secret }", "clientName": "acme"},
        {"id": "own", "body": "query Public { public }", "clientName": "web"},
    ]
    text = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": entries}
    (tmp_path / "operations.json").write_text(json.dumps(text))
    write_clients(tmp_path / "clients.yaml", {"acme": Client(keys=(DIGEST,)), "web": Client()})
    return tmp_path


@pytest.fixture
def ask(connect: Any, folder: Path) -> Any:
    """Ask a router of one mode; the answer is its data, or the status and code of its refusal."""
    clients: dict[str, Any] = {}

    async def ask(mode: str, body: dict[str, Any], client: str | None = None, key: str = "") -> Any:
        yaml = f"persisted_operations: {{path: {folder}, mode: {mode}, usage: {folder}/usage.db}}"
        names = {"apollographql-client-name": client, "x-api-key": key} if client else {}
        if mode not in clients:
            clients[mode] = connect(yaml)
        response = await clients[mode].post("/graphql", json=body, headers=names)
        answer = response.json()
        if "data" in answer:
            return answer["data"]
        return response.status_code, answer["errors"][0]["extensions"]["code"]

    return ask


def by_id(name: str, **more: Any) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": name}}} | more


ANSWERED = {"hello": "world"}
MODES = ("open", "log-unknown", "safelist", "require-id")


@pytest.mark.parametrize("mode", MODES)
async def test_a_published_operation_is_run_by_its_id(ask: Any, engine: Any, mode: str) -> None:
    assert await ask(mode, by_id("hello", variables={"a": 1})) == ANSWERED
    assert await ask(mode, {"documentId": "hello"}) == ANSWERED

    request = engine.asked[0][0]
    assert (request.query, request.variables) == (HELLO, {"a": 1})
    assert isinstance(request, StoredRequest)
    assert request.operation is not None
    assert request.operation.budget is not None
    assert request.operation.budget.requests == 5


@pytest.mark.parametrize(
    ("mode", "body", "expected"),
    [
        ("open", {"query": "{ unknown }"}, ANSWERED),
        ("log-unknown", {"query": "{ unknown }"}, ANSWERED),
        ("safelist", {"query": "{ unknown }"}, (403, "QUERY_NOT_IN_SAFELIST")),
        ("safelist", {"query": "# c\nquery Hello{hello}"}, ANSWERED),
        ("safelist", {"query": "{ __typename }"}, ANSWERED),
        ("safelist", {"query": "{"}, (403, "QUERY_NOT_IN_SAFELIST")),
        ("safelist", by_id("unknown"), (404, "PERSISTED_QUERY_NOT_IN_LIST")),
        ("safelist", by_id("hello", query=HELLO), (400, "CANNOT_SEND_PQ_ID_AND_BODY")),
        ("require-id", {"query": HELLO}, (400, "PERSISTED_QUERY_ID_REQUIRED")),
        ("require-id", {"query": "{ __typename }"}, (400, "PERSISTED_QUERY_ID_REQUIRED")),
        ("require-id", by_id("unknown"), (404, "PERSISTED_QUERY_NOT_IN_LIST")),
        ("open", by_id("unknown"), (200, "PERSISTED_QUERY_NOT_FOUND")),
    ],
)
async def test_modes(ask: Any, mode: str, body: dict[str, Any], expected: Any) -> None:
    assert await ask(mode, body) == expected


async def test_each_client_has_its_list_and_proves_who_it_is(ask: Any) -> None:
    asked = [
        await ask("require-id", by_id("secret")),
        await ask("require-id", by_id("secret"), "web"),
        await ask("require-id", by_id("secret"), "nobody", KEY),
        await ask("require-id", by_id("secret"), "acme"),
        await ask("require-id", by_id("secret"), "acme", "wrong"),
        await ask("require-id", by_id("secret"), "acme", KEY),
        await ask("require-id", by_id("own"), "web"),
        await ask("safelist", {"query": "query Secret { secret }"}, "web"),
        await ask("safelist", {"query": "query Secret { secret }"}, "acme", KEY),
    ]

    not_in_list, refused = (404, "PERSISTED_QUERY_NOT_IN_LIST"), (401, "CLIENT_NOT_AUTHENTICATED")
    assert asked == [
        *[not_in_list] * 3,
        *[refused] * 2,
        *[ANSWERED] * 2,
        (403, "QUERY_NOT_IN_SAFELIST"),
        ANSWERED,
    ]


async def test_it_is_counted_who_used_what(make_app: Any, connect: Any, folder: Path) -> None:
    app = make_app(f"persisted_operations: {{path: {folder}, mode: safelist, usage: {folder}/usage.db}}")
    client = connect(app=app)
    acme = {"apollographql-client-name": "acme", "x-api-key": KEY}
    for _ in range(3):
        await client.post("/graphql", json=by_id("hello"), headers=acme)
    await client.post("/graphql", json={"query": HELLO})
    await client.post("/graphql", json={"query": "{ unknown }"})

    app.close()

    usage = read_usage(folder / "usage.db")
    assert {key: use.count for key, use in usage.items()} == {("hello", "acme"): 3, ("hello", ""): 1}


async def test_a_digest_that_is_published_needs_no_first_sending(connect: Any, tmp_path: Path) -> None:
    digest = hashlib.sha256(HELLO.encode()).hexdigest()
    text = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": digest, "body": HELLO}]}
    (tmp_path / "m.json").write_text(json.dumps(text))

    response = await connect(f"persisted_operations: {{path: {tmp_path}/m.json}}").post("/graphql", json=by_id(digest))

    assert response.json() == {"data": ANSWERED}
