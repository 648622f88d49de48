"""Fragments on interfaces in place of equal fragments on all of their types.

Selections in normal form name object types only. Where a subgraph has an interface for just those types that are asked
the same, one fragment on it says it all; without it, nested fragments would multiply.
"""

from __future__ import annotations

from collections.abc import Iterator

from router.planner.graph import Graph, Node
from router.planner.selection import Group, Selection
from router.planner.walk import Walker


class Bundles:
    """Finds the fragments for one planning."""

    def __init__(self, graph: Graph, walker: Walker) -> None:
        self._graph = graph
        self._walker = walker
        self._known: dict[tuple[int, int], tuple[tuple[Node, Selection], ...]] = {}

    def fragments(self, node: Node, selection: Selection) -> tuple[tuple[Node, Selection], ...]:
        """Return the nodes whose fragments ask for a selection's groups, for a selection that is complete at a node."""
        key = (node.id, id(selection))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = tuple(self._find(node, selection))
        return known

    def _find(self, node: Node, selection: Selection) -> Iterator[tuple[Node, Selection]]:
        alike: dict[object, list[Group]] = {}
        for group in selection.groups:
            if group.type in node.possible:
                asked = (
                    (field.key, field.name, field.arguments, id(field.selection)) for field in group.selection.fields
                )
                alike.setdefault(tuple(asked), []).append(group)
        for groups in alike.values():
            interface = self._interface(node, groups) if len(groups) > 1 else None
            if interface is not None:
                yield interface, groups[0].selection
                continue
            for group in groups:
                inner = self._graph.narrow(node, group.type)
                if inner is not None:
                    yield inner, group.selection

    def _interface(self, node: Node, groups: list[Group]) -> Node | None:
        """Return the interface that stands for the types of some groups among those possible at a node."""
        if node.view is not None:
            return None
        types = frozenset(group.type for group in groups)
        interfaces = self._graph.supergraph.types[groups[0].type].interfaces.get(node.subgraph, frozenset())
        for name in sorted(interfaces):
            interface = self._graph.node(name, node.subgraph)
            if interface.possible & node.possible == types and self._walker.is_complete(interface, groups[0].selection):
                return interface
        return None
