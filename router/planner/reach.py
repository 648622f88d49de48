"""How each field can be reached from each node, and at what cost; known for a schema, whatever the operation.

A field is taken where one stands, or after a jump into another subgraph. A jump needs its key (and what the field
requires) to be fetched first, for which other jumps may be needed in turn. The cheapest way of all these is the least
solution of mutually dependent equations, found by starting from "impossible" and improving until nothing changes.
Ways that would need themselves never become possible, so no search needs to look out for circles, and what a jump
needs always costs less than the jump.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from router.planner.graph import Edge, Entry, Graph, Node, NodeKind
from router.planner.selection import TYPENAME, Field, Selection, merged
from router.supergraph import ContextArgument

JUMP_COST = 1000
FIELD_COST = 1


@dataclass(frozen=True, slots=True, eq=False)
class Jump:
    """A request for the same object to another subgraph, or to the same one with more in hand.

    `needs` is what must be known of the object: the key and what is required; None for root types. `contexts` are the
    arguments that enclosing objects fill.
    """

    entry: Entry
    needs: Selection | None
    cost: float
    contexts: tuple[ContextArgument, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """One way to a field: the jump, if one is needed, and the field's edge."""

    jump: Jump | None
    edge: Edge
    cost: float


_Goal = tuple[int, int, int, int]


class Reach:
    """Answers for one graph; everything is worked out once."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._options: dict[tuple[int, str], tuple[Option, ...]] = {}
        self._owners: dict[tuple[int, str], tuple[tuple[Node, Edge], ...]] = {}
        self._jumps: dict[_Goal, Jump | None] = {}
        self._costs: dict[_Goal, float] = {}
        self._open: list[_Goal] = []
        self._goals: dict[_Goal, tuple[Node, Node, Edge | None]] = {}
        self._needs: dict[tuple[int, int], Selection] = {}

    def options(self, node: Node, name: str) -> tuple[Option, ...]:
        """Return the ways to a field from a node, at most one for each subgraph, the cheapest first."""
        key = (node.id, name)
        options = self._options.get(key)
        if options is None:
            options = self._options[key] = self._find_options(node, name)
        return options

    def _find_options(self, node: Node, name: str) -> tuple[Option, ...]:
        direct = self.graph.edge(node, name)
        found = []
        if direct is not None and direct.is_free:
            found.append(Option(None, direct, FIELD_COST))
            if direct.target is None:
                return tuple(found)
        for target, edge in self._elsewhere(node, name):
            if direct is not None and direct.is_free and target.subgraph == node.subgraph:
                continue
            jump = self.jump(node, target, edge)
            if jump is not None:
                found.append(Option(jump, edge, jump.cost + FIELD_COST))
        return tuple(sorted(found, key=lambda option: option.cost))

    def targets(self, node: Node) -> tuple[Node, ...]:
        """Return the nodes that some entry leads to from a node."""
        return tuple(dict.fromkeys(entry.target for entry in self.graph.entries(node)))

    def _elsewhere(self, node: Node, name: str) -> tuple[tuple[Node, Edge], ...]:
        """Return the nodes that have a field, among those that some entry leads to, with its edge there."""
        key = (node.id, name)
        found = self._owners.get(key)
        if found is None:
            pairs = ((target, self.graph.edge(target, name)) for target in self.targets(node))
            found = self._owners[key] = tuple((target, edge) for target, edge in pairs if edge is not None)
        return found

    def jump_to(self, node: Node, target: Node) -> Jump | None:
        """Return the cheapest jump to a target if any entry leads there."""
        return self.jump(node, target) if target in self.targets(node) else None

    def jump(self, node: Node, target: Node, edge: Edge | None = None) -> Jump | None:
        """Return the cheapest jump from a node to a target, with what a field there needs, None if there is none."""
        goal = self._goal(node, target, edge)
        self._solve()
        if goal not in self._jumps:
            self._jumps[goal] = self._make_jump(goal)
        return self._jumps[goal]

    def obstacles(self, node: Node, name: str) -> list[str]:
        """Say of each subgraph that has a field why it cannot be asked for it from a node."""
        type_ = self.graph.supergraph.types[node.type]
        owners = type_.fields[name].subgraphs if name in type_.fields else {}
        reasons = []
        for entry in self.graph.entries(node):
            edge = self.graph.edge(entry.target, name)
            if edge is not None:
                needs = self._merged(entry.key, edge.requires)
                missing = " ".join(
                    field.name for field in (needs.fields if needs else ()) if not self._has(node, field)
                )
                reasons.append(f'{entry.target.subgraph} needs "{missing}", which cannot be fetched from {node}')
        entered = {entry.target.subgraph for entry in self.graph.entries(node)}
        return reasons + [
            f"{owner} has no key to enter {node.type} by" for owner in owners if owner not in entered | {node.subgraph}
        ]

    def _has(self, node: Node, field: Field) -> bool:
        return self._field_cost(node, field) < math.inf

    def _make_jump(self, goal: _Goal) -> Jump | None:
        node, target, edge = self._goals[goal]
        cost = self._costs[goal]
        if cost == math.inf:
            return None
        entries = (entry for entry in self.graph.entries(node) if entry.target is target)
        entry = min(entries, key=lambda entry: self._need_cost(node, entry.key))
        if edge is None:
            return Jump(entry, entry.key, cost)
        return Jump(entry, self._merged(entry.key, edge.requires), cost, edge.contexts)

    def _merged(self, key: Selection | None, requires: Selection | None) -> Selection | None:
        if key is None or requires is None:
            return key or requires
        pair = (id(key), id(requires))
        if pair not in self._needs:
            self._needs[pair] = merged(key, requires)
        return self._needs[pair]

    def _goal(self, node: Node, target: Node, edge: Edge | None) -> _Goal:
        """Return the key of a jump; fields that need the same share it."""
        if edge is None or edge.is_free:
            goal = (node.id, target.id, 0, 0)
        else:
            goal = (node.id, target.id, id(edge.requires), id(edge.contexts) if edge.contexts else 0)
        if goal not in self._goals:
            self._goals[goal] = (node, target, edge)
            self._costs[goal] = math.inf
            self._open.append(goal)
        return goal

    def _solve(self) -> None:
        """Improve the costs of the open goals, and of all that they bring up, until they stand still."""
        changed = True
        while changed and self._open:
            changed = False
            known = len(self._open)
            for open_goal in self._open[:]:
                cost = self._jump_cost(open_goal)
                if cost < self._costs[open_goal]:
                    self._costs[open_goal] = cost
                    changed = True
            changed = changed or len(self._open) > known
        self._open.clear()

    def _jump_cost(self, goal: _Goal) -> float:
        node, target, edge = self._goals[goal]
        keys = (entry.key for entry in self.graph.entries(node) if entry.target is target)
        required = self._need_cost(node, None if edge is None else edge.requires)
        return JUMP_COST + min(self._need_cost(node, key) for key in keys) + required

    def _need_cost(self, node: Node, selection: Selection | None) -> float:
        """Return what it costs at present to fetch a selection at a node."""
        if selection is None:
            return 0
        cost = 0.0
        for field in selection.fields:
            cost += self._field_cost(node, field)
            if cost == math.inf:
                return cost
        for group in selection.groups:
            inner = self.graph.narrow(node, group.type)
            if inner is not None:
                cost += self._need_cost(inner, group.selection) + self._typename_cost(node)
        return cost

    def _typename_cost(self, node: Node) -> float:
        if node.kind is NodeKind.INTERFACE_OBJECT:
            return self._field_cost(node, Field(TYPENAME, TYPENAME))
        return FIELD_COST

    def _field_cost(self, node: Node, field: Field) -> float:
        direct = self.graph.edge(node, field.name)
        best = math.inf
        if direct is not None and direct.is_free:
            best = FIELD_COST + self._inner_cost(direct, field)
            if best < JUMP_COST:
                return best
        for target, edge in self._elsewhere(node, field.name):
            jump = self._costs[self._goal(node, target, edge)]
            if jump < best:
                best = min(best, jump + FIELD_COST + self._inner_cost(edge, field))
        if best == math.inf and node.is_abstract and node.possible:
            return self._expanded_cost(node, field)
        return best

    def _inner_cost(self, edge: Edge, field: Field) -> float:
        return 0 if edge.target is None else self._need_cost(edge.target, field.selection)

    def _expanded_cost(self, node: Node, field: Field) -> float:
        inner = (self.graph.narrow(node, name) for name in sorted(node.possible))
        return sum((self._field_cost(node, field) for node in inner if node is not None), FIELD_COST)
