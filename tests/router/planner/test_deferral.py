"""`@defer` in the plan: what is fetched apart, and how the plan tells of it."""

from __future__ import annotations

import pytest
from graphql import parse

from router.composition import Composed, Subgraph, compose
from router.planner import Planner, plan_json
from router.planner.deferral import group_of
from router.supergraph import load_supergraph

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])\n'
SHOP = 'type Query { products: [Product!]! } type Product @key(fields: "id") { id: ID! name: String maker: Maker } '
MAKER = "type Maker { title: String }"
STOCK = 'type Product @key(fields: "id") { id: ID! left: Int } '


@pytest.fixture(scope="module")
def planner():
    texts = {"shop": LINK + SHOP + MAKER, "stock": LINK + STOCK}
    composed = compose([Subgraph(name, text, f"http://{name}") for name, text in texts.items()])
    assert isinstance(composed, Composed), composed
    return Planner(load_supergraph(composed.supergraph_sdl))


def test_a_part_is_fetched_apart_from_the_same_subgraph(planner):
    plan = planner.plan(parse('{ products { id ... @defer(label: "n") { name ... @defer { left } } } }'), defer=True)

    assert [(fetch.subgraph, set(fetch.deferred), set(fetch.depends_on)) for fetch in plan.fetches] == [
        ("shop", set(), set()),
        ("shop", {(0,)}, {0}),
        ("stock", {(0, 1)}, {0}),
    ]


def test_what_is_asked_for_at_once_too_is_not_deferred(planner):
    plan = planner.plan(parse("{ products { id name ... @defer { name } } }"), defer=True)
    assert [set(fetch.deferred) for fetch in plan.fetches] == [set()]


def test_the_plan_in_json(planner):
    plan = planner.plan(parse('{ products { name ... @defer(label: "s") { left } } }'), defer=True)

    node = plan_json(plan)["node"]

    assert (node["kind"], node["primary"]["node"]["serviceName"]) == ("Defer", "shop")
    (part,) = node["deferred"]
    assert (part["label"], part["queryPath"], part["depends"]) == ("s", ["products", "@"], [{"id": "0"}])
    assert (part["node"]["kind"], part["node"]["node"]["serviceName"]) == ("Flatten", "stock")


def test_without_defer_the_plan_is_that_of_the_whole(planner):
    deferred = planner.plan(parse("{ products { name ... @defer { left } } }"))
    assert deferred == planner.plan(parse("{ products { name ... { left } } }"))


@pytest.mark.parametrize(
    ("usages", "group"),
    [
        ([(), (0,)], set()),
        ([(0,), (0, 1)], {(0,)}),
        ([(0,), (1,)], {(0,), (1,)}),
        ([(0, 1), (0, 2), (0, 1, 3)], {(0, 1), (0, 2)}),
    ],
)
def test_a_field_waits_for_the_outermost_fragments_only(usages, group):
    assert group_of(usages) == group
