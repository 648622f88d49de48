"""`@fromContext`: arguments that an enclosing object fills."""

from __future__ import annotations

from graphql import build_schema, execute, parse

from router.composition import Composed, Subgraph, compose
from router.planner import Planner
from router.supergraph import load_supergraph

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", '
    'import: ["@key", "@context", "@fromContext", "@external"])\n'
)
ORDERS = (
    LINK
    + """
type Query { customers: [Customer!]! }
type Customer @key(fields: "id") @context(name: "customer") { id: ID! locale: String @external orders: [Order!]! }
type Order @key(fields: "id") {
  id: ID!
  total(locale: String @fromContext(field: "$customer { locale }"), digits: Int): String
}
"""
)
LOCALES = LINK + 'type Customer @key(fields: "id") { id: ID! locale: String }\n'
ANSWERING = build_schema("""
scalar _Any
union _Entity = Customer | Order
type Query { customers: [Customer!]! _entities(representations: [_Any!]!): [_Entity]! }
type Customer { id: ID! locale: String orders: [Order!]! }
type Order { id: ID! total(locale: String, digits: Int): String }
""")
OF_CUSTOMER = {"1": ["o1", "o2"], "2": ["o3"]}
LOCALE = {"1": "de", "2": "fr"}


def resolve(source, info, **arguments):
    """Answer any field of either subgraph."""
    source = source or {}
    match info.field_name:
        case "customers":
            return [{"__typename": "Customer", "id": key} for key in OF_CUSTOMER]
        case "_entities":
            return arguments["representations"]
        case "orders":
            return [{"__typename": "Order", "id": key} for key in OF_CUSTOMER[source["id"]]]
        case "locale":
            return LOCALE[source["id"]]
        case "total":
            return f"{source['id']} in {arguments.get('locale')} with {arguments.get('digits')}"
    return source[info.field_name]


def test_value_of_an_enclosing_object_is_sent(interpret):
    """The value is fetched where the context is set, and each combination of values is a request of its own."""
    composed = compose([Subgraph("orders", ORDERS, "http://orders"), Subgraph("locales", LOCALES, "http://locales")])
    assert isinstance(composed, Composed), composed
    supergraph = load_supergraph(composed.supergraph_sdl)
    asked = []

    def subgraph(name, document, variables):
        asked.append((name, {key: value for key, value in variables.items() if "_context" in key}))
        result = execute(
            ANSWERING,
            parse(document),
            variable_values=variables,
            field_resolver=resolve,
            type_resolver=lambda value, _info, _type: value["__typename"],
        )
        assert not result.errors, result.errors
        return {"data": result.data}

    query = "{ customers { orders { total(digits: 2) } } }"
    response = interpret(supergraph, Planner(supergraph), subgraph, query)

    assert response == {
        "data": {
            "customers": [
                {"orders": [{"total": "o1 in de with 2"}, {"total": "o2 in de with 2"}]},
                {"orders": [{"total": "o3 in fr with 2"}]},
            ]
        }
    }
    assert [name for name, _values in asked] == ["orders", "locales", "orders", "orders"]
    assert [list(values.values()) for _name, values in asked[2:]] == [["de"], ["fr"]]
