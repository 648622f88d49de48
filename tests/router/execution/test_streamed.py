"""`@stream`: the first items of a list wait for nothing that is asked about the others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from graphql import build_schema, execute, parse

from router.composition import Composed, Subgraph, compose
from router.execution import Engine, GraphQLRequest, Outcome
from router.execution.transports import SubgraphResponse
from router.supergraph import load_supergraph
from tests.router.differential.deferring import Merging

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])\n'
SHOP = """
type Query { products: [Product!]! product: Product names: [String!]! tables: [[Product!]!]! }
type Mutation { rename: [Product!]! }
type Subscription { changed: [Product!]! }
type Product @key(fields: "id") { id: ID! name: String parts: [Product!]! }
"""
STOCK = 'type Product @key(fields: "id") { id: ID! left: Int! }'
ANSWERING = build_schema("""
scalar _Any
union _Entity = Product
type Query { products: [Product!]! product: Product names: [String!]! tables: [[Product!]!]! }
extend type Query { _entities(representations: [_Any!]!): [_Entity]! }
type Product { id: ID! name: String parts: [Product!]! left: Int }
""")


def resolve(source: Any, info: Any, **arguments: Any) -> Any:
    """Answer any field of either subgraph."""
    match info.field_name:
        case "products" | "parts":
            return [{"__typename": "Product", "id": f"{(source or {}).get('id', '')}{key}"} for key in "1234"]
        case "tables":
            return [[{"__typename": "Product", "id": row + column} for column in "12"] for row in "abc"]
        case "names":
            return ["a", "b", "c"]
        case "product":
            return {"__typename": "Product", "id": "p"}
        case "_entities":
            return arguments["representations"]
        case "left":
            return len(source["id"])
    return source.get(info.field_name, "n" + source.get("id", ""))


class Subgraphs:
    """Answers for both; stock answers about the later items when they may come, and has nothing of those lost."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.open = asyncio.Event()
        self.lost: set[str] = set()

    async def send(self, request: Any) -> SubgraphResponse:
        if request.operation.subgraph == "stock":
            ids = [each["id"] for each in request.variables["representations"]]
            self.asked.append(ids)
            if "3" in ids:
                await self.open.wait()
        result = execute(
            ANSWERING,
            parse(request.operation.document),
            variable_values=dict(request.variables),
            field_resolver=resolve,
            type_resolver=lambda value, _info, _type: value["__typename"],
        )
        data: Any = result.formatted["data"]
        for entity in (data or {}).get("_entities", ()):
            if self.lost & {each["id"] for each in request.variables["representations"]}:
                entity["left"] = None
        return SubgraphResponse(decoded=dict(result.formatted))


@pytest.fixture
def subgraphs() -> Subgraphs:
    return Subgraphs()


@pytest.fixture
def engine(subgraphs) -> Engine:
    composed = compose([Subgraph("shop", LINK + SHOP, "http://shop"), Subgraph("stock", LINK + STOCK, "http://stock")])
    assert isinstance(composed, Composed), composed
    return Engine(load_supergraph(composed.supergraph_sdl), dict.fromkeys(("shop", "stock"), subgraphs))


async def collect(engine: Engine, subgraphs: Subgraphs, query: str, **variables: Any) -> list[dict[str, Any]]:
    """Return all payloads; what is asked about later items is answered only when the first payload is there."""
    found = []
    async for payload in engine.execute_incremental(GraphQLRequest(query, variables)):
        found.append(payload.as_dict())
        subgraphs.open.set()
    return found


def merged(payloads: list[dict[str, Any]]) -> Any:
    """Put an answer together."""
    merging = Merging()
    for payload in payloads:
        merging.take(payload)
    assert merging.is_over
    return merging.data


async def test_the_first_items_wait_for_none_of_the_others(engine, subgraphs):
    query = '{ products @stream(initialCount: 2, label: "more") { id left } }'

    assert await collect(engine, subgraphs, query) == [
        {
            "data": {"products": [{"id": "1", "left": 1}, {"id": "2", "left": 1}]},
            "pending": [{"id": "0", "path": ["products"], "label": "more"}],
            "hasNext": True,
        },
        {
            "incremental": [{"id": "0", "items": [{"id": "3", "left": 1}, {"id": "4", "left": 1}]}],
            "completed": [{"id": "0"}],
            "hasNext": False,
        },
    ]
    assert sorted(subgraphs.asked) == [["1", "2"], ["3", "4"]]


async def test_the_format_of_2022(engine, subgraphs):
    subgraphs.open.set()
    request = GraphQLRequest('{ products @stream(initialCount: 3, label: "m") { id left } }')

    first, second = [each.as_dict_2022() async for each in engine.execute_incremental(request)]

    assert [each["id"] for each in first["data"]["products"]] == ["1", "2", "3"]
    assert second == {
        "incremental": [{"items": [{"id": "4", "left": 1}], "path": ["products", 3], "label": "m"}],
        "hasNext": False,
    }


@pytest.mark.parametrize(
    "query",
    [
        "{ products @stream { id left } }",
        "{ names @stream(initialCount: 1) }",
        "{ tables @stream(initialCount: 1) { id left } }",
        "{ product { parts @stream(initialCount: 1) { id left } } }",
        "{ products @stream(initialCount: 1) { id parts @stream(initialCount: 2) { left } } }",
        "{ products @stream(initialCount: 1) { id ... @defer { left parts { name } } } }",
        "{ ... @defer { products @stream(initialCount: 1) { id left } } names }",
        '{ ... @defer { products { id parts @stream(label: "p") { left ... @defer { name } } } } }',
        "{ a: products @stream { left } products @stream { left } }",
        "{ ...F names } fragment F on Query { products @stream(initialCount: 1) { parts { left } } }",
    ],
)
async def test_parts_make_the_whole(engine, subgraphs, query):
    payloads = await collect(engine, subgraphs, query)
    assert len(payloads) > 1
    assert merged(payloads) == (await engine.execute(GraphQLRequest(query))).as_dict()["data"]


@pytest.mark.parametrize(
    "query",
    [
        "{ products @stream(initialCount: 4) { id } }",
        "{ products @stream(if: false) { id } }",
    ],
)
async def test_lists_that_come_as_a_whole(engine, subgraphs, query):
    subgraphs.open.set()
    first, *_others = await collect(engine, subgraphs, query)
    assert len(first["data"]["products"]) == 4


async def test_the_count_and_the_condition_may_be_variables(engine, subgraphs):
    query = "query($n: Int!, $on: Boolean = true) { products @stream(initialCount: $n, if: $on) { id } }"

    sizes = [
        [
            len(payload.get("data", {}).get("products", ()))
            for payload in await collect(engine, subgraphs, query, **given)
        ]
        for given in ({"n": 1}, {"n": 3}, {"n": 1, "on": False})
    ]

    assert sizes == [[1, 0], [3, 0], [4]]


async def test_a_null_that_must_not_be_ends_the_list(engine, subgraphs):
    subgraphs.lost = {"3"}
    query = "{ products @stream(initialCount: 2) { id left } }"

    first, last = await collect(engine, subgraphs, query)

    assert [each["id"] for each in first["data"]["products"]] == ["1", "2"]
    (completed,) = last["completed"]
    assert "incremental" not in last
    assert [error["path"] for error in completed["errors"]] == [["products", 2, "left"], ["products", 3, "left"]]
    request = GraphQLRequest(query)
    (_, failed) = [each.as_dict_2022() async for each in engine.execute_incremental(request)]
    assert failed["incremental"][0]["items"] is None
    assert failed["incremental"][0]["path"] == ["products", 2]


async def test_without_parts_the_list_is_whole_and_asked_about_once(engine, subgraphs):
    subgraphs.open.set()

    answer = await engine.execute(GraphQLRequest("{ products @stream(initialCount: 1) { left } }"))

    assert answer.as_dict() == {"data": {"products": [{"left": 1}] * 4}}
    assert subgraphs.asked == [["1", "2", "3", "4"]]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ products @stream(initialCount: -1) { id } }", "must not be negative"),
        ("{ product @stream { id } }", "non-list field"),
        ("mutation { rename @stream { id } }", "root mutation"),
        ("subscription { changed @stream { id } }", "subscription"),
        ("{ products @stream { id } products { left } }", "stream directives"),
        ("query($l: String) { products @stream(label: $l) { id } }", "static string"),
        ('{ products @stream(label: "x") { id } ... @defer(label: "x") { names } }', "unique"),
        ("{ products { name @stream } }", "non-list field"),
    ],
)
async def test_what_is_not_valid(engine, query, message):
    (payload,) = [each async for each in engine.execute_incremental(GraphQLRequest(query))]
    assert payload.response.outcome is Outcome.REFUSED
    assert any(message in error["message"] for error in payload.response.errors), payload.response.errors


@pytest.mark.parametrize("count", [-1, None])
async def test_counts_that_are_none(engine, count):
    request = GraphQLRequest("query($n: Int = 1) { products @stream(initialCount: $n) { id } }", {"n": count})
    (payload,) = [each async for each in engine.execute_incremental(request)]
    assert payload.response.outcome is Outcome.REFUSED
    assert payload.response.code == "BAD_USER_INPUT"


async def test_the_directive_is_told_by_introspection(engine):
    query = "{ __schema { directives @stream { name locations args { name defaultValue } } } }"
    answer = await engine.execute(GraphQLRequest(query))
    told = {each["name"]: each for each in answer.as_dict()["data"]["__schema"]["directives"]}
    assert told["stream"]["locations"] == ["FIELD"]
    assert {each["name"]: each["defaultValue"] for each in told["stream"]["args"]} == {
        "if": "true",
        "label": None,
        "initialCount": "0",
    }
