"""What caches are told about answers."""

from __future__ import annotations

from typing import Any

import pytest

from router.execution.cache_policy import UNKEPT, CachePolicy
from router.execution.exchange import GraphQLResponse, Outcome

ON = "caching: {enabled: true}"
PREFLIGHT = {"apollo-require-preflight": "1"}
QUERY = {"query": "{ hello }"}


def answered(policy: CachePolicy | None) -> GraphQLResponse:
    return GraphQLResponse(Outcome.EXECUTED, data={"hello": "world"}, cache_policy=policy)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (CachePolicy(60), "max-age=60, public"),
        (CachePolicy(60, private=True), "max-age=60, private"),
        (CachePolicy(0), "private, no-cache"),
        (CachePolicy(60, no_store=True), "no-store"),
        (UNKEPT, "no-store"),
        (None, "no-store"),
    ],
)
async def test_a_policy_becomes_a_header(connect: Any, engine: Any, policy: CachePolicy | None, expected: str) -> None:
    engine.result = answered(policy)

    response = await connect(ON).post("/graphql", json=QUERY)

    assert response.headers["cache-control"] == expected


async def test_nothing_is_said_unless_asked_for(connect: Any, engine: Any) -> None:
    engine.result = answered(CachePolicy(60))

    response = await connect().get("/graphql", params=QUERY, headers=PREFLIGHT)

    assert not {"cache-control", "etag", "vary"} & set(response.headers)


async def test_who_holds_an_answer_is_not_sent_it_again(connect: Any, engine: Any) -> None:
    engine.result = answered(CachePolicy(60))
    client = connect(ON)
    first = await client.get("/graphql", params=QUERY, headers=PREFLIGHT)
    tag = first.headers["etag"]

    for tags in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
        again = await client.get("/graphql", params=QUERY, headers=PREFLIGHT | {"if-none-match": tags})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == "max-age=60, public"
        assert "content-length" not in again.headers
    engine.result = GraphQLResponse(Outcome.EXECUTED, data={"hello": "moon"}, cache_policy=CachePolicy(60))
    changed = await client.get("/graphql", params=QUERY, headers=PREFLIGHT | {"if-none-match": tag})

    assert (first.status_code, changed.status_code) == (200, 200)
    assert changed.headers["etag"] != tag


async def test_what_must_not_be_kept_has_no_tag(connect: Any, engine: Any) -> None:
    client = connect(ON)
    engine.result = answered(UNKEPT)
    unkept = await client.get("/graphql", params=QUERY, headers=PREFLIGHT)
    engine.result = GraphQLResponse(Outcome.REFUSED, errors=({"message": "no"},))
    refused = await client.get("/graphql", params=QUERY, headers=PREFLIGHT)

    assert "etag" not in unkept.headers
    assert "etag" not in refused.headers
    assert refused.headers["cache-control"] == "no-store"


async def test_what_varies_an_answer_is_told(connect: Any, engine: Any) -> None:
    engine.result = answered(CachePolicy(60))

    response = await connect(f"{ON}\nheaders: {{forward: [X-Region]}}").post("/graphql", json=QUERY)

    assert response.headers["vary"] == "accept, x-region"
