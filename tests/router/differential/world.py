"""A supergraph with its universe: the same request to the monolith, and through the planner to the subgraphs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from router.composition import Composed, compose
from router.composition import Subgraph as Schema
from router.execution import Engine, GraphQLRequest, RequestContext
from router.execution.transports.in_process import InProcessTransport
from router.planner import Planner
from router.supergraph import load_supergraph
from tests.router.differential.deferring import Merging, deferring, merged_2022, streaming
from tests.router.differential.federations import make_federation
from tests.router.differential.operations import make_operation
from tests.router.differential.subgraph import Subgraph
from tests.router.differential.universe import Monolith, Universe

SCHEMAS = Path(__file__).parent / "schemas"
Interpret = Callable[..., dict[str, Any]]


class World:
    """A supergraph composed from some schemas, over a universe."""

    def __init__(self, schemas: Mapping[str, str], supergraph: str | None = None) -> None:
        if supergraph is None:
            result = composition(schemas)
            assert isinstance(result, Composed), result
            supergraph = result.supergraph_sdl
        self.supergraph = load_supergraph(supergraph)
        self.planner = Planner(self.supergraph)
        self.universe = Universe(self.supergraph)
        self.monolith = Monolith(self.universe)
        self.subgraphs = {name: Subgraph(name, sdl, self.universe) for name, sdl in schemas.items()}
        transports = {name: in_process(subgraph) for name, subgraph in self.subgraphs.items()}
        self.engine = Engine(self.supergraph, transports, planner=self.planner)

    def send(self, name: str, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        """Ask a subgraph."""
        return self.subgraphs[name].execute(document, variables)

    def difference(self, seed: int, interpret: Interpret) -> str | None:
        """Send a random operation both ways, and say how the answers differ."""
        query, variables, expected = self.asked(seed)
        labels = self.universe.labels
        received = interpret(self.supergraph, self.planner, self.send, query, variables, labels=labels)
        return compared(seed, query, variables, expected, received)

    async def engine_difference(self, seed: int) -> str | None:
        """Send a random operation to the monolith and through the compiled engine; the order of keys counts too."""
        query, variables, expected = self.asked(seed)
        context = RequestContext(labels=self.universe.labels)
        response = await self.engine.execute(GraphQLRequest(query, variables), context)
        return compared(seed, query, variables, json.dumps(expected), json.dumps(response.as_dict()))

    async def deferred_difference(self, seed: int) -> str | None:
        """Put parts of a random operation off; what comes adds up to the monolith's answer, in either format."""
        query, variables, expected = self.asked(seed)
        return await self.difference_in_parts(seed, deferring(query, seed), variables, expected)

    async def streamed_difference(self, seed: int) -> str | None:
        """Ask for some lists bit by bit, and for every other operation put fragments off besides."""
        query, variables, expected = self.asked(seed)
        streamed = streaming(self.supergraph.api_schema, query, seed)
        return await self.difference_in_parts(
            seed, deferring(streamed, seed) if seed % 2 else streamed, variables, expected
        )

    async def difference_in_parts(
        self, seed: int, query: str, variables: dict[str, Any], expected: dict[str, Any]
    ) -> str | None:
        """Put an answer that comes in parts together, and say how it differs from what is expected."""
        context = RequestContext(labels=self.universe.labels)
        merging = Merging()
        payloads = []
        async for payload in self.engine.execute_incremental(GraphQLRequest(query, variables), context):
            payloads.append(payload)
            merging.take(json.loads(json.dumps(payload.as_dict())))
        received = {"data": merging.data} | ({"errors": merging.errors} if merging.errors else {})
        difference = compared(seed, query, variables, expected, received)
        if difference is None and not merging.is_over:
            return f"seed {seed}: no end\n{query}"
        return difference or compared(seed, query, variables, expected["data"], merged_2022(payloads))

    def asked(self, seed: int) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Return the operation of a seed with its variables and the monolith's answer."""
        query, variables = make_operation(self.supergraph.api_schema, seed)
        self.universe.labels = self.planner.override_labels if seed % 2 else frozenset()
        return query, variables, self.monolith.execute(query, variables)


def compared(seed: int, query: str, variables: dict[str, Any], expected: Any, received: Any) -> str | None:
    """Say how two answers differ."""
    if received == expected:
        return None
    return f"seed {seed}\n{query}\n{variables}\nexpected {expected}\nreceived {received}"


def in_process(subgraph: Subgraph) -> InProcessTransport:
    """Lead to a subgraph without a wire."""

    async def execute(query: str, variables: Any, _operation_name: Any, **_context: Any) -> dict[str, Any]:
        return subgraph.execute(query, variables or {})

    return InProcessTransport(execute)


def composition(schemas: Mapping[str, str]) -> Any:
    """Compose schemas; the outcome may be a failure."""
    return compose([Schema(name, sdl, f"http://{name}") for name, sdl in schemas.items()])


def random_world(seed: int) -> World | None:
    """Return a world over a random federation, None if its schemas do not compose."""
    schemas = make_federation(seed)
    result = composition(schemas)
    return World(schemas, result.supergraph_sdl) if isinstance(result, Composed) else None


@cache
def world(name: str) -> World:
    """Return one of the own worlds."""
    return World({path.stem: path.read_text() for path in sorted((SCHEMAS / name).glob("*.graphql"))})
