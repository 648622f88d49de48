"""A REST API over a small graph in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from graphql import ExecutionResult, GraphQLError, build_schema, execute, parse

from router.composition import Composed, Subgraph, compose
from router.config_file import parse_settings
from router.execution.engine import Engine
from router.execution.settings import EngineSettings
from router.execution.transports.in_process import InProcessTransport
from router.server.app import create_router_app
from router.supergraph import Supergraph, load_supergraph

SDL = """
  scalar Decimal
  enum Colour { RED GREEN }
  input Bounds { min: Decimal max: Decimal unit: String }
  input Draft { name: String! tags: [String!] colour: Colour = RED }
  interface UserError { code: String! message: String! }
  type Refusal implements UserError { code: String! message: String! }
  type Lamp { id: ID! name: String! weight: Int broken: String! colour: Colour! }
  type Lamps { total: Int! items: [Lamp!]! }
  type Payload { lamp: Lamp errors: [UserError!]! }
  type Query {
    lamp(id: ID!, on: Boolean): Lamp
    lamps(words: String!, colours: [Colour!], limit: Int, weight: Bounds, rate: Float): Lamps!
    failing(code: String!): Lamp
  }
  type Mutation { make(draft: Draft!, key: String): Payload! turn(id: ID!, on: Boolean!, level: Int = 3): Payload! }
"""

ROUTES = """
title: Lamps
scalars: {Decimal: {type: string}}
statuses: {DUPLICATE: 409}
fragments: "fragment Lamp on Lamp { id name weight colour }"
routes:
  - route: GET /lamps/search
    summary: Lamps that fit
    answer: lamps
    query:
      q: words
      colour: colours
      limit: limit
      rate: rate
      weight: {variable: weight, minimum: min, maximum: max, others: {unit: unit}}
      unit: unit
    operation: |
      query Search(
        $words: String!, $colours: [Colour!], $limit: Int, $rate: Float, $weight: Bounds, $unit: String = "g"
      ) {
        lamps(words: $words, colours: $colours, limit: $limit, rate: $rate, weight: $weight) {
          total items { ...Lamp name @include(if: true) }
        }
        unused: lamps(words: $unit) { total }
      }
  - route: GET /lamps/{id}
    answer: lamp
    operation: "query One($id: ID!, $on: Boolean) { lamp(id: $id, on: $on) { ...Lamp } }"
  - route: POST /lamps
    answer: make.lamp
    body: draft
    roles: [admin]
    headers: {Idempotency-Key: key}
    success: 201
    location: /lamps/{id}
    operation: |
      mutation Make($draft: Draft!, $key: String) {
        make(draft: $draft, key: $key) { lamp { ...Lamp } errors { code message } }
      }
  - route: PUT /lamps/{lamp}/switch
    answer: turn.lamp
    path: {lamp: id}
    authenticated: true
    operation: |
      mutation Turn($id: ID!, $on: Boolean!, $level: Int = 3) {
        turn(id: $id, on: $on, level: $level) { lamp { id } errors { code message } }
      }
  - route: POST /open/{id}
    answer: turn
    operation: "mutation Open($id: ID!) { turn(id: $id, on: true) { lamp { id } errors { code message } } }"
  - route: GET /failing/{code}
    answer: failing
    operation: "query Failing($code: String!) { failing(code: $code) { id broken } }"
"""


class Lamps:
    """Answers operations on the small graph, and remembers the arguments it was given."""

    def __init__(self) -> None:
        self.schema = build_schema(SDL)
        self.asked: list[dict[str, Any]] = []
        self.headers: dict[str, str] = {}
        for name in ("Query", "Mutation"):
            for field, definition in self.schema.type_map[name].fields.items():
                definition.resolve = getattr(self, field)
        self.schema.type_map["UserError"].resolve_type = lambda *_: "Refusal"
        self.schema.type_map["Lamp"].fields["broken"].resolve = self._broken

    async def __call__(
        self, query: str, variables: Mapping[str, Any], name: str | None, *, headers: Any, context: Any
    ) -> Any:
        self.headers = dict(headers)
        result = execute(self.schema, parse(query), variable_values=dict(variables), operation_name=name)
        assert isinstance(result, ExecutionResult)
        return result.formatted

    def _made(self, arguments: dict[str, Any], lamp: dict[str, Any] | None, code: str | None = None) -> Any:
        self.asked.append(arguments)
        errors = [{"code": code, "message": f"It is {code}."}] if code else []
        return {"lamp": None if code else lamp, "errors": errors}

    def _broken(self, *_: Any) -> str:
        raise GraphQLError("Broken.", extensions={"code": "TEAPOT"})

    def lamp(self, _: Any, __: Any, **arguments: Any) -> Any:
        self.asked.append(arguments)
        return None if arguments["id"] == "none" else {"id": arguments["id"], "name": "Lamp", "colour": "RED"}

    def lamps(self, _: Any, __: Any, **arguments: Any) -> Any:
        self.asked.append(arguments)
        return {"total": 1, "items": [{"id": "1", "name": "Lamp", "weight": 5, "colour": "GREEN"}]}

    def make(self, _: Any, __: Any, **arguments: Any) -> Any:
        name = arguments["draft"]["name"]
        code = name if name.isupper() else None
        return self._made(arguments, {"id": "a b/é", "name": name, "colour": "RED"}, code)

    def turn(self, _: Any, __: Any, **arguments: Any) -> Any:
        return self._made(arguments, {"id": arguments["id"]}, "OFF" if arguments["id"] == "off" else None)

    def failing(self, _: Any, __: Any, code: str) -> Any:
        if code == "partly":
            return {"id": "1"}
        raise GraphQLError("It fails.", extensions={"code": code})


@pytest.fixture
def lamps() -> Lamps:
    return Lamps()


@cache
def supergraph() -> Supergraph:
    composed = compose([Subgraph("lamps", SDL, "http://lamps")])
    assert isinstance(composed, Composed), composed
    return load_supergraph(composed.supergraph_sdl)


Serve = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def serve(lamps: Lamps, tmp_path: Path) -> AsyncIterator[Serve]:
    """Serve routes over the small graph; the value is a client."""
    settings = EngineSettings(share_requests=False)  # as the router has it, which shares at its doors
    engine = Engine(supergraph(), {"lamps": InProcessTransport(lamps)}, settings)
    clients: list[httpx.AsyncClient] = []

    def client(routes: str = ROUTES, settings: str = "", **trust: Any) -> httpx.AsyncClient:
        (tmp_path / "routes.yaml").write_text(routes)
        tree = yaml.safe_load(settings) or {}
        tree["rest"] = {"routes": str(tmp_path / "routes.yaml"), **tree.get("rest", {})}
        app = create_router_app(engine, parse_settings(yaml.safe_dump(tree), environment={}), **trust)
        clients.append(httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://router"))
        return clients[-1]

    yield client
    for each in clients:
        await each.aclose()
