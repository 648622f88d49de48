"""Engines over subgraphs that make up their answers, and that write down what they were asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    ListTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeNode,
    parse,
)

from router.cache.store import Store
from router.composition import Composed, Subgraph, compose
from router.config_file import parse_settings
from router.execution import Engine, EngineSettings, GraphQLRequest, GraphQLResponse
from router.execution.exchange import RequestContext
from router.execution.transports import SubgraphRequest, SubgraphResponse
from router.policy.gate import policy_gate
from router.policy.identity import ANONYMOUS, Identity
from router.server.ways import cached
from router.supergraph import Supergraph, load_supergraph

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@external", "@requires", '
    '"@shareable", "@interfaceObject", "@authenticated", "@requiresScopes", "@policy", "@cost", "@listSize"])\n'
)
LEAVES: Mapping[str, Any] = {"ID": "1", "Int": 7, "Float": 1.5, "Boolean": True}


@dataclass
class World:
    """Some subgraphs behind an engine with the gate of some settings."""

    supergraph: Supergraph
    engine: Engine
    asked: list[tuple[str, str]] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    """How many items the lists of a field have, where not two."""

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        self.asked.append((request.operation.subgraph, request.operation.document))
        (operation,) = (
            each for each in parse(request.operation.document).definitions if isinstance(each, OperationDefinitionNode)
        )
        root = self.supergraph.roots[operation.operation.value]
        return SubgraphResponse(decoded={"data": self._object(root, operation.selection_set, request.variables)})

    def _object(self, name: str, selections: SelectionSetNode, variables: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for node in selections.selections:
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                made[key] = self._field(name, node, variables)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition.name.value if node.type_condition else name
                if name in self.supergraph.possible_types(condition):
                    made |= self._object(name, node.selection_set, variables)
            else:
                assert not isinstance(node, FragmentSpreadNode)
        return made

    def _field(self, owner: str, node: FieldNode, variables: Mapping[str, Any]) -> Any:
        if node.name.value == "__typename":
            return owner
        if node.name.value == "_entities":
            sent = variables[node.arguments[0].value.name.value]  # type: ignore[union-attr]
            return [self._object(each["__typename"], node.selection_set or SelectionSetNode(), {}) for each in sent]
        return self._value(self.supergraph.types[owner].fields[node.name.value].type, node, variables)

    def _value(self, kind: TypeNode, node: FieldNode, variables: Mapping[str, Any]) -> Any:
        if isinstance(kind, NonNullTypeNode):
            return self._value(kind.type, node, variables)
        if isinstance(kind, ListTypeNode):
            return [self._value(kind.type, node, variables) for _ in range(self.sizes.get(node.name.value, 2))]
        name = kind.name.value  # type: ignore[attr-defined]
        if node.selection_set is None:
            return LEAVES.get(name, f"some {node.name.value}")
        return self._object(self.supergraph.possible_types(name)[0], node.selection_set, variables)

    async def run(
        self,
        query: str,
        caller: Identity = ANONYMOUS,
        variables: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> GraphQLResponse:
        self.asked.clear()
        context = RequestContext(identity=caller.facts, value=caller)
        return await self.engine.execute(GraphQLRequest(query, variables, name), context)

    @property
    def documents(self) -> str:
        """Everything that subgraphs were asked by the last request."""
        return "\n".join(document for _, document in self.asked)


class MakeWorld:
    """Makes worlds of subgraphs and settings."""

    def __call__(self, *subgraphs: str, yaml: str = "", kept: Store | None = None) -> World:
        named = [Subgraph(f"s{index}", LINK + sdl, f"http://s{index}") for index, sdl in enumerate(subgraphs)]
        composed = compose(named)
        assert isinstance(composed, Composed), [str(each) for each in composed]
        supergraph = load_supergraph(composed.supergraph_sdl)
        gate = policy_gate(supergraph, parse_settings(yaml, environment={}))
        world: World
        ways = {name: _Late(lambda request: world.send(request)) for name in supergraph.subgraphs}  # noqa: PLW0108 - made later
        engine = Engine(supergraph, cached(ways, supergraph, kept), EngineSettings(recall=False), gate=gate)
        world = World(supergraph, engine)
        return world


class _Late:
    """A transport that is known only later."""

    def __init__(self, send: Any) -> None:
        self.send = send


@pytest.fixture
def make_world() -> MakeWorld:
    return MakeWorld()


@pytest.fixture
def user() -> Identity:
    """Somebody known, without scopes."""
    return Identity(id="usr_1", kind="customer")


def holder(*scopes: str) -> Identity:
    """Somebody known who holds scopes."""
    return Identity(id="usr_2", kind="customer", scopes=frozenset(scopes))
