"""For how long answers may be kept: what subgraphs say, what the schema says, and the strictest of all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from router.composition import Composed, Subgraph, compose
from router.execution.cache_policy import UNKEPT, CachePolicy, read_cache_control
from router.execution.engine import Engine
from router.execution.exchange import GraphQLRequest
from router.execution.settings import EngineSettings
from router.execution.transports.port import SubgraphRequest, SubgraphResponse
from router.supergraph import load_supergraph

LINK = """extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@composeDirective"])"""
HINTED = f"""{LINK}
  @link(url: "https://storegraph.example/cache/v1.0", import: ["@cacheControl"])
  @composeDirective(name: "@cacheControl")
  enum CacheControlScope {{ PUBLIC PRIVATE }}
  directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean)
    on FIELD_DEFINITION | OBJECT | INTERFACE | UNION
"""
A = """
  interface Named { name: String! }
  type Thing implements Named @key(fields: "id") HINT {
    id: ID! name: String! quick: Int QUICK part: Part inherited: Part INHERITED
  }
  type Part { size: Int }
  type Query { thing: Thing! slow: Thing! SLOW plain: Int mine: Int MINE named: Named SLOW }
  type Mutation { touch: Int }
"""
HINTS = {
    "HINT": "@cacheControl(maxAge: 100)",
    "QUICK": "@cacheControl(maxAge: 5)",
    "INHERITED": "@cacheControl(inheritMaxAge: true)",
    "SLOW": "@cacheControl(maxAge: 300)",
    "MINE": "@cacheControl(maxAge: 50, scope: PRIVATE)",
}
B = """type Thing @key(fields: "id") { id: ID! price: Int }"""


def hinted(sdl: str, hints: Mapping[str, str]) -> str:
    return re.sub("|".join(rf"\b{name}\b" for name in HINTS), lambda found: hints.get(found[0], ""), sdl)


class Saying:
    """Answers with the headers that a test wants."""

    def __init__(self) -> None:
        self.headers = {"a": "", "b": ""}
        self.errors = False

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        thing = {
            "__typename": "Thing",
            "id": "1",
            "name": "x",
            "quick": 1,
            "part": {"size": 1},
            "inherited": {"size": 1},
        }
        data: Any = {"thing": thing, "slow": thing, "plain": 1, "mine": 1, "named": thing, "touch": 1}
        if request.operation.subgraph == "b":
            data = {"_e0": [{"price": 1}], "_entities": [{"price": 1}]}
        answer = {"data": data} | ({"errors": [{"message": "no"}]} if self.errors else {})
        said = self.headers[request.operation.subgraph]
        return SubgraphResponse(decoded=answer, cache_control=said)


def engine(saying: Saying, hints: Mapping[str, str] | None, default: int | None = 0) -> Engine:
    head = LINK if hints is None else HINTED
    composed = compose([Subgraph("a", head + hinted(A, hints or {}), "http://a"), Subgraph("b", LINK + B, "http://b")])
    assert isinstance(composed, Composed), composed
    settings = EngineSettings(default_max_age=default)
    return Engine(load_supergraph(composed.supergraph_sdl), {"a": saying, "b": saying}, settings)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("max-age=60", CachePolicy(60)),
        ("public, s-maxage=10, max-age=60", CachePolicy(10)),
        ("Private, Max-Age=60", CachePolicy(60, private=True)),
        ("no-cache, max-age=60", CachePolicy(0)),
        ("no-store", CachePolicy(7, no_store=True)),
        ("must-revalidate", CachePolicy(7)),
        ("max-age=soon", CachePolicy(7)),
        ('max-age="60"', CachePolicy(60)),
        ("max-age=99999999999999999999", CachePolicy(31_536_000)),
    ],
)
def test_headers_of_subgraphs(header: str, expected: CachePolicy) -> None:
    assert read_cache_control(header, 7) == expected


@pytest.mark.parametrize(
    ("a", "b", "default", "expected"),
    [
        ("max-age=60", "max-age=30", 0, CachePolicy(30)),
        ("max-age=60", "max-age=90, private", 0, CachePolicy(60, private=True)),
        ("max-age=60", "", 0, CachePolicy(0)),
        ("max-age=60", "", 20, CachePolicy(20)),
        ("max-age=60", "no-store", 0, CachePolicy(0, no_store=True)),
    ],
)
async def test_the_strictest_subgraph_counts(a: str, b: str, default: int, expected: CachePolicy) -> None:
    saying = Saying()
    saying.headers = {"a": a, "b": b}

    response = await engine(saying, None, default).execute(GraphQLRequest("{ thing { name price } }"))

    assert response.cache_policy is not None
    assert response.cache_policy.header == expected.header


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ thing { name } }", CachePolicy(100)),
        ("{ slow { name } }", CachePolicy(300)),
        ("{ thing { name quick } }", CachePolicy(5)),
        ("{ thing { part { size } } }", CachePolicy(0)),
        ("{ thing { inherited { size } } }", CachePolicy(100)),
        ("{ plain }", CachePolicy(0)),
        ("{ mine }", CachePolicy(50, private=True)),
        ("{ ...F } fragment F on Query { slow { ... on Thing { quick } } }", CachePolicy(5)),
        ("{ named { ... on Thing { quick } } }", CachePolicy(5)),
        ("{ slow { name __typename } __typename }", CachePolicy(300)),
        ("{ slow { price } }", CachePolicy(300)),
        ("mutation { touch }", UNKEPT),
    ],
)
async def test_what_the_schema_says(query: str, expected: CachePolicy) -> None:
    response = await engine(Saying(), HINTS).execute(GraphQLRequest(query))

    assert response.cache_policy == expected


async def test_a_subgraph_can_be_stricter_than_the_schema() -> None:
    saying = Saying()
    router = engine(saying, HINTS)
    saying.headers["b"] = "max-age=1"

    response = await router.execute(GraphQLRequest("{ thing { price } }"))

    assert response.cache_policy == CachePolicy(1)


async def test_an_answer_with_errors_is_not_kept() -> None:
    saying = Saying()
    saying.headers, saying.errors = {"a": "max-age=60", "b": ""}, True

    response = await engine(saying, None).execute(GraphQLRequest("{ thing { name } }"))

    assert response.cache_policy == UNKEPT


async def test_where_nobody_asks_nothing_is_said() -> None:
    response = await engine(Saying(), None, None).execute(GraphQLRequest("{ thing { name } }"))

    assert response.cache_policy is None
