"""What the planner promises beside good plans: limits, errors that say why, order of mutations, variants."""

from __future__ import annotations

import pytest
from graphql import parse

from router.planner import (
    STAGES,
    OperationError,
    PlanBudgetError,
    PlanDeadlineError,
    PlanLimits,
    Planner,
    UnplannableError,
    condition_variables,
    dump,
    plan_json,
)
from router.supergraph import load_supergraph

JOIN = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
{ query: Query mutation: Mutation subscription: Subscription }
scalar join__FieldSet
enum join__Graph {
  A @join__graph(name: "a", url: "http://a")
  B @join__graph(name: "b", url: "http://b")
}
"""
SHOP = (
    JOIN
    + """
type Query @join__type(graph: A) @join__type(graph: B) {
  items(first: Int): [Item!]! @join__field(graph: A)
  lost: Lost @join__field(graph: A)
}
type Mutation @join__type(graph: A) @join__type(graph: B) {
  addItem(name: String): Item @join__field(graph: A)
  dropItem: Int @join__field(graph: A)
  stock(n: Int): Int @join__field(graph: B)
}
type Subscription @join__type(graph: A) @join__type(graph: B) { itemAdded: Item @join__field(graph: A) }
type Item @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
  id: ID!
  name: String @join__field(graph: A)
  count: Int @join__field(graph: B)
}
type Lost @join__type(graph: A, key: "id") @join__type(graph: B, key: "code") {
  id: ID! @join__field(graph: A)
  code: ID! @join__field(graph: B)
  where: String @join__field(graph: B)
}
"""
)


JOIN_01 = """
schema @core(feature: "https://specs.apollo.dev/core/v0.1") @core(feature: "https://specs.apollo.dev/join/v0.1")
{ query: Query }
scalar join__FieldSet
enum join__Graph {
  A @join__graph(name: "a", url: "http://a")
  B @join__graph(name: "b", url: "http://b")
}
type Query { me: User @join__field(graph: A) }
type User @join__owner(graph: A) @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
  id: ID! @join__field(graph: A)
  name: String
  handle: String @join__field(graph: A)
  reviews: [Review] @join__field(graph: B, requires: "name")
}
type Review @join__owner(graph: B) @join__type(graph: B, key: "id") {
  id: ID! @join__field(graph: B)
  body: String
  author: User @join__field(graph: B, provides: "handle")
}
"""


@pytest.fixture(scope="module")
def planner():
    return Planner(load_supergraph(SHOP))


def documents(plan):
    return [(fetch.subgraph, sorted(fetch.depends_on), fetch.document) for fetch in plan.fetches]


def test_unplannable_query_says_what_is_missing(planner):
    """The error names the field, the subgraphs tried and the key that cannot be had."""
    with pytest.raises(UnplannableError) as caught:
        planner.plan(parse("{ lost { where } }"))

    error = caught.value
    assert (error.field, error.path, error.tried) == ("Lost.where", "lost.where", ("a", "b"))
    assert 'b needs "code", which cannot be fetched from Lost/a' in str(error)


def test_mutations_wait_for_all_of_those_before(planner):
    """Neighbours in one subgraph share a request; the next subgraph waits until everything before is answered."""
    plan = planner.plan(parse("mutation { addItem { name count } dropItem stock(n: 1) again: dropItem }"))

    assert documents(plan) == [
        ("a", [], "mutation{addItem{name id} dropItem}"),
        ("b", [0], "query($representations:[_Any!]!){_entities(representations:$representations){... on Item{count}}}"),
        ("b", [1], "mutation{stock(n: 1)}"),
        ("a", [2], "mutation{again:dropItem}"),
    ]


def test_subscription_opens_with_the_first_fetch(planner):
    """The stream is the first fetch, the others complete each event."""
    plan = planner.plan(parse("subscription { itemAdded { name count } }"))

    assert [fetch.kind for fetch in plan.fetches] == ["subscription", "query"]
    assert plan_json(plan)["node"]["kind"] == "Subscription"


def test_conditions_make_variants(planner):
    """Each combination of conditions is planned by itself, and only the variables in use are sent."""
    document = parse(
        "query($more: Boolean!, $none: Boolean!, $first: Int = 3) {"
        " items(first: $first) { name @skip(if: $none) ... @include(if: $more) { count } } }"
    )

    assert condition_variables(document, None) == ("more", "none")
    short = planner.plan(document, None, {"more": False, "none": False})
    long = planner.plan(document, None, {"more": True, "none": True})
    assert documents(short) == [("a", [], "query($first: Int = 3){items(first: $first){name}}")]
    assert [fetch.variables for fetch in long.fetches] == [("first",), ()]
    with pytest.raises(OperationError):
        planner.plan(document)


def test_nothing_left_asks_for_the_type(planner):
    """An object whose fields are all skipped is still fetched."""
    plan = planner.plan(parse("{ items { name @skip(if: true) } }"))

    assert documents(plan) == [("a", [], "{items{__typename}}")]


def test_introspection_is_left_out(planner):
    """The router answers introspection, so no fetch is planned for it."""
    plan = planner.plan(parse("{ __typename __schema { types { name } } }"))

    assert plan.fetches == ()
    assert plan_json(plan) == {"kind": "QueryPlan"}


def test_operation_must_be_there(planner):
    """A name that is not in the document, or none where one is needed, is the client's error."""
    document = parse("query A { items { id } } query B { items { id } }")

    assert planner.plan(document, "B").fetches
    with pytest.raises(OperationError):
        planner.plan(document, "C")
    with pytest.raises(OperationError):
        planner.plan(document)


@pytest.mark.parametrize(
    ("limits", "error"),
    [(PlanLimits(steps=600), PlanBudgetError), (PlanLimits(seconds=0), PlanDeadlineError)],
)
def test_limits_end_planning(limits, error):
    """A long operation ends with a clear error."""
    planner = Planner(load_supergraph(SHOP), limits)
    document = parse("{ " + " ".join(f"a{n}: items {{ name count }}" for n in range(1000)) + " }")

    with pytest.raises(error):
        planner.plan(document)


def test_deep_nesting_is_refused_not_fatal():
    """Selections nested beyond what Python can follow are refused."""
    sdl = SHOP.replace(
        "  name: String @join__field(graph: A)",
        "  name: String @join__field(graph: A)\n  next: Item @join__field(graph: A)",
    )
    planner = Planner(load_supergraph(sdl))
    fragments = "".join(f"fragment F{n} on Item {{ next {{ ...F{n + 1} }} }}" for n in range(3000))
    document = parse(f"{{ items {{ ...F0 }} }} {fragments} fragment F3000 on Item {{ id }}")

    with pytest.raises(PlanBudgetError):
        planner.plan(document)


def test_fragment_bombs_are_harmless(planner):
    """A fragment that doubles at each of 60 levels is normalised once for each level."""
    fragments = "".join(f"fragment F{n} on Item {{ ...F{n + 1} ...F{n + 1} }}" for n in range(60))
    plan = planner.plan(parse(f"{{ items {{ ...F0 }} }} {fragments} fragment F60 on Item {{ id }}"))

    assert documents(plan) == [("a", [], "{items{id}}")]


def test_nested_fragments_on_interfaces_do_not_multiply():
    """Where all members of a union are asked the same by an interface, one fragment on it asks them."""
    names = [f"T{number}" for number in range(30)]
    members = " ".join(f'@join__unionMember(graph: A, member: "{name}")' for name in names)
    objects = "".join(
        f'type {name} implements Node @join__implements(graph: A, interface: "Node") @join__type(graph: A)'
        " { id: ID! related: Any }"
        for name in names
    )
    sdl = SHOP + f"interface Node @join__type(graph: A) {{ id: ID! related: Any }} {objects}"
    sdl += f"union Any @join__type(graph: A) {members} = {' | '.join(names)}"
    sdl = sdl.replace("lost: Lost", "any: Any @join__field(graph: A) lost: Lost")
    query = "{ any " + "{ ... on Node { related " * 5 + "{ ... on Node { id } }" + " } }" * 5 + " }"

    plan = Planner(load_supergraph(sdl)).plan(parse(query))

    assert len(plan.fetches) == 1
    assert plan.fetches[0].document.count("... on Node") == 6
    assert len(plan.fetches[0].document) < 300


def test_every_pass_can_be_shown(planner):
    """Each stage has a text."""
    trace = planner.trace(parse("{ items { name count } }"))

    for stage in STAGES:
        assert "count" in dump(stage, trace)


def test_supergraph_of_federation_1():
    """Owners, value types and requirements of join 0.1 are planned alike."""
    planner = Planner(load_supergraph(JOIN_01))
    plan = planner.plan(parse("{ me { name reviews { body author { name } } } }"))

    calls = "query($representations:[_Any!]!){_entities(representations:$representations)"
    assert documents(plan) == [
        ("a", [], "{me{name id}}"),
        ("b", [0], calls + "{... on User{reviews{body author{id}}}}}"),
        ("a", [1], calls + "{... on User{name}}}"),
    ]
    provided = planner.plan(parse("{ me { reviews { author { handle } } } }"))
    assert [fetch.subgraph for fetch in provided.fetches] == ["a", "b"]


def test_apollo_json(planner):
    """The plan in Apollo's format."""
    plan = planner.plan(parse("query($n: Int) { items(first: $n) { count } }"))

    assert plan_json(plan) == {
        "kind": "QueryPlan",
        "node": {
            "kind": "Sequence",
            "nodes": [
                {
                    "kind": "Fetch",
                    "serviceName": "a",
                    "variableUsages": ["n"],
                    "operation": "query($n: Int){items(first: $n){id}}",
                    "operationKind": "query",
                    "operationName": None,
                    "id": "0",
                },
                {
                    "kind": "Flatten",
                    "path": ["items", "@"],
                    "node": {
                        "kind": "Fetch",
                        "serviceName": "b",
                        "variableUsages": [],
                        "operation": (
                            "query($representations: [_Any!]!) { _entities(representations: $representations) "
                            "{\n  ... on Item {\n    count\n  }\n} }"
                        ),
                        "operationKind": "query",
                        "operationName": None,
                        "id": "1",
                        "requires": [
                            {
                                "kind": "InlineFragment",
                                "typeCondition": "Item",
                                "selections": [
                                    {"kind": "Field", "name": "__typename"},
                                    {"kind": "Field", "name": "id"},
                                ],
                            }
                        ],
                    },
                },
            ],
        },
    }
