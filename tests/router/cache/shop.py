"""A small shop of two subgraphs whose data tests change, behind an engine with a cache and one without."""

from __future__ import annotations

import asyncio
from typing import Any

from graphql import build_schema, graphql

from router.cache.store import Store
from router.cache_settings import CacheSettings
from router.composition import Composed, Subgraph, compose
from router.execution.engine import Engine
from router.execution.settings import EngineSettings
from router.execution.transports.in_process import InProcessTransport
from router.policy.identity import Identity
from router.server.ways import cached
from router.supergraph import load_supergraph

CONTROL = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.12",
  import: ["@key", "@cacheTag", "@composeDirective"])
@link(url: "https://storegraph.dev/cache/v1.0", import: ["@cacheControl"]) @composeDirective(name: "@cacheControl")
enum CacheScope { PUBLIC PRIVATE }
directive @cacheControl(maxAge: Int, scope: CacheScope) on FIELD_DEFINITION | OBJECT
"""
PRODUCTS = """
type Query {
  product(id: ID!): Product @cacheControl(maxAge: 60)
  products(first: Int): [Product!]! @cacheControl(maxAge: 60) @cacheTag(format: "page-{$args.first}")
  now: Int
}
type Product @key(fields: "id") @cacheControl(maxAge: 60) @cacheTag(format: "product-{$key.id}") {
  id: ID! name: String price: Int
}
"""
USERS = """
type Query { me: User @cacheControl(maxAge: 60, scope: PRIVATE) }
type User @key(fields: "id") @cacheControl(maxAge: 60, scope: PRIVATE) { id: ID! name: String likes: Product }
type Product @key(fields: "id") @cacheControl(maxAge: 60) { id: ID! score: Int mine: Int @cacheControl(scope: PRIVATE) }
"""
EXECUTABLE = """
scalar _Any
union _Entity = %s
extend type Query { _entities(representations: [_Any!]!): [_Entity]! }
"""


class Shop:
    """The data, and how often each subgraph was asked for how many entities."""

    def __init__(self):
        self.products = {str(number): {"name": f"p{number}", "price": number, "score": 0} for number in range(6)}
        self.users = {name: {"name": name, "likes": "1", "mine": {}} for name in ("ann", "bob")}
        self.time = 0
        self.asked: list[tuple[str, int]] = []
        self.was_asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.failing = False
        plain = "directive @key(fields: String!) repeatable on OBJECT\n"
        control = (
            CONTROL[CONTROL.index("enum") :] + "directive @cacheTag(format: String!) on FIELD_DEFINITION | OBJECT\n"
        )
        self._schemas = {
            "products": build_schema(plain + control + PRODUCTS + EXECUTABLE % "Product"),
            "users": build_schema(plain + control + USERS + EXECUTABLE % "Product | User"),
        }
        composed = compose([Subgraph("products", CONTROL + PRODUCTS, "p"), Subgraph("users", CONTROL + USERS, "u")])
        assert isinstance(composed, Composed), composed
        self.supergraph = load_supergraph(composed.supergraph_sdl)

    def engine(self, store: Store | None = None) -> Engine:
        """Return an engine, with a cache if there is a store."""
        transports = {name: InProcessTransport(self._executor(name)) for name in ("products", "users")}
        return Engine(self.supergraph, cached(transports, self.supergraph, store), EngineSettings(share_requests=False))

    def _executor(self, subgraph: str):
        async def execute(query, variables, operation_name, *, headers, context):
            self.asked.append(
                (subgraph, max((len(each) for each in variables.values() if isinstance(each, list)), default=0))
            )
            self.was_asked.set()
            root = self._root(subgraph, context)
            await self.gate.wait()
            if self.failing:
                raise OSError("gone")
            result = await graphql(self._schemas[subgraph], query, root, variable_values=dict(variables))
            return result.formatted

        return execute

    def _root(self, subgraph: str, caller: Identity | None) -> dict[str, Any]:
        """Resolve when the request arrives: an answer under way does not know of what changes meanwhile."""
        name = caller.id if caller is not None else None
        products = {key: {"__typename": "Product", "id": key, **facts} for key, facts in self.products.items()}
        people = {key: {"__typename": "User", "id": key, **facts} for key, facts in self.users.items()}
        for each in products.values():
            each["mine"] = self.users[name]["mine"].get(each["id"], 0) if name else None
        for each in people.values():
            each["likes"] = products.get(each["likes"])

        def entities(_info, representations):
            known = {"Product": products, "User": people}
            return [known[each["__typename"]].get(each["id"]) for each in representations]

        return {
            "_entities": entities,
            "product": lambda _info, id: products.get(id),  # noqa: A006 - the argument is named so
            "products": lambda _info, first=None: list(products.values())[:first],
            "me": people.get(name),
            "now": self.time,
        }


def store(**settings: Any) -> Store:
    """Return a store for a cache."""
    return Store(CacheSettings(enabled=True, **settings))
