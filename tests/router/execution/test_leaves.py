"""Leaves of the wrong type become null with an error of their own; the rest of the answer stays."""

from __future__ import annotations

import pytest

from router.composition import Composed, Subgraph, compose
from router.execution import Engine, GraphQLRequest
from router.execution.json_text import write_json
from router.execution.transports import SubgraphRequest, SubgraphResponse
from router.supergraph import load_supergraph
from tests.router.differential.world import world

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])\n'
A = """
scalar Json
enum Size { S M }
type Query { items: [Item] any: Any }
union Any = Item | Other
type Item @key(fields: "id") {
  id: ID! count: Int price: Float name: String on: Boolean size: Size json: Json
  fit: Size!
  tags: [String!] grid: [[Int]] must: Int!
}
type Other { count: Int }
"""
B = 'type Item @key(fields: "id") { id: ID! stock: Int }'


@pytest.fixture
def ask():
    composed = compose([Subgraph("a", LINK + A, "http://a"), Subgraph("b", LINK + B, "http://b")])
    assert isinstance(composed, Composed), composed

    async def asked(query, a, b=None):
        class Answering:
            async def send(self, request):
                given = {"a": a, "b": {"_entities": b}}[request.operation.subgraph]
                return SubgraphResponse(body=write_json({"data": given}))

        engine = Engine(load_supergraph(composed.supergraph_sdl), dict.fromkeys("ab", Answering()))
        response = (await engine.execute(GraphQLRequest(query))).as_dict()
        return response["data"], [(error.get("path"), error["message"]) for error in response.get("errors", ())]

    return asked


@pytest.mark.parametrize(
    ("field", "value", "sent"),
    [
        ("count", "3", "a string where Int"),
        ("count", {"a": 1}, "an object where Int"),
        ("count", 2**31, "another number where Int"),
        ("count", 1.5, "another number where Int"),
        ("count", True, "a boolean where Int"),
        ("price", "3", "a string where Float"),
        ("name", 3, "another number where String"),
        ("on", 1, "another number where Boolean"),
        ("id", {}, "an object where ID"),
        ("size", 3, "another number where String"),
    ],
)
async def test_a_leaf_of_the_wrong_type_is_null_and_told(ask, field, value, sent):
    item = {"must": 1, "id": "1"} | {field: value}

    data, errors = await ask(f"{{ items {{ must {field} }} }}", {"items": [item, {"must": 2, "id": "2", field: None}]})

    assert errors == [(["items", 0, field], f"A subgraph sent {sent} is expected.")]
    if field == "id":
        assert data == {"items": [None, None]}
    else:
        assert data == {"items": [{"must": 1, field: None}, {"must": 2, field: None}]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("count", -(2**31)),
        ("count", 3.0),
        ("price", 3),
        ("price", 2.5),
        ("id", 7),
        ("json", {"a": [1, "b"]}),
        ("json", 2**80),
        ("tags", ["x"]),
        ("grid", [[1, None], None]),
    ],
)
async def test_what_fits_is_left_as_it_is(ask, field, value):
    data, errors = await ask(f"{{ items {{ {field} }} }}", {"items": [{field: value}]})

    assert (data, errors) == ({"items": [{field: value}]}, [])


async def test_null_goes_up_from_where_none_may_be(ask):
    items = {"items": [{"must": "x", "tags": ["a"]}, {"must": 1, "tags": ["a", 2]}]}
    data, errors = await ask("{ items { must tags } }", items)

    assert data == {"items": [None, {"must": 1, "tags": None}]}
    assert [path for path, _ in errors] == [["items", 0, "must"], ["items", 1, "tags", 1]]


async def test_paths_lead_to_the_places_of_entities_and_aliases(ask):
    query = "{ items { n: stock } any { ... on Item { c: count } ... on Other { c: count } } }"
    data, errors = await ask(
        query, {"items": [{"id": "1"}, {"id": "2"}], "any": {"__typename": "Other", "c": []}}, [{"n": "x"}, {"n": 4}]
    )

    assert data == {"items": [{"n": None}, {"n": 4}], "any": {"c": None}}
    assert sorted(path for path, _ in errors) == [["any", "c"], ["items", 0, "n"]]


async def test_in_lists_of_lists(ask):
    data, errors = await ask("{ items { grid } }", {"items": [{"grid": [[1, "x"], [{}]]}]})

    assert data == {"items": [{"grid": [[1, None], [None]]}]}
    assert [path for path, _ in errors] == [["items", 0, "grid", 0, 1], ["items", 0, "grid", 1, 0]]


async def test_an_unknown_enum_value_is_null_and_told_where_null_may_not_be(ask):
    data, errors = await ask(
        "{ items { size fit } }", {"items": [{"size": "XL", "fit": "S"}, {"size": "M", "fit": "XL"}]}
    )

    assert data == {"items": [{"size": None, "fit": "S"}, None]}
    assert errors == [(["items", 1, "fit"], "A subgraph sent a value that the enum does not have.")]


async def test_what_is_missing_is_null_and_no_error_where_it_may_be(ask):
    assert await ask("{ items { count } }", {}) == ({"items": None}, [])
    assert await ask("{ items { count must } }", {"items": [{"must": 1}]}) == (
        {"items": [{"count": None, "must": 1}]},
        [],
    )


class Nameless:
    """Sends an object of an interface without its type, which was not asked for, and without what must be there."""

    async def send(self, _request: SubgraphRequest) -> SubgraphResponse:
        return SubgraphResponse(body=b'{"data": {"nodes": [{"name": "n"}]}}')


async def test_what_is_missing_in_an_object_whose_type_nobody_asked_for_is_told():
    tried = world("interface_objects")
    engine = Engine(tried.supergraph, dict.fromkeys(tried.subgraphs, Nameless()), planner=tried.planner)

    response = await engine.execute(GraphQLRequest("{ nodes { id name } }"))

    assert response.data is None
    assert [error["path"] for error in response.errors] == [["nodes", 0, "id"]]
