"""Fetches start when their own inputs are there, failures stay partial, and errors are told in the client's terms."""

from __future__ import annotations

import asyncio
import json

import pytest

from router.execution import MalformedResponseError, SubgraphTimeoutError, SubgraphUnreachableError
from router.execution.transports import SubgraphResponse
from router.planner.plan import Rename

SDL = """
type User { id: ID! name: String age: Int! friends: [User!] }
type Query { users: [User] me: User other: User }
type Mutation { one: Int two: Int! three: Int }
"""


def codes(response):
    return [each["extensions"]["code"] for each in response.errors]


def joined(bench, plans):
    return bench.compile(
        SDL,
        "{ users { id name } }",
        plans.root("a", "{ users { id } }"),
        plans.entities(1, "b", "... on User { name }", plans.call("users.@", plans.keyed("User", "id"))),
    )


async def test_a_fetch_waits_for_its_own_inputs_only(bench, plans):
    """`slow` holds up neither `fast` nor what comes after it."""
    order, gate = [], asyncio.Event()

    async def slow():
        await gate.wait()
        order.append("slow")
        return {"data": {"other": {"id": "2"}}}

    def after_fast(_request):
        order.append("after fast")
        gate.set()
        return {"data": {"_entities": [{"name": "n"}]}}

    program = bench.compile(
        SDL,
        "{ me { name } other { name } }",
        plans.root("fast", "{ me { id } }"),
        plans.root("slow", "{ other { id } }", number=1),
        plans.entities(2, "x", "... on User { name }", plans.call("me", plans.keyed("User", "id"))),
        plans.entities(3, "y", "... on User { name }", plans.call("other", plans.keyed("User", "id")), after=(1,)),
    )
    answers = {
        "fast": {"data": {"me": {"id": "1"}}},
        "slow": lambda _request: slow(),
        "x": after_fast,
        "y": {"data": {"_entities": [{"name": "m"}]}},
    }
    response = await bench.run(program, answers)
    assert response.data == {"me": {"name": "n"}, "other": {"name": "m"}}
    assert order == ["after fast", "slow"]


async def test_mutations_run_one_after_another(bench, plans):
    running = []

    def step(name):
        async def work():
            running.append(name)
            assert running == [name]
            await asyncio.sleep(0.01)
            running.remove(name)
            return {"data": {name: 1}}

        return lambda _request: work()

    fetches = [
        plans.root(
            name, f"mutation {{ {name} }}", number=at, kind="mutation", depends_on=frozenset({at - 1} if at else ())
        )
        for at, name in enumerate(("one", "two", "three"))
    ]
    program = bench.compile(SDL, "mutation { one two three }", *fetches)
    response = await bench.run(program, {name: step(name) for name in ("one", "two", "three")})
    assert list(response.data) == ["one", "two", "three"]


async def test_cancelling_gives_up_what_is_under_way(bench, plans):
    cancelled = asyncio.Event()

    async def hang():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    program = bench.compile(SDL, "{ me { name } }", plans.root("a", "{ me { name } }"))
    before = asyncio.all_tasks()
    client = asyncio.create_task(bench.run(program, {"a": lambda _request: hang()}))
    await asyncio.sleep(0.01)
    client.cancel()
    await asyncio.gather(client, return_exceptions=True)
    await asyncio.wait_for(cancelled.wait(), 1)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (SubgraphUnreachableError("refused"), "SUBREQUEST_HTTP_ERROR"),
        (SubgraphTimeoutError("slow"), "SUBGRAPH_REQUEST_TIMEOUT"),
        (MalformedResponseError("odd"), "SUBREQUEST_MALFORMED_RESPONSE"),
        (ZeroDivisionError(), "SUBREQUEST_HTTP_ERROR"),
        (SubgraphResponse(body=b"<html>"), "SUBREQUEST_MALFORMED_RESPONSE"),
        (SubgraphResponse(body=b"\xff\xfe"), "SUBREQUEST_MALFORMED_RESPONSE"),
        (SubgraphResponse(body=b"[]"), "SUBREQUEST_MALFORMED_RESPONSE"),
        (SubgraphResponse(body=b"{}"), "SUBREQUEST_MALFORMED_RESPONSE"),
        (SubgraphResponse(body=b'{"data": 1}'), "SUBREQUEST_MALFORMED_RESPONSE"),
        (SubgraphResponse(body=b'{"data": {}, "errors": {}}'), "SUBREQUEST_MALFORMED_RESPONSE"),
        (SubgraphResponse(body=b'{"data": {"_entities": []}}'), "SUBREQUEST_MALFORMED_RESPONSE"),
        (SubgraphResponse(body=b'{"data": {"_entities": [{}, {}, {}]}}'), "SUBREQUEST_MALFORMED_RESPONSE"),
        (SubgraphResponse(body=b'{"data": {"_entities": [1, "x"]}}'), "SUBREQUEST_MALFORMED_RESPONSE"),
        (SubgraphResponse(body=b'{"data": {"_entities": null}}'), "SUBREQUEST_MALFORMED_RESPONSE"),
        (SubgraphResponse(body=b"[" * 100_000), "SUBREQUEST_MALFORMED_RESPONSE"),
        (SubgraphResponse(500, "text/plain", b"oops"), "SUBREQUEST_HTTP_ERROR"),
        (SubgraphResponse(502, "application/json", b"[]"), "SUBREQUEST_HTTP_ERROR"),
        (SubgraphResponse(502, "application/json", b"oops"), "SUBREQUEST_MALFORMED_RESPONSE"),
    ],
)
async def test_a_failing_subgraph_leaves_the_rest_of_the_answer(bench, plans, answer, code):
    users = {"data": {"users": [{"id": "1"}, {"id": "2"}]}}
    response = await bench.run(joined(bench, plans), {"a": users, "b": answer})
    assert response.data == {"users": [{"id": "1", "name": None}, {"id": "2", "name": None}]}
    assert codes(response) == [code]
    extensions = response.errors[0]["extensions"]
    assert extensions["service"] == extensions["serviceName"] == "b"
    assert extensions["affectedPath"] == "users.@"


async def test_an_error_status_comes_before_the_subgraphs_own_errors(bench, plans):
    body = b'{"data": {"_entities": [{"name": "n"}, null]}, "errors": [{"message": "half"}]}'
    users = {"data": {"users": [{"id": "1"}, {"id": "2"}]}}
    response = await bench.run(joined(bench, plans), {"a": users, "b": SubgraphResponse(503, "application/json", body)})
    assert response.data == {"users": [{"id": "1", "name": "n"}, {"id": "2", "name": None}]}
    assert codes(response) == ["SUBREQUEST_HTTP_ERROR", "DOWNSTREAM_SERVICE_ERROR"]
    assert response.errors[0]["message"] == "HTTP fetch failed from 'b': 503: Service Unavailable"
    assert response.errors[0]["extensions"]["http"] == {"status": 503}


async def test_an_entitys_error_is_told_at_each_of_its_places(bench, plans):
    users = {"data": {"users": [{"id": "1"}, {"id": "2"}, None, {"id": "2"}]}}
    error = {
        "message": "no",
        "path": ["_entities", 1, "name"],
        "locations": [{"line": 1, "column": 2}],
        "extensions": {"code": "NOPE", "x": 1},
    }
    response = await bench.run(
        joined(bench, plans), {"a": users, "b": {"data": {"_entities": [{"name": "n"}, None]}, "errors": [error]}}
    )
    assert [each["path"] for each in response.errors] == [["users", 1, "name"], ["users", 3, "name"]]
    assert response.errors[0] == {
        "message": "no",
        "path": ["users", 1, "name"],
        "extensions": {"code": "NOPE", "x": 1, "service": "b", "serviceName": "b"},
    }
    assert list(response.as_dict()) == ["errors", "data"]


async def test_error_paths_follow_renames_and_end_where_the_client_cannot_see(bench, plans):
    program = bench.compile(
        SDL,
        "{ me { friends { name } } }",
        plans.root("a", "{ me { id } }"),
        plans.entities(
            1,
            "b",
            "... on User { _f: friends { name } secret }",
            plans.call("me", plans.keyed("User", "id"), renames=(Rename((), "_f", "friends"),)),
        ),
    )
    errors = [
        {"message": "x", "path": ["_entities", 0, "_f", 1, "name"]},
        {"message": "y", "path": ["_entities", 0, "secret"]},
        {"message": "z", "path": ["_entities", 7, "name"]},
        {"message": "w", "path": "odd"},
        "no object",
    ]
    entity = {"_f": [{"name": "p"}, {"name": None}], "secret": None}
    answers = {"a": {"data": {"me": {"id": "1"}}}, "b": {"data": {"_entities": [entity]}, "errors": errors}}
    response = await bench.run(program, answers)
    assert [each.get("path") for each in response.errors] == [["me", "friends", 1, "name"], ["me"], None, None, None]


async def test_a_root_error_with_null_data(bench, plans):
    program = bench.compile(SDL, "{ me { age } }", plans.root("a", "{ me { age } }"))
    errors = [{"message": "no", "path": ["me", "age"]}]
    response = await bench.run(program, {"a": {"data": None, "errors": errors}})
    assert response.data == {"me": None}
    assert response.errors[0]["path"] == ["me", "age"]


async def test_thousands_of_errors_are_cut(bench, plans):
    program = bench.compile(SDL, "{ me { age } }", plans.root("a", "{ me { age } }"))
    response = await bench.run(program, {"a": {"data": None, "errors": [{"message": "no"}] * 5000}})
    assert len(response.errors) == 100


async def test_variables_that_a_fetch_does_not_use_stay_here(bench, plans):
    program = bench.compile(SDL, "{ me { id } }", plans.root("a", "{ me { id } }", variables=("used", "missing")))
    await bench.run(program, {"a": {"data": {"me": None}}}, {"used": 1, "unused": 2})
    assert bench.sent[0].variables == {"used": 1}


@pytest.mark.parametrize("value", [10**30, -(2**63) - 1, 2**64, 2**63 - 1, "1" * 40, {"a": [1.5, None, {"b": 2**70}]}])
@pytest.mark.parametrize("decoded", [True, False])
async def test_values_of_custom_scalars_pass_untouched(bench, plans, value, decoded):
    program = bench.compile("scalar Any type Query { a: Any }", "{ a }", plans.root("a", "{ a }"))
    answer = {"data": {"a": value}}
    sent = answer if decoded else SubgraphResponse(body=json.dumps(answer).encode())
    response = await bench.run(program, {"a": sent})
    assert json.loads(response.body) == {"data": {"a": value}}


async def test_a_transport_that_fails_at_once(bench, plans):
    program = joined(bench, plans)

    class Broken:
        def send(self, request):
            raise RuntimeError("broken")

    answers = {"a": {"data": {"users": [{"id": "1"}]}}}
    response = await bench.run(program, answers, transports={"b": Broken()})
    assert response.data == {"users": [{"id": "1", "name": None}]}
    assert codes(response) == ["SUBREQUEST_HTTP_ERROR"]
