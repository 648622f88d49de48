"""GraphQL over HTTP: media types, statuses and codes, for every way a request can be wrong."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from router.execution.exchange import GraphQLResponse, Outcome

JSON = "application/json; charset=utf-8"
GRAPHQL = "application/graphql-response+json; charset=utf-8"
HELLO = {"query": "{ hello }"}
REFUSED = GraphQLResponse(Outcome.REFUSED, errors=({"message": "no", "extensions": {"code": "GRAPHQL_PARSE_FAILED"}},))
PREFLIGHT = {"apollo-require-preflight": "1"}


def code(response: httpx.Response) -> str:
    assert "data" not in response.json()
    (error,) = response.json()["errors"]
    assert error["message"]
    return error["extensions"]["code"]


async def test_a_post_is_answered(connect: Any, engine: Any) -> None:
    body = {"query": "query Q($a: Int) { hello }", "variables": {"a": 1}, "operationName": "Q", "extensions": {"x": 1}}

    response = await connect().post("/graphql", json=body)

    assert (response.status_code, response.json()) == (200, {"data": {"hello": "world"}})
    assert response.headers["x-content-type-options"] == "nosniff"
    ((request, _),) = engine.asked
    assert request.query == body["query"]
    assert (request.variables, request.operation_name, request.extensions) == ({"a": 1}, "Q", {"x": 1})


async def test_a_get_is_answered(connect: Any, engine: Any) -> None:
    parameters = {"query": "query Q { hello }", "variables": '{"a":"é"}', "operationName": "Q", "extensions": ""}

    response = await connect().get("/graphql", params=parameters, headers=PREFLIGHT)

    assert (response.status_code, response.json()) == (200, {"data": {"hello": "world"}})
    ((request, _),) = engine.asked
    assert (request.query, request.variables, request.operation_name) == ("query Q { hello }", {"a": "é"}, "Q")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("APPLICATION/JSON; charset=utf-8", JSON),
        ("application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", GRAPHQL),
        ("application/json, application/graphql-response+json", JSON),
        ("application/json;q=0.5, application/graphql-response+json;q=0.9", GRAPHQL),
        ("text/html, application/json;q=0.1", JSON),
    ],
)
async def test_the_accept_header_chooses_the_media_type(connect: Any, accept: str | None, expected: str) -> None:
    client = connect()
    del client.headers["accept"]

    response = await client.post("/graphql", json=HELLO, headers={"accept": accept} if accept else {})

    assert response.headers["content-type"] == expected


@pytest.mark.parametrize(
    "accept", ["text/html", "application/json;q=0", "application/json;charset=latin-1", "nonsense", ""]
)
async def test_nothing_acceptable_is_406(connect: Any, accept: str) -> None:
    response = await connect().post("/graphql", json=HELLO, headers={"accept": accept})

    assert (response.status_code, code(response)) == (406, "INVALID_ACCEPT_HEADER")


@pytest.mark.parametrize(
    ("yaml", "accept", "status"),
    [
        ("", "application/json", 200),
        ("", "application/graphql-response+json", 400),
        ("server: {profile: apollo}", "application/json", 400),
        ("server: {profile: apollo}", "application/graphql-response+json", 400),
    ],
)
async def test_a_refused_operation(connect: Any, engine: Any, yaml: str, accept: str, status: int) -> None:
    engine.result = REFUSED

    response = await connect(yaml).post("/graphql", json=HELLO, headers={"accept": accept})

    assert response.status_code == status
    assert code(response) == ("GRAPHQL_PARSING_FAILED" if yaml else "GRAPHQL_PARSE_FAILED")
    if yaml:
        assert response.headers["content-type"] == JSON


async def test_a_null_result_with_errors_was_executed(connect: Any, engine: Any) -> None:
    engine.result = GraphQLResponse(Outcome.EXECUTED, data=None, errors=({"message": "x"},))

    response = await connect().post("/graphql", json=HELLO, headers={"accept": "application/graphql-response+json"})

    assert (response.status_code, response.json()) == (200, {"errors": [{"message": "x"}], "data": None})


async def test_a_fault_of_the_planner_is_500(connect: Any, engine: Any) -> None:
    engine.result = GraphQLResponse(
        Outcome.FAILED, errors=({"message": "x", "extensions": {"code": "QUERY_PLAN_BUILD_FAILED"}},)
    )

    response = await connect().post("/graphql", json=HELLO)

    assert (response.status_code, code(response)) == (500, "QUERY_PLAN_BUILD_FAILED")


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "",
    ],
)
async def test_other_bodies_than_json_are_415(connect: Any, engine: Any, content_type: str) -> None:
    response = await connect().post(
        "/graphql", content=b'{"query":"{ hello }"}', headers={"content-type": content_type}
    )

    assert (response.status_code, code(response)) == (415, "INVALID_CONTENT_TYPE_HEADER")
    assert engine.asked == []


BAD_BODIES = {
    "empty": (b"", "INVALID_GRAPHQL_REQUEST"),
    "not JSON": (b'{"query"', "INVALID_GRAPHQL_REQUEST"),
    "not UTF-8": (b'{"query":"\xff"}', "INVALID_GRAPHQL_REQUEST"),
    "a text": (b'"{ hello }"', "INVALID_GRAPHQL_REQUEST"),
    "null": (b"null", "INVALID_GRAPHQL_REQUEST"),
    "a batch": (b'[{"query":"{ hello }"}]', "BATCHING_NOT_ENABLED"),
    "no query": (b"{}", "MISSING_QUERY_STRING"),
    "null query": (b'{"query":null}', "MISSING_QUERY_STRING"),
    "empty query": (b'{"query":""}', "MISSING_QUERY_STRING"),
    "query a number": (b'{"query":1}', "INVALID_GRAPHQL_REQUEST"),
    "query zero": (b'{"query":0}', "INVALID_GRAPHQL_REQUEST"),
    "variables a list": (b'{"query":"{a}","variables":[]}', "INVALID_GRAPHQL_REQUEST"),
    "variables a text": (b'{"query":"{a}","variables":"{}"}', "INVALID_GRAPHQL_REQUEST"),
    "extensions a number": (b'{"query":"{a}","extensions":1}', "INVALID_GRAPHQL_REQUEST"),
    "operationName a list": (b'{"query":"{a}","operationName":[]}', "INVALID_GRAPHQL_REQUEST"),
}


@pytest.mark.parametrize("name", BAD_BODIES)
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_bodies_that_are_no_request_are_400_in_every_media_type(
    connect: Any, engine: Any, name: str, accept: str
) -> None:
    body, expected = BAD_BODIES[name]

    response = await connect().post(
        "/graphql", content=body, headers={"content-type": "application/json", "accept": accept}
    )

    assert (response.status_code, code(response)) == (400, expected)
    assert response.headers["content-type"].startswith(accept)
    assert engine.asked == []


@pytest.mark.parametrize(
    "query", ["", "query=%ff", "query={a}&query={b}", "query={a}&variables={", "query={a}&variables=[]"]
)
async def test_bad_query_strings_are_400(connect: Any, query: str) -> None:
    response = await connect().get(f"/graphql?{query}", headers=PREFLIGHT)

    assert response.status_code == 400
    assert code(response) in ("INVALID_GRAPHQL_REQUEST", "MISSING_QUERY_STRING")


async def test_a_mutation_by_get_is_405(connect: Any, engine: Any) -> None:
    response = await connect().get("/graphql", params={"query": "mutation { buy }"}, headers=PREFLIGHT)

    assert (response.status_code, code(response)) == (405, "MUTATION_FORBIDDEN")
    assert response.headers["allow"] == "POST"
    assert engine.asked == []


@pytest.mark.parametrize("method", ["PATCH", "HEAD", "OPTIONS"])
async def test_other_methods_are_405(connect: Any, method: str) -> None:
    response = await connect().request(method, "/graphql")

    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"


@pytest.mark.parametrize("path", ["/nothing", "/graphql/", "/explorer/../app.py", "/explorer/%2e%2e/page.py"])
async def test_other_paths_are_404(connect: Any, path: str) -> None:
    response = await connect().get(path)

    assert (response.status_code, code(response)) == (404, "NOT_FOUND")


async def test_the_path_can_be_chosen(connect: Any) -> None:
    client = connect("server: {path: /api}")

    assert (await client.post("/api", json=HELLO)).status_code == 200
    assert (await client.post("/graphql", json=HELLO)).status_code == 404


async def test_a_digest_alone_is_answered_as_apollos_clients_expect(connect: Any) -> None:
    body = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "ab"}}}

    response = await connect("apq: {enabled: false}").post("/graphql", json=body)

    assert (response.status_code, code(response)) == (200, "PERSISTED_QUERY_NOT_SUPPORTED")


async def test_a_body_up_to_the_limit_is_read(connect: Any) -> None:
    client = connect("limits: {body_bytes: 1000}")
    body = b'{"query":"{ hello }"}'

    within = await client.post("/graphql", content=body.ljust(1000), headers={"content-type": "application/json"})
    beyond = await client.post("/graphql", content=body.ljust(1001), headers={"content-type": "application/json"})

    assert within.status_code == 200
    assert (beyond.status_code, code(beyond)) == (413, "PAYLOAD_TOO_LARGE")


async def test_a_fault_in_the_engine_is_masked(connect: Any, engine: Any) -> None:
    engine.failure = RuntimeError("secret")

    response = await connect().post("/graphql", json=HELLO, headers={"x-request-id": "abc"})

    assert (response.status_code, code(response)) == (500, "INTERNAL_SERVER_ERROR")
    assert "secret" not in response.text
    assert "abc" in response.text
