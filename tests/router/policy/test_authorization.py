"""Who may not have a field does not get it, and no subgraph is asked for it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from router.config import ConfigError, RouterSettings
from router.execution.exchange import GraphQLRequest, Outcome, RequestContext
from router.policy.access import access_rules
from router.policy.gate import policy_gate
from router.policy.identity import ANONYMOUS, Identity
from router.policy.policies import PolicyDecider, Question
from tests.router.policy.conftest import MakeWorld, holder

SHOP = """
type Query {
  products: [Product!]! me: User @authenticated order(id: ID!): Order things: [Thing!]! node: Node token: Token
  safe: String report: Report @requiresScopes(scopes: [["read:reports"], ["admin"]])
}
type Mutation { refund(id: ID!): Int @requiresScopes(scopes: [["refund"]]) touch: Int }
type Subscription { changed: Product secret: Product @authenticated }
type Product @key(fields: "id") { id: ID! name: String! cost: Int @requiresScopes(scopes: [["staff"]]) }
type User @key(fields: "id") { id: ID! email: String @requiresScopes(scopes: [["email", "personal"]]) name: String! }
type Order @authenticated { id: ID! total: Int! note: String @policy(policies: [["owner"], ["support", "shift"]]) }
type Report { lines: [String!]! }
interface Thing { id: ID! }
type Open implements Thing { id: ID! free: String }
type Closed implements Thing { id: ID! hidden: String @authenticated }
union Node = Product | Order
scalar Token @authenticated
"""
STOCK = """
type Query { low: [Product!] }
type Product @key(fields: "id") {
  id: ID! cost: Int @external
  margin: Int @requires(fields: "cost") @requiresScopes(scopes: [["staff"]])
  stock: Int! @authenticated
}
"""


def paths(response: Any) -> list[list[str]]:
    assert all(each["extensions"] == {"code": "UNAUTHORIZED_FIELD_OR_TYPE"} for each in response.errors)
    return [each["path"] for each in response.errors]


async def test_a_refused_field_is_null_with_its_path_and_never_fetched(make_world: MakeWorld) -> None:
    world = make_world(SHOP, STOCK)

    response = await world.run("{ safe me { id } mine: me { name } products { name cost } }")

    assert response.data == {
        "safe": "some safe",
        "me": None,
        "mine": None,
        "products": [{"name": "some name", "cost": None}] * 2,
    }
    assert paths(response) == [["me"], ["mine"], ["products", "@", "cost"]]
    assert "me" not in world.documents.replace("name", "")
    assert "cost" not in world.documents


async def test_who_meets_the_demands_gets_everything(make_world: MakeWorld) -> None:
    world = make_world(SHOP, STOCK)

    response = await world.run(
        "{ me { id email } products { cost margin stock } }", holder("email", "personal", "staff")
    )

    assert response.data == {
        "me": {"id": "1", "email": "some email"},
        "products": [{"cost": 7, "margin": 7, "stock": 7}] * 2,
    }
    assert not response.errors


@pytest.mark.parametrize(
    ("scopes", "allowed"), [((), False), (("read:reports",), True), (("admin", "x"), True), (("read",), False)]
)
async def test_scopes_are_alternatives_of_sets(make_world: MakeWorld, scopes: tuple[str, ...], allowed: bool) -> None:
    world = make_world(SHOP)

    response = await world.run("{ report { lines } }", holder(*scopes))

    assert (response.data["report"] is not None) is allowed
    assert bool(world.asked) is allowed


async def test_half_of_a_set_is_not_enough(make_world: MakeWorld) -> None:
    world = make_world(SHOP)

    response = await world.run("{ me { name email } }", holder("email"))

    assert response.data == {"me": {"name": "some name", "email": None}}
    assert paths(response) == [["me", "email"]]


async def test_null_goes_up_where_none_may_be(make_world: MakeWorld) -> None:
    world = make_world(SHOP, STOCK)

    response = await world.run("{ safe low { id stock } }")

    assert response.data == {"safe": "some safe", "low": None}
    assert paths(response) == [["low", "@", "stock"]]
    assert "stock" not in world.documents


async def test_types_demand_for_all_fields_that_lead_to_them(make_world: MakeWorld) -> None:
    world = make_world(SHOP)

    response = await world.run('{ order(id: "1") { id } token safe }')

    assert response.data == {"order": None, "token": None, "safe": "some safe"}
    assert paths(response) == [["order"], ["token"]]


async def test_fragments_on_types_that_demand_something(make_world: MakeWorld) -> None:
    world = make_world(SHOP)

    response = await world.run("{ node { ... on Order { id } ...P } } fragment P on Product { id name cost }")

    assert response.data == {"node": None} or response.data == {"node": {"id": "1", "name": "some name", "cost": None}}
    assert ["node", "id"] in paths(response)
    assert ["node", "cost"] in paths(response)
    assert "Order" not in world.documents


async def test_an_interface_demands_what_its_objects_demand(make_world: MakeWorld) -> None:
    world = make_world(
        "type Query { things: [Thing] } interface Thing { id: ID title: String } "
        "type Open implements Thing { id: ID title: String } "
        "type Closed implements Thing { id: ID title: String @authenticated hidden: Int }"
    )

    response = await world.run(
        "{ things { id title ... on Open { own: title } ... on Closed { hidden other: title } } }"
    )

    assert paths(response) == [["things", "@", "title"], ["things", "@", "other"]]
    assert world.documents.count("title") == 1


async def test_what_is_required_demands_in_supergraphs_of_others(make_world: MakeWorld) -> None:
    """Composition insists that `margin` demands what `cost` does; a supergraph that was composed elsewhere may not."""
    world = make_world(SHOP, STOCK)
    rules = access_rules(world.supergraph)
    assert rules is not None
    weaker = {place: found for place, found in rules.stated.items() if place != ("Product", "margin")}

    assert rules.of_field("Product", frozenset({"Product"}), "margin")
    assert not type(rules)(rules.schema, weaker).of_field("Product", frozenset({"Product"}), "margin")


async def test_keys_are_read_for_others(make_world: MakeWorld) -> None:
    world = make_world(
        'type Query { products: [Product!]! } type Product @key(fields: "id") { id: ID! @authenticated name: String }',
        'type Query { x: Int } type Product @key(fields: "id") { id: ID! @authenticated price: Int }',
    )

    response = await world.run("{ products { price } }")

    assert response.data == {"products": [{"price": 7}, {"price": 7}]}
    assert not response.errors


async def test_mutations_that_are_refused_are_not_run(make_world: MakeWorld, user: Identity) -> None:
    world = make_world(SHOP)

    response = await world.run('mutation { touch refund(id: "1") again: touch }', user)

    assert response.data == {"touch": 7, "refund": None, "again": 7}
    assert "refund" not in world.documents


async def test_skipped_fields_are_not_told(make_world: MakeWorld) -> None:
    world = make_world(SHOP)
    query = "query ($a: Boolean!) { safe me @include(if: $a) { ...U } report @skip(if: true) { lines } }"
    query += "fragment U on User { id }"

    without = await world.run(query, variables={"a": False})
    asked = await world.run(query, variables={"a": True})

    assert (without.data, without.errors) == ({"safe": "some safe"}, ())
    assert paths(asked) == [["me"]]


async def test_callers_of_one_class_share_a_plan(make_world: MakeWorld) -> None:
    world = make_world(SHOP)
    query = "{ products { cost name } me { id } }"
    for caller in (ANONYMOUS, holder(), holder("a"), holder("b", "staff"), holder("staff")):
        await world.run(query, caller)
    operation = await world.engine.prepare(GraphQLRequest(query))

    assert len(operation.partial) == 2, "anonymous ones, and known ones without the scope"
    assert len(operation.programs) == 1


async def test_a_schema_without_demands_has_no_gate_and_an_operation_without_any_no_study(
    make_world: MakeWorld,
) -> None:
    world = make_world(SHOP)

    assert (await world.engine.prepare(GraphQLRequest("{ safe products { name } }"))).study is None
    plain = make_world("type Query { a: Int }")
    assert policy_gate(plain.supergraph, RouterSettings()) is None


async def test_reject_mode_refuses_the_whole_operation(make_world: MakeWorld) -> None:
    world = make_world(SHOP, yaml="authorization: {reject: true}")

    response = await world.run("{ safe me { id } }")

    assert (response.outcome, response.status, response.data) == (Outcome.REFUSED, 403, None)
    assert paths(response) == [["me"]]
    assert not world.asked


async def test_dry_run_only_tells(make_world: MakeWorld) -> None:
    world = make_world(SHOP, yaml="authorization: {dry_run: true}")

    response = await world.run("{ me { id } }")

    assert response.data == {"me": {"id": "1"}}
    assert paths(response) == [["me"]]


@pytest.mark.parametrize("place", ["extensions", "disabled"])
async def test_what_is_withheld_is_told_where_it_should_be(make_world: MakeWorld, place: str) -> None:
    world = make_world(SHOP, yaml=f"authorization: {{errors: {{response: {place}}}}}")

    response = await world.run("{ safe me { id } }")

    assert response.data == {"safe": "some safe", "me": None}
    assert not response.errors
    told = (response.extensions or {}).get("authorizationErrors")
    assert told == (
        [
            {
                "message": "Unauthorized field or type",
                "path": ["me"],
                "extensions": {"code": "UNAUTHORIZED_FIELD_OR_TYPE"},
            }
        ]
        if place == "extensions"
        else None
    )


async def test_authentication_can_be_demanded_of_everybody(make_world: MakeWorld, user: Identity) -> None:
    world = make_world(SHOP, yaml="authorization: {require_authentication: true}")

    refused = await world.run("{ safe }")

    assert (refused.status, refused.code) == (401, "AUTH_ERROR")
    assert (await world.run("{ safe }", user)).data == {"safe": "some safe"}


async def test_subscriptions_are_refused_before_they_open(make_world: MakeWorld, user: Identity) -> None:
    world = make_world(SHOP)
    request = GraphQLRequest("subscription { secret { id } }")

    with pytest.raises(Exception, match="Unauthorized"):
        await world.engine.stream(request, RequestContext(value=ANONYMOUS))

    assert await world.engine.stream(request, RequestContext(value=user))


async def test_deferred_fragments_hold_nothing_back_that_is_refused(make_world: MakeWorld) -> None:
    world = make_world(SHOP, STOCK)
    request = GraphQLRequest("{ safe ... @defer { me { id } low { id } } }")

    payloads = [each async for each in world.engine.execute_incremental(request, RequestContext(value=ANONYMOUS))]

    assert len(payloads) == 1
    assert payloads[0].response is not None
    assert payloads[0].response.data["me"] is None
    assert "me " not in world.documents


# Policies -----------------------------------------------------------------------------------------------------

ASKED: list[Question] = []


async def decide(question: Question) -> set[str]:
    """The policy function of these tests: the caller's scopes are what holds."""
    ASKED.append(question)
    if "fail" in question.caller.scopes:
        raise RuntimeError("the policy service is away")
    if "hang" in question.caller.scopes:
        await asyncio.Event().wait()
    return set(question.caller.scopes)


HERE = f"authorization: {{policies: {{function: '{__name__}:decide', timeout: 0.05}}}}"
FILE = f"authorization: {{policies: {{function: '{__file__}:decide'}}}}"


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [(("owner",), True), (("support", "shift"), True), (("support",), False), ((), False), (("fail",), False)],
)
async def test_policies_are_asked_in_one_batch(make_world: MakeWorld, scopes: tuple[str, ...], allowed: bool) -> None:
    world = make_world(SHOP, yaml=HERE)
    ASKED.clear()
    query = 'query Q($id: ID!) { order(id: $id) { id note again: note } other: order(id: "2") { note } }'

    response = await world.run(query, holder(*scopes), {"id": "7"}, "Q")

    assert (response.data["order"]["note"] is not None) is allowed
    assert [(each.policies, each.operation, each.variables) for each in ASKED] == [
        (frozenset({"owner", "support", "shift"}), "Q", {"id": "7"})
    ]


async def test_a_policy_that_takes_too_long_does_not_hold(make_world: MakeWorld) -> None:
    world = make_world(SHOP, yaml=HERE)

    assert (await world.run('{ order(id: "1") { id note } }', holder("hang"))).data == {
        "order": {"id": "1", "note": None}
    }


async def test_no_function_no_policy_holds(make_world: MakeWorld) -> None:
    world = make_world(SHOP)

    assert (await world.run('{ order(id: "1") { id note } }', holder("owner"))).data["order"]["note"] is None


async def test_policies_are_not_asked_about_where_none_matters(make_world: MakeWorld, user: Identity) -> None:
    world = make_world(SHOP, yaml=HERE)
    ASKED.clear()

    await world.run('{ order(id: "1") { id } }', user)

    assert not ASKED


async def test_functions_come_from_files_too(make_world: MakeWorld) -> None:
    world = make_world(SHOP, yaml=FILE)

    assert (await world.run('{ order(id: "1") { note } }', holder("owner"))).data == {"order": {"note": "some note"}}


@pytest.mark.parametrize("location", ["no.such.module:decide", "json:nothing", "json:__name__"])
def test_a_function_that_is_not_there_is_a_mistake_in_the_settings(make_world: MakeWorld, location: str) -> None:
    with pytest.raises(ConfigError, match=location):
        make_world(SHOP, yaml=f"authorization: {{policies: {{function: '{location}'}}}}")


async def test_answers_are_remembered_for_as_long_as_is_wanted() -> None:
    now = [0.0]
    asked: list[Question] = []

    async def once(question: Question) -> set[str]:
        asked.append(question)
        return {"a", "not asked"}

    decider = PolicyDecider(once, remember=10, clock=lambda: now[0])
    question = Question(frozenset({"a", "b"}), holder("x"), None, {})

    assert await decider.ask(question) == {"a"} == decider.known(question) == await decider.ask(question)
    now[0] = 10.0
    assert decider.known(question) is None
    await decider.ask(question)
    assert len(asked) == 2
