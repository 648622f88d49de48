"""`@defer`: what comes first waits for nothing that is deferred, and what is deferred comes as soon as it is there."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from graphql import build_schema, execute, parse, validate

from router.composition import Composed, Subgraph, compose
from router.execution import Engine, GraphQLRequest, Outcome, SubgraphTimeoutError
from router.execution.transports import SubgraphResponse
from router.planner import PlanBudgetError, Planner
from router.supergraph import load_supergraph
from tests.router.differential.deferring import Merging

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@shareable"])\n'
SHOP = """
type Query { products: [Product!]! product(id: ID!): Product node: Node }
type Mutation { rename(id: ID!): Product }
interface Node { id: ID! }
type Product implements Node @key(fields: "id") { id: ID! name: String maker: Maker }
type Maker { title: String seat: String }
"""
STOCK = (
    'type Product @key(fields: "id") { id: ID! left: Int! depots: [Depot!]! } type Depot { name: String! free: Int! }'
)
ANSWERING = build_schema("""
scalar _Any
union _Entity = Product
interface Node { id: ID! }
type Query { products: [Product!]! product(id: ID!): Product node: Node }
extend type Query { _entities(representations: [_Any!]!): [_Entity]! }
type Mutation { rename(id: ID!): Product }
type Product implements Node { id: ID! name: String maker: Maker left: Int depots: [Depot] }
type Maker { title: String seat: String }
type Depot { name: String free: Int }
""")


def resolve(source: Any, info: Any, **arguments: Any) -> Any:
    """Answer any field of either subgraph."""
    source = source or {}
    match info.field_name:
        case "products":
            return [{"__typename": "Product", "id": key} for key in "12"]
        case "product" | "rename" | "node":
            return {"__typename": "Product", "id": arguments.get("id", "1")}
        case "_entities":
            return arguments["representations"]
        case "maker":
            return {"title": "m", "seat": "s"}
        case "left":
            return int(source["id"]) if source["id"] != "3" else None
        case "depots":
            return [{"name": "d", "free": 1}, {"name": None, "free": 2}]
    return source.get(info.field_name, "n" + source.get("id", ""))


class Subgraphs:
    """Answers for both; stock waits for `open`."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.sent: list[str] = []
        self.asked, self.left = asyncio.Event(), asyncio.Event()
        self.fault: Exception | None = None

    async def send(self, request: Any) -> SubgraphResponse:
        name = request.operation.subgraph
        self.sent.append(name)
        try:
            if name == "stock":
                self.asked.set()
                await self.open.wait()
        except asyncio.CancelledError:
            self.left.set()
            raise
        if name == "stock" and self.fault:
            raise self.fault
        node = parse(request.operation.document)
        assert not validate(ANSWERING, node)
        result = execute(
            ANSWERING,
            node,
            variable_values=dict(request.variables),
            field_resolver=resolve,
            type_resolver=lambda value, _info, _type: value["__typename"],
        )
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
    """Return all payloads; stock answers only when the first of them is there."""
    found = []
    async for payload in engine.execute_incremental(GraphQLRequest(query, variables)):
        found.append(payload.as_dict())
        subgraphs.open.set()
    return found


async def test_what_comes_first_waits_for_nothing_deferred(engine, subgraphs):
    query = '{ products { id ... @defer(label: "stock") { left } } }'

    assert await collect(engine, subgraphs, query) == [
        {
            "data": {"products": [{"id": "1"}, {"id": "2"}]},
            "pending": [
                {"id": "0", "path": ["products", 0], "label": "stock"},
                {"id": "1", "path": ["products", 1], "label": "stock"},
            ],
            "hasNext": True,
        },
        {
            "incremental": [{"id": "0", "data": {"left": 1}}, {"id": "1", "data": {"left": 2}}],
            "completed": [{"id": "0"}, {"id": "1"}],
            "hasNext": False,
        },
    ]
    assert subgraphs.sent == ["shop", "stock"]


async def test_the_format_of_2022(engine, subgraphs):
    subgraphs.open.set()
    request = GraphQLRequest(
        '{ product(id: "1") { id ... @defer(label: "s") { left maker { title } } maker { seat } } }'
    )

    payloads = [each.as_dict_2022() async for each in engine.execute_incremental(request)]

    assert payloads == [
        {"data": {"product": {"id": "1", "maker": {"seat": "s"}}}, "hasNext": True},
        {
            "incremental": [
                {"data": {"left": 1}, "path": ["product"], "label": "s"},
                {"data": {"title": "m"}, "path": ["product", "maker"], "label": "s"},
            ],
            "hasNext": False,
        },
    ]


@pytest.mark.parametrize(
    ("condition", "variables", "parts"),
    [("true", {}, 2), ("false", {}, 1), ("$on", {"on": True}, 2), ("$on", {"on": False}, 1)],
)
async def test_a_condition_decides(engine, subgraphs, condition, variables, parts):
    subgraphs.open.set()
    head = "query($on: Boolean!) " if variables else ""
    query = f"{head}{{ product(id: 1) {{ id ... @defer(if: {condition}) {{ left }} }} }}"

    payloads = await collect(engine, subgraphs, query, **variables)

    assert len(payloads) == parts
    if parts == 1:
        assert payloads == [{"data": {"product": {"id": "1", "left": 1}}, "hasNext": False}]


async def test_without_parts_it_is_as_if_it_was_absent(engine, subgraphs):
    subgraphs.open.set()
    request = GraphQLRequest("{ product(id: 1) { ... @defer { left ... @defer { name } } } }")

    assert (await engine.execute(request)).data == {"product": {"left": 1, "name": "n1"}}
    assert (await engine.prepare(request)).defers


async def test_a_fragment_inside_another_comes_after_it(engine, subgraphs):
    query = '{ products { ... @defer(label: "a") { name ... @defer(label: "b") { left } } } }'

    first, *rest = await collect(engine, subgraphs, query)

    assert first["data"] == {"products": [{}, {}]}
    assert [each["label"] for each in first["pending"]] == ["a", "a"]
    assert [[each["label"] for each in payload.get("pending", ())] for payload in rest] == [["b", "b"], []]
    assert [[each["data"] for each in payload["incremental"]] for payload in rest] == [
        [{"name": "n1"}, {"name": "n2"}],
        [{"left": 1}, {"left": 2}],
    ]


async def test_a_null_goes_up_to_the_fragment_only(engine, subgraphs):
    query = '{ product(id: "3") { id ... @defer { name left ... @defer { maker { seat } } } } }'

    first, second = await collect(engine, subgraphs, query)

    assert first["data"] == {"product": {"id": "3"}}
    (completed,) = second.pop("completed")
    assert second == {"hasNext": False}
    assert (completed["id"], [error["path"] for error in completed["errors"]]) == ("0", [["product", "left"]])


async def test_a_null_inside_a_part_stays_where_it_may_be(engine, subgraphs):
    first, second = await collect(engine, subgraphs, '{ product(id: "1") { id ... @defer { depots { name } } } }')

    assert first["hasNext"]
    assert second["completed"][0]["errors"][0]["path"] == ["product", "depots", 1, "name"]
    assert "incremental" not in second


async def test_what_a_failed_fragment_shares_comes_with_the_other(engine, subgraphs):
    query = """{ product(id: "3") { id
        ... @defer(label: "fails") { maker { title } left }
        ... @defer(label: "comes") { maker { seat } depots { free } } } }"""
    merging = Merging()

    for payload in await collect(engine, subgraphs, query):
        merging.take(payload)

    assert merging.data == {
        "product": {"id": "3", "maker": {"seat": "s"}, "depots": [{"free": 1}, {"free": 2}]},
    }
    assert [error["path"] for error in merging.errors] == [["product", "left"]]


async def test_errors_stand_with_their_part(engine, subgraphs):
    subgraphs.fault = SubgraphTimeoutError("slow")

    first, second = await collect(engine, subgraphs, "{ products { id ... @defer { left } } }")

    assert "errors" not in first
    assert second["completed"][0]["errors"][0]["extensions"]["code"] == "SUBGRAPH_REQUEST_TIMEOUT"
    assert [each["id"] for each in second["completed"]] == ["0", "1"]


async def test_what_has_no_key_comes_along_and_is_delivered_later(engine, subgraphs):
    first, second = await collect(engine, subgraphs, "{ product(id: 1) { maker { title ... @defer { seat } } } }")

    assert first["data"] == {"product": {"maker": {"title": "m"}}}
    assert second["incremental"] == [{"id": "0", "data": {"seat": "s"}}]
    assert subgraphs.sent == ["shop"]


async def test_fragments_on_abstract_types_and_in_a_mutation(engine, subgraphs):
    query = "{ node { id ...P @defer } } fragment P on Product { left maker { seat } }"
    first, second = await collect(engine, subgraphs, query)
    assert first["data"] == {"node": {"id": "1"}}
    assert second["incremental"] == [{"id": "0", "data": {"left": 1, "maker": {"seat": "s"}}}]

    subgraphs.sent.clear()
    first, second = await collect(engine, subgraphs, "mutation { rename(id: 2) { id ... @defer { left } } }")
    assert first["data"] == {"rename": {"id": "2"}}
    assert second["incremental"] == [{"id": "0", "data": {"left": 2}}]
    assert subgraphs.sent == ["shop", "stock"]


async def test_introspection_comes_first(engine, subgraphs):
    query = "{ __schema { queryType { ... @defer { name } } } ... @defer { product(id: 1) { left } } }"
    payloads = await collect(engine, subgraphs, query)
    assert payloads[0]["data"] == {"__schema": {"queryType": {"name": "Query"}}}
    assert payloads[1]["incremental"] == [{"id": "0", "data": {"product": {"left": 1}}}]


async def test_whoever_leaves_ends_what_is_under_way(engine, subgraphs):
    async with aclosing(engine.execute_incremental(GraphQLRequest("{ products { id ... @defer { left } } }"))) as parts:
        assert (await anext(parts)).has_next
        await subgraphs.asked.wait()
    async with asyncio.timeout(5):
        await subgraphs.left.wait()

    assert subgraphs.sent == ["shop", "stock"]


@pytest.mark.parametrize(
    "query",
    ["{ nope ... @defer { products { id } } }", "mutation { ... @defer { rename(id: 1) { id } } }", "{ ... @defer {"],
)
async def test_a_wrong_request_is_refused_in_one_payload(engine, query):
    (payload,) = [each async for each in engine.execute_incremental(GraphQLRequest(query))]

    assert payload.response.outcome is Outcome.REFUSED
    assert not payload.has_next


def test_bombs_of_deferred_fragments_are_not_planned(engine):
    spread = [
        f"fragment F{n} on Product {{ ...F{n + 1} @defer ... @defer {{ ...F{n + 1} }} ...F{n + 1} @defer }}"
        for n in range(9)
    ]
    document = parse(" ".join(["{ products { ...F0 } }", *spread, "fragment F9 on Product { name }"]))

    with pytest.raises(PlanBudgetError, match="256 parts"):
        Planner(engine.supergraph).plan(document, defer=True)
