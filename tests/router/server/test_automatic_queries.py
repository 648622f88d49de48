"""Automatic persisted queries, as Apollo's clients expect them."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

QUERY = "{ hello }"
DIGEST = hashlib.sha256(QUERY.encode()).hexdigest()
PREFLIGHT = {"apollo-require-preflight": "1"}


def named(digest: str = DIGEST, query: str | None = None, version: Any = 1) -> dict[str, Any]:
    body: dict[str, Any] = {"extensions": {"persistedQuery": {"version": version, "sha256Hash": digest}}}
    return body if query is None else body | {"query": query}


def error_of(response: Any) -> tuple[int, str, str]:
    (error,) = response.json()["errors"]
    return response.status_code, error["message"], error["extensions"]["code"]


async def test_a_document_is_sent_once(connect: Any, engine: Any) -> None:
    client = connect()

    first = await client.post("/graphql", json=named())
    second = await client.post("/graphql", json=named(query=QUERY))
    third = await client.post("/graphql", json=named())
    fourth = await client.get(
        "/graphql",
        params={"extensions": f'{{"persistedQuery":{{"version":1,"sha256Hash":"{DIGEST}"}}}}'},
        headers=PREFLIGHT,
    )

    assert error_of(first) == (200, "PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
    assert first.headers["cache-control"] == "private, no-cache, must-revalidate"
    assert [each.json() for each in (second, third, fourth)] == [{"data": {"hello": "world"}}] * 3
    assert [request.query for request, _ in engine.asked] == [QUERY] * 3


async def test_graphqls_own_media_type_never_says_200_without_data(connect: Any) -> None:
    accept = {"accept": "application/graphql-response+json"}

    response = await connect().post("/graphql", json=named(), headers=accept)

    assert error_of(response) == (400, "PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")


async def test_a_mutation_by_get_is_refused_also_when_named(connect: Any) -> None:
    mutation = "mutation { a }"
    digest = hashlib.sha256(mutation.encode()).hexdigest()
    client = connect()
    await client.post("/graphql", json=named(digest, mutation))

    extensions = f'{{"persistedQuery":{{"version":1,"sha256Hash":"{digest}"}}}}'
    response = await client.get("/graphql", params={"extensions": extensions}, headers=PREFLIGHT)

    assert error_of(response)[::2] == (405, "MUTATION_FORBIDDEN")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (named("ab", QUERY), 400, "PERSISTED_QUERY_HASH_MISMATCH"),
        (named(version=2), 400, "INVALID_GRAPHQL_REQUEST"),
        (named(version="1"), 400, "INVALID_GRAPHQL_REQUEST"),
        ({"extensions": {"persistedQuery": "ab"}}, 400, "INVALID_GRAPHQL_REQUEST"),
        ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": 5}}}, 400, "INVALID_GRAPHQL_REQUEST"),
        ({"extensions": {}}, 400, "MISSING_QUERY_STRING"),
        ({"documentId": 5}, 400, "MISSING_QUERY_STRING"),
        ({"documentId": "sha256:ab"}, 200, "PERSISTED_QUERY_NOT_FOUND"),
    ],
)
async def test_what_names_no_known_document(
    connect: Any, engine: Any, body: dict[str, Any], status: int, code: str
) -> None:
    response = await connect().post("/graphql", json=body)

    assert error_of(response)[::2] == (status, code)
    assert not engine.asked


async def test_a_document_id_names_it_too(connect: Any) -> None:
    client = connect()
    await client.post("/graphql", json=named(query=QUERY))

    response = await client.post("/graphql", json={"documentId": f"sha256:{DIGEST}"})

    assert response.json() == {"data": {"hello": "world"}}
