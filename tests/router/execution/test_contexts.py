"""`@fromContext`: arguments that enclosing objects fill; all their values travel in one request."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from graphql import build_schema, execute, parse, validate

from router.composition import Composed, Subgraph, compose
from router.execution import Engine, GraphQLRequest, SubgraphTimeoutError
from router.execution.transports import SubgraphResponse
from router.supergraph import load_supergraph

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", '
    'import: ["@key", "@context", "@fromContext", "@external", "@shareable"])\n'
)
ORDERS = (
    LINK
    + """
type Query { customers: [Customer!]! wholesale: [Customer] }
type Customer @key(fields: "id") @context(name: "customer") {
  id: ID! locale: String @external region: Region @external orders: [Order!]! last: Order parcels: [[Parcel!]!]!
}
type Region @key(fields: "code") { code: ID! rate: Int! @external }
type Order @key(fields: "id") {
  id: ID!
  total(locale: String @fromContext(field: "$customer { locale }"), digits: Int): String
}
type Parcel @key(fields: "id") { id: ID! duty(rate: Int @fromContext(field: "$customer { region { rate } }")): Int }
"""
)
LOCALES = (
    LINK
    + """
type Customer @key(fields: "id") { id: ID! locale: String region: Region }
type Region @key(fields: "code") { code: ID! rate: Int! }
"""
)
ANSWERING = build_schema("""
scalar _Any
union _Entity = Customer | Order | Parcel | Region
type Query { customers: [Customer!]! wholesale: [Customer] _entities(representations: [_Any!]!): [_Entity]! }
type Customer {
  id: ID! locale: String region: Region orders: [Order!]! last: Order parcels: [[Parcel!]!]!
}
type Region { code: ID! rate: Int! }
type Order { id: ID! total(locale: String, digits: Int): String }
type Parcel { id: ID! duty(rate: Int): Int }
""")
ORDERS_OF = {"1": ["o1", "o2"], "2": ["o3", "o1"], "3": []}
LOCALE = {"1": "de", "2": "fr", "3": None}


def resolve(source: Any, info: Any, **arguments: Any) -> Any:
    """Answer any field of either subgraph."""
    source = source or {}
    match info.field_name:
        case "customers":
            return [{"__typename": "Customer", "id": key} for key in ORDERS_OF]
        case "wholesale":
            return [None, {"__typename": "Customer", "id": "2"}]
        case "_entities":
            return arguments["representations"]
        case "orders":
            return [{"__typename": "Order", "id": key} for key in ORDERS_OF[source["id"]]]
        case "last":
            return {"__typename": "Order", "id": "o9"} if source["id"] != "2" else None
        case "parcels":
            return [[{"__typename": "Parcel", "id": f"p{n}"}] for n in range(int(source["id"]))]
        case "locale":
            return LOCALE[source["id"]]
        case "region":
            return {"__typename": "Region", "code": source["id"]}
        case "rate":
            return int(source["code"]) % 2
        case "duty":
            return arguments.get("rate")
        case "total":
            if arguments.get("locale") == "fr" and source["id"] == "o3":
                raise ValueError("no French")
            return f"{source['id']} in {arguments.get('locale')} with {arguments.get('digits')}"
    return source[info.field_name]


class Subgraphs:
    """Answers for both subgraphs and takes note of what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.down: set[str] = set()

    async def send(self, request: Any) -> SubgraphResponse:
        name = request.operation.subgraph
        self.asked.append((name, dict(request.variables)))
        await asyncio.sleep(0)
        if name in self.down:
            raise SubgraphTimeoutError("slow")
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
def ask(subgraphs):
    composed = compose([Subgraph("orders", ORDERS, "http://orders"), Subgraph("locales", LOCALES, "http://locales")])
    assert isinstance(composed, Composed), composed
    engine = Engine(load_supergraph(composed.supergraph_sdl), dict.fromkeys(("orders", "locales"), subgraphs))

    async def asked(query: str, **variables: Any) -> dict[str, Any]:
        return (await engine.execute(GraphQLRequest(query, variables))).as_dict()

    return asked


async def test_each_combination_of_values_is_an_alias_of_one_request(ask, subgraphs) -> None:
    """One order under two customers is told for each of them by itself, and a null is sent as null."""
    query = "query($digits: Int) { customers { orders { total(digits: $digits) } last { total } } }"

    response = await ask(query, digits=2)

    assert response["data"] == {
        "customers": [
            {
                "orders": [{"total": "o1 in de with 2"}, {"total": "o2 in de with 2"}],
                "last": {"total": "o9 in de with None"},
            },
            {"orders": [{"total": None}, {"total": "o1 in fr with 2"}], "last": None},
            {"orders": [], "last": {"total": "o9 in None with None"}},
        ]
    }
    assert [(error["message"], error["path"]) for error in response["errors"]] == [
        ("no French", ["customers", 1, "orders", 0, "total"])
    ]
    assert [name for name, _ in subgraphs.asked] == ["orders", "locales", "orders", "orders"]
    first = next(sent for name, sent in subgraphs.asked[2:] if "digits" in sent)
    assert sorted(value for name, value in first.items() if "_context" in name) == ["de", "fr"]


async def test_lists_of_lists_and_values_from_inside_enclosing_objects(ask, subgraphs) -> None:
    response = await ask("{ customers { id parcels { id duty } } }")

    assert "errors" not in response
    duties = [
        [[parcel["duty"] for parcel in inner] for inner in each["parcels"]] for each in response["data"]["customers"]
    ]
    assert duties == [[[1]], [[0], [0]], [[1], [1], [1]]]
    representations = [value for name, value in subgraphs.asked[-1][1].items() if name.startswith("representations")]
    assert [[each["id"] for each in group] for group in representations] == [["p0", "p1", "p2"], ["p0", "p1"]]


async def test_one_combination_is_sent_plainly(ask, subgraphs) -> None:
    response = await ask("{ wholesale { orders { total } } }")

    assert response["data"] == {"wholesale": [None, {"orders": [{"total": None}, {"total": "o1 in fr with None"}]}]}
    assert set(subgraphs.asked[-1][1]) == {
        "representations",
        next(n for n in subgraphs.asked[-1][1] if "_context" in n),
    }


async def test_where_the_value_cannot_be_fetched_null_is_sent(ask, subgraphs) -> None:
    subgraphs.down = {"locales"}

    response = await ask("{ customers { last { total } } }")

    totals = [each["last"] and each["last"]["total"] for each in response["data"]["customers"]]
    assert totals == ["o9 in None with None", None, "o9 in None with None"]
    assert [error["extensions"]["code"] for error in response["errors"]] == ["SUBGRAPH_REQUEST_TIMEOUT"]


async def test_nobody_to_ask_about(ask, subgraphs) -> None:
    response = await ask("{ customers { orders { total } } }")
    assert response["data"]["customers"][2] == {"orders": []}
