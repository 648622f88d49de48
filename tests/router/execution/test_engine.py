"""The engine as a server sees it: refusals with codes, variables, introspection, caches and sharing."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from router.execution import DocumentLimits, Engine, EngineSettings, GraphQLRequest, Outcome, RequestContext
from router.execution.transports import SubgraphResponse
from router.supergraph import load_supergraph

SUPERGRAPH = """
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
{ query: Query mutation: Mutation subscription: Subscription }
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String,
  external: Boolean, override: String, usedOverridden: Boolean) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false,
  resolvable: Boolean! = true, isInterfaceObject: Boolean! = false)
  repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph { A @join__graph(name: "a", url: "http://a") }
scalar JSON @join__type(graph: A)
enum Size @join__type(graph: A) { S @join__enumValue(graph: A) L @join__enumValue(graph: A) }
input Filter @join__type(graph: A) { min: Int! = 3 tags: [String!] id: ID }
type User @join__type(graph: A, key: "id") { id: ID! name: String friends(first: Int): [User] }
type Query @join__type(graph: A) {
  me: User
  find(filter: Filter, ids: [ID!], size: Size, any: JSON, n: Int): String
}
type Mutation @join__type(graph: A) { touch: Int }
type Subscription @join__type(graph: A) { ticks: Int }
"""


class Subgraph:
    """Counts requests and answers each after a moment with what it was sent."""

    def __init__(self):
        self.requests = []
        self.delay = 0.0
        self.cancelled = 0

    async def send(self, request):
        self.requests.append(request)
        try:
            await asyncio.sleep(self.delay)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        sent = orjson.dumps(request.variables).decode()
        data = {"me": {"id": "1", "name": "n"}, "find": sent, "touch": len(self.requests)}
        return SubgraphResponse(body=orjson.dumps({"data": data}))


@pytest.fixture(scope="module")
def supergraph():
    return load_supergraph(SUPERGRAPH)


@pytest.fixture
def subgraph():
    return Subgraph()


@pytest.fixture
def engine(supergraph, subgraph):
    return Engine(supergraph, {"a": subgraph})


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for knows of no event
            await asyncio.sleep(0.001)


async def ask(engine, query, variables=None, **more):
    return await engine.execute(GraphQLRequest(query, variables, **more))


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("", "GRAPHQL_PARSE_FAILED"),
        ("\0", "GRAPHQL_PARSE_FAILED"),
        ("{ " * 3000, "GRAPHQL_PARSE_FAILED"),
        ("{ me" * 4000 + "}" * 4000, "GRAPHQL_PARSE_FAILED"),
        ("{ me { " + "friends { " * 110 + "id }" + " }" * 111, "GRAPHQL_VALIDATION_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ me { name { x } } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ me { ...F } } fragment F on User { ...G } fragment G on User { ...F }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ me { id " + "name " * 5000 + "} }", "GRAPHQL_VALIDATION_FAILED"),
        ("{" + " ".join(f"a{i}: me {{ id }}" for i in range(10_000)) + "}", "GRAPHQL_PARSE_FAILED"),
        ("query A { me { id } } query B { me { id } }", "OPERATION_RESOLUTION_FAILURE"),
        ("fragment F on User { id }", "OPERATION_RESOLUTION_FAILURE"),
        ("subscription { ticks }", "SUBSCRIPTION_BAD_HEADER"),
    ],
)
async def test_wrong_documents_are_refused(engine, subgraph, query, code):
    response = await ask(engine, query)
    assert (response.outcome, response.code) == (Outcome.REFUSED, code)
    assert "data" not in response.as_dict()
    assert not subgraph.requests


async def test_as_deep_as_the_limit_allows(engine):
    query = "{ me { " + "friends { " * 97 + "id }" + " }" * 98
    assert (await ask(engine, query)).data == {"me": {"friends": None}}


async def test_a_fragment_bomb_is_counted_before_it_is_unfolded(engine):
    bomb = "".join(
        f"fragment F{at} on User {{ a: friends {{ ...F{at + 1} }} b: friends {{ ...F{at + 1} }} }} " for at in range(40)
    )
    response = await ask(engine, "{ me { ...F0 } } " + bomb + "fragment F40 on User { id }")
    assert response.code == "GRAPHQL_VALIDATION_FAILED"


async def test_limits_are_settings(supergraph, subgraph):
    engine = Engine(supergraph, {"a": subgraph}, EngineSettings(limits=DocumentLimits(depth=1)))
    assert (await ask(engine, "{ me { id } }")).code == "GRAPHQL_VALIDATION_FAILED"


async def test_the_named_operation_runs(engine):
    query = "query A { me { id } } query B { me { name } }"
    assert (await ask(engine, query, operation_name="B")).data == {"me": {"name": "n"}}
    assert (await ask(engine, query, operation_name="C")).code == "OPERATION_RESOLUTION_FAILURE"


@pytest.mark.parametrize(
    ("declared", "used", "given", "sent"),
    [
        ("$v: Int", "n: $v", {"v": 5}, {"v": 5}),
        ("$v: Int", "n: $v", {}, {}),
        ("$v: Int", "n: $v", {"v": None}, {"v": None}),
        ("$v: Int = 4", "n: $v", {}, {"v": 4}),
        ("$v: [ID!]", "ids: $v", {"v": 7}, {"v": ["7"]}),
        ("$v: Filter", "filter: $v", {"v": {}}, {"v": {"min": 3}}),
        ("$v: Size", "size: $v", {"v": "S"}, {"v": "S"}),
        ("$v: JSON", "any: $v", {"v": {"a": [1, 2.5, None]}}, {"v": {"a": [1, 2.5, None]}}),
        ("$v: Int", "n: $v", {"v": 1, "stranger": 1}, {"v": 1}),
    ],
)
async def test_variables_are_coerced_once(engine, subgraph, declared, used, given, sent):
    response = await ask(engine, f"query({declared}) {{ find({used}) }}", given)
    assert not response.errors
    assert subgraph.requests[0].variables == sent


@pytest.mark.parametrize(
    ("declared", "used", "given"),
    [
        ("$v: Int!", "n: $v", {}),
        ("$v: Int!", "n: $v", {"v": None}),
        ("$v: Int", "n: $v", {"v": "5"}),
        ("$v: Int", "n: $v", {"v": True}),
        ("$v: Int", "n: $v", {"v": 2**31}),
        ("$v: Size", "size: $v", {"v": "XXL"}),
        ("$v: Filter", "filter: $v", {"v": {"max": 1}}),
        ("$v: [ID!]", "ids: $v", {"v": [None]}),
    ],
)
async def test_variables_that_do_not_fit_are_refused(engine, subgraph, declared, used, given):
    response = await ask(engine, f"query({declared}) {{ find({used}) }}", given)
    assert (response.outcome, response.code) == (Outcome.REFUSED, "BAD_USER_INPUT")
    assert not subgraph.requests


async def test_introspection_is_answered_here_and_in_place(engine, subgraph):
    query = "query($n: String!) { me { id } __schema { queryType { name } } __typename t: __type(name: $n) { kind } }"
    response = await ask(engine, query, {"n": "User"})
    assert list(response.data) == ["me", "__schema", "__typename", "t"]
    assert response.data["__schema"] == {"queryType": {"name": "Query"}}
    assert response.data["t"] == {"kind": "OBJECT"}
    assert len(subgraph.requests) == 1
    await ask(engine, "{ __schema { types { name } } }")
    assert len(subgraph.requests) == 1


async def test_introspection_can_be_refused(supergraph, subgraph):
    engine = Engine(supergraph, {"a": subgraph}, EngineSettings(introspection=False))
    assert (
        await ask(engine, "{ ...F } fragment F on Query { __schema { __typename } }")
    ).code == "INTROSPECTION_DISABLED"
    assert (await ask(engine, "{ me { __typename } }")).data == {"me": {"__typename": "User"}}


async def test_conditions_make_variants(engine):
    query = "query($a: Boolean!, $b: Boolean = true) { me { id @include(if: $a) name @skip(if: $b) } }"
    assert (await ask(engine, query, {"a": True})).data == {"me": {"id": "1"}}
    assert (await ask(engine, query, {"a": True, "b": False})).data == {"me": {"id": "1", "name": "n"}}
    assert (await ask(engine, query, {"a": False})).data == {"me": {}}


async def test_equal_queries_in_flight_are_answered_once(engine, subgraph):
    subgraph.delay = 0.02
    responses = await asyncio.gather(*(ask(engine, "{ me { id } }") for _ in range(20)))
    assert len(subgraph.requests) == 1
    assert len({id(each.body) for each in responses}) == 1


@pytest.mark.parametrize(
    "contexts",
    [
        (RequestContext(identity="x"), RequestContext(identity="y")),
        (RequestContext(headers=(("a", "1"),)), RequestContext(headers=(("a", "2"),))),
        (RequestContext(subgraph_headers={"a": (("t", "1"),)}), RequestContext(subgraph_headers={"a": (("t", "2"),)})),
    ],
)
async def test_callers_that_differ_share_nothing(engine, subgraph, contexts):
    subgraph.delay = 0.02
    request = GraphQLRequest("{ me { id } }")
    await asyncio.gather(*(engine.execute(request, each) for each in contexts))
    assert len(subgraph.requests) == 2


async def test_mutations_are_never_shared(engine, subgraph):
    subgraph.delay = 0.02
    responses = await asyncio.gather(*(ask(engine, "mutation { touch }") for _ in range(3)))
    assert sorted(each.data["touch"] for each in responses) == [1, 2, 3] or len(subgraph.requests) == 3


async def test_sharing_can_be_switched_off(supergraph, subgraph):
    subgraph.delay = 0.02
    engine = Engine(supergraph, {"a": subgraph}, EngineSettings(share_requests=False))
    await asyncio.gather(*(ask(engine, "{ me { id } }") for _ in range(3)))
    assert len(subgraph.requests) == 3


async def test_who_leaves_does_not_take_others_along(engine, subgraph):
    await ask(engine, "{ me { id } }")
    subgraph.delay = 0.05
    first, second = (asyncio.create_task(ask(engine, "{ me { id } }")) for _ in range(2))
    await until(lambda: len(subgraph.requests) == 2)
    first.cancel()
    assert (await second).data == {"me": {"id": "1"}}
    assert (len(subgraph.requests), subgraph.cancelled) == (2, 0)


async def test_the_last_who_leaves_cancels(engine, subgraph):
    await ask(engine, "{ me { id } }")
    subgraph.delay = 60
    clients = [asyncio.create_task(ask(engine, "{ me { id } }")) for _ in range(2)]
    await until(lambda: len(subgraph.requests) == 2)
    for client in clients:
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
    await until(lambda: subgraph.cancelled)
    await asyncio.sleep(0.01)
    assert len(subgraph.requests) == subgraph.cancelled + 1
    subgraph.delay = 0
    assert (await ask(engine, "{ me { id } }")).data == {"me": {"id": "1"}}
