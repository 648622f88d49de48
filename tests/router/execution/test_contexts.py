"""`@fromContext` is planned, but not executed yet: such an operation is refused, never sent with a value missing."""

from __future__ import annotations

from router.composition import Composed, Subgraph, compose
from router.execution import Engine, GraphQLRequest
from router.execution.exchange import Outcome
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
  total(locale: String @fromContext(field: "$customer { locale }")): String
}
"""
)
LOCALES = LINK + 'type Customer @key(fields: "id") { id: ID! locale: String }\n'


async def test_a_field_with_a_context_is_refused_and_nothing_is_sent() -> None:
    composed = compose([Subgraph("orders", ORDERS, "http://orders"), Subgraph("locales", LOCALES, "http://locales")])
    assert isinstance(composed, Composed)
    engine = Engine(load_supergraph(composed.supergraph_sdl), transports={})

    response = await engine.execute(GraphQLRequest("{ customers { orders { total } } }"))

    assert (response.outcome, response.code) == (Outcome.FAILED, "CONTEXT_NOT_SUPPORTED")
