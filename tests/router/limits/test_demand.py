"""Costs by the published formula, before and after; what costs too much is refused."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from router.execution import GraphQLRequest
from router.execution.exchange import RequestContext
from router.limits.costs import cost_rules
from router.limits.estimate import Estimator, value_of
from router.operations.manifest import Budget, StoredOperation
from router.operations.resolver import StoredRequest
from router.policy.identity import Identity
from tests.router.policy.conftest import MakeWorld, World

SHOP = """
type Query {
  one: Book
  many: [Book!]
  ten: [Book!] @listSize(assumedSize: 10)
  sliced(first: Int, last: Int): [Book!] @listSize(slicingArguments: ["first", "last"])
  loose(first: Int = 5): [Book!]
    @listSize(assumedSize: 7, slicingArguments: ["first"], requireOneSlicingArgument: false)
  page(first: Int!): Page @listSize(slicingArguments: ["first"], sizedFields: ["items", "edges"])
  find(where: Where, tags: [String!], kind: Kind): Int
  named: Named
  score: Int @cost(weight: 3)
}
type Mutation { buy: Book }
type Subscription { sold: Book }
type Page { items: [Book!] edges: [Book!] total: Int }
interface Named { id: ID! all: [Book] @listSize(assumedSize: 3) }
type Author implements Named @cost(weight: 4) { id: ID! all: [Book] }
type Book @key(fields: "id") { id: ID! title: String author: Author blurb: Text price: Int @cost(weight: 2) }
scalar Text @cost(weight: 5)
enum Kind @cost(weight: 6) { A }
input Where { text: String @cost(weight: 2) and: [Where!] other: Other @cost(weight: 9) }
input Other { x: Int }
"""


@pytest.mark.parametrize(
    ("query", "variables", "cost"),
    [
        ("{ __typename }", {}, 0),
        ("{ one { id title } }", {}, 1),
        ("{ one { id } two: one { id } }", {}, 2),
        ("{ one { author { id } blurb price } }", {}, 1 + 4 + 5 + 2),
        ("{ score }", {}, 3),
        ("{ many { id } }", {}, 100),
        ("{ many { author { id } } }", {}, 100 * (1 + 4)),
        ("{ ten { id } }", {}, 10),
        ("{ sliced(first: 3) { id } }", {}, 3),
        ("query ($n: Int) { sliced(last: $n) { price } }", {"n": 4}, 4 * (1 + 2)),
        ("{ loose { id } }", {}, 5),
        ("{ loose(first: 2) { id } }", {}, 2),
        ("query ($n: Int) { loose(first: $n) { id } }", {}, 7),
        ("{ page(first: 6) { items { id } edges { price } total } }", {}, 1 + 6 + 6 * 3),
        ("{ named { all { id } } }", {}, 1 + 3),
        ("{ named { ... on Author { all { id } } } }", {}, 1 + 3),
        ("{ find }", {}, 0),
        ("{ find(kind: A) }", {}, 6),
        ('{ find(tags: ["a", "b"]) }', {}, 0),
        ('{ find(where: {text: "x", and: [{text: "y"}, {other: {x: 1}}]}) }', {}, 1 + 2 + (1 + 2) + (1 + 9)),
        ("query ($w: Where) { find(where: $w) }", {"w": {"text": "x", "and": [{"other": {"x": 1}}]}}, 1 + 2 + 1 + 9),
        ("query ($w: Where) { find(where: $w) }", {}, 0),
        ("query ($t: String) { find(where: {text: $t}) }", {"t": "x"}, 3),
        ("mutation { buy { id } }", {}, 11),
        ("{ one @skip(if: true) { id } score @include(if: false) find @skip(if: false) }", {}, 0),
        ("{ ...F ... { score } } fragment F on Query { one { id } }", {}, 4),
    ],
)
def test_the_formula(make_world: MakeWorld, query: str, variables: dict[str, Any], cost: float) -> None:
    supergraph = make_world(SHOP).supergraph
    estimator = Estimator(cost_rules(supergraph), supergraph.roots, 100.0)

    assert value_of(estimator.document(query), variables) == cost


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ one { id } score }", 1 + 3),
        ("{ many { id author { id } } }", 3 * (1 + 4)),
        ("{ page(first: 50) { items { price } } }", 1 + 2 * (1 + 2)),
        ("{ named { id } }", 1),
        ("mutation { buy { blurb } }", 10 + 1 + 5),
    ],
)
async def test_what_an_answer_has_cost(make_world: MakeWorld, query: str, cost: float) -> None:
    world = make_world(SHOP, yaml="demand_control: {mode: measure, expose: true}")
    world.sizes["many"] = 3

    told = await ask_cost(world, query)

    assert told["actual"] == cost


async def ask_cost(world: World, query: str, **more: Any) -> Any:
    request = GraphQLRequest(query, extensions={"cost": True}, **more)
    return (await world.engine.execute(request, RequestContext())).extensions["cost"]


async def test_what_it_costs_is_told_on_demand(make_world: MakeWorld) -> None:
    world = make_world(
        SHOP,
        'type Query { x: Int } type Book @key(fields: "id") { id: ID! stock: Int @cost(weight: 2) }',
        yaml="demand_control: {mode: enforce, max: 100, list_size: 10, subgraphs: {s1: {list_size: 4}}, expose: true}",
    )
    request = GraphQLRequest("{ ten { title stock } }", extensions={"cost": True})

    answer = await world.engine.execute(request)

    assert answer.extensions == {
        "cost": {"estimated": 22.0, "max": 100.0, "estimatedBySubgraph": {"s0": 10.0, "s1": 12.0}, "actual": 6.0}
    }
    assert answer.headers == ((b"x-cost-estimated", b"22"), (b"x-cost-max", b"100"), (b"x-cost-actual", b"6"))
    assert b'"cost"' in answer.body
    assert (await world.run("{ ten { title stock } }")).extensions is None


async def test_nobody_is_told_who_must_not_know(make_world: MakeWorld) -> None:
    world = make_world(SHOP, yaml="demand_control: {mode: enforce}")

    assert (await world.engine.execute(GraphQLRequest("{ score }", extensions={"cost": True}))).extensions is None


async def test_too_expensive_is_refused_and_not_fetched(make_world: MakeWorld) -> None:
    world = make_world(SHOP, yaml="demand_control: {mode: enforce, max: 20}")

    refused = await world.run("{ many { price } }")

    assert (refused.code, refused.status) == ("COST_ESTIMATED_TOO_EXPENSIVE", 400)
    assert refused.errors[0]["extensions"] == {
        "code": "COST_ESTIMATED_TOO_EXPENSIVE",
        "cost.estimated": 30.0,
        "cost.max": 20.0,
    }
    assert not world.asked
    assert not (await world.run("{ ten { id } }")).errors


async def test_variables_decide_for_each_request(make_world: MakeWorld) -> None:
    world = make_world(SHOP, yaml="demand_control: {mode: enforce, max: 20}")
    query = "query ($n: Int) { sliced(first: $n) { id } }"

    assert not (await world.run(query, variables={"n": 20})).errors
    assert (await world.run(query, variables={"n": 21})).code == "COST_ESTIMATED_TOO_EXPENSIVE"


async def test_measuring_refuses_nothing_and_writes_it_down(make_world: MakeWorld) -> None:
    world = make_world(SHOP, yaml="demand_control: {mode: measure, max: 20, subgraphs: {s0: {max: 1}}}")

    with capture_logs() as logs:
        answer = await world.run("{ many { price } }")

    assert not answer.errors
    assert {each["event"] for each in logs} == {"an operation costs too much", "a subgraph is asked for too much"}


@pytest.mark.parametrize(
    "query",
    ["{ sliced { id } }", "{ sliced(first: 1, last: 2) { id } }", "query ($n: Int) { sliced(first: $n) { id } }"],
)
async def test_exactly_one_argument_says_how_long_a_list_is(make_world: MakeWorld, query: str) -> None:
    world = make_world(SHOP, yaml="demand_control: {mode: enforce}")

    assert (await world.run(query)).code == "COST_INVALID_SLICING_ARGUMENTS"
    assert not world.asked
    assert not (await make_world(SHOP, yaml="demand_control: {mode: measure}").run(query)).errors


async def test_what_brought_more_than_was_expected(make_world: MakeWorld) -> None:
    world = make_world(SHOP, yaml="demand_control: {mode: enforce, max: 20, list_size: 2}")
    world.sizes["many"] = 21

    answer = await world.run("{ many { id } }")

    assert answer.data is None
    assert answer.code == "COST_ACTUAL_TOO_EXPENSIVE"


async def test_a_subgraph_that_is_asked_for_too_much_is_not_asked(make_world: MakeWorld) -> None:
    world = make_world(
        SHOP,
        'type Query { x: Int } type Book @key(fields: "id") { id: ID! stock: Int @cost(weight: 2) }',
        yaml="demand_control: {mode: enforce, subgraphs: {s1: {max: 10}}}",
    )

    answer = await world.run("{ ten { title stock } score }")

    assert answer.data == {"ten": [{"title": "some title", "stock": None}] * 2, "score": 7}
    assert answer.code == "SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE"
    assert [name for name, _ in world.asked] == ["s0"]


async def test_clients_have_bounds_of_their_own(make_world: MakeWorld) -> None:
    world = make_world(SHOP, yaml="demand_control: {mode: enforce, max: 20, clients: {partner: 30}}")
    partner = Identity(id="partner", kind="service", client="partner")

    assert (await world.run("{ many { price } }")).code == "COST_ESTIMATED_TOO_EXPENSIVE"
    assert not (await world.run("{ many { price } }", partner)).errors


async def test_published_operations_keep_their_own_budget(make_world: MakeWorld) -> None:
    world = make_world(SHOP, yaml="persisted_operations: {path: somewhere}")
    stored = StoredOperation("x", "{ ten { id } }", budget=Budget(cost=9))
    request = StoredRequest("{ ten { id } }", operation=stored)

    assert (await world.engine.execute(request)).code == "COST_ESTIMATED_TOO_EXPENSIVE"
    assert not (await world.engine.execute(GraphQLRequest("{ ten { id } }"))).errors


async def test_of_a_subscription_the_first_request_counts(make_world: MakeWorld) -> None:
    world = make_world(
        SHOP,
        'type Query { x: Int } type Book @key(fields: "id") { id: ID! stock: Int }',
        yaml="demand_control: {mode: enforce, max: 1}",
    )

    assert await world.engine.stream(GraphQLRequest("subscription { sold { title stock } }"))
