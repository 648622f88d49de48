"""How one can move through the subgraphs while answering a query.

A position is a type in a subgraph. From there fields lead on inside the subgraph, and keys lead to the same object in
others. What a key or ``@requires`` selects may itself need moves, so the two are worked out together:

* ``reach(p)`` grows from ``{p}`` by every key whose fields can be read from what is reached, until nothing is new;
* ``advance`` takes a field from all that is reached; ``can_read`` follows a selection, field by field.

Where a question comes back to itself, the answer so far is taken: growing only adds, so that is never too much. Answers
that rest on such a provisional one are not kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from router.composition.satisfiability.graph import FieldEdge, KeyEdge, SubgraphGraph
from router.sdl.field_sets import FieldSet, On, Select


class Position(NamedTuple):
    """A type in a subgraph.

    ``actual`` is the object type where ``type`` is an interface object; ``provided`` is what ``@provides`` adds here.
    """

    graph: int
    type: str
    actual: str = ""
    provided: FieldSet = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """What holds along a query: progressive overrides that are decided, contexts that are set."""

    labels: frozenset[tuple[str, bool]] = frozenset()
    contexts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Holders:
    """Positions by the fields they declare; abstract ones may have any field through their implementations."""

    by_field: dict[str, list[Position]]
    abstract: list[Position]

    @classmethod
    def of(cls, graph: SubgraphGraph, positions: Iterable[Position]) -> _Holders:
        """Sort positions by field."""
        found = cls({}, [])
        for it in positions:
            if graph.is_abstract(it.graph, it.type):
                found.abstract.append(it)
                continue
            for name in graph.fields[it.graph].get(it.type, ()):
                found.by_field.setdefault(name, []).append(it)
        return found

    def having(self, name: str) -> Iterable[Position]:
        """Return the positions where a field may be."""
        return (*self.by_field.get(name, ()), *self.abstract)


class Moves:
    """Answers where one can get, in one situation."""

    def __init__(self, graph: SubgraphGraph, situation: Situation) -> None:
        self.graph = graph
        self.situation = situation
        self._reached: dict[Position, list[Position]] = {}
        self._open: dict[Position, list[Position]] = {}
        self._is_provisional = False
        self._held: dict[tuple[Position, ...], _Holders] = {}
        self._asked: set[tuple[Position, str]] = set()

    def advance(self, positions: Iterable[Position], name: str) -> list[Position]:
        """Return where a field leads from any of some positions, by any way."""
        found: dict[Position, None] = {}
        for there in self._holders(tuple(positions)).having(name):
            found |= dict.fromkeys(self.follow(there, name))
        return list(found)

    def _holders(self, positions: tuple[Position, ...]) -> _Holders:
        """Return what is reached from some positions, by field; remembered, as all fields are asked in turn."""
        known = self._held.get(positions)
        if known is None:
            reached = dict.fromkeys(there for it in positions for there in self.reach(it))
            known = _Holders.of(self.graph, reached)
            if not self._open:
                self._held[positions] = known
        return known

    def reach(self, start: Position) -> list[Position]:
        """Return all positions of the same object that keys lead to, the start among them."""
        known = self._reached.get(start)
        if known is not None:
            return known
        if start in self._open:
            self._is_provisional = True
            return self._open[start]
        outer, self._is_provisional = self._is_provisional, False
        reached = self._open[start] = [start]
        self._grow(start, reached)
        del self._open[start]
        if not self._is_provisional or not self._open:
            self._reached[start] = reached
        self._is_provisional = (outer or self._is_provisional) and bool(self._open)
        return reached

    def _grow(self, start: Position, reached: list[Position]) -> None:
        root = self.graph.merge.merged.root_kind(start.type)
        if root is not None:
            reached += [
                Position(index, start.type)
                for index, subgraph in enumerate(self.graph.merge.subgraphs)
                if index != start.graph and subgraph.schema.roots.get(root) == start.type
            ]
            return
        pending = self._ways_from(start)
        known, types = set(reached), {start.type}
        is_growing = bool(pending)
        while is_growing:
            is_growing = False
            for edge in list(pending):
                there = self._enter(edge, start)
                if there is None or there in known:
                    pending.remove(edge)
                elif self._can_read_any(reached, edge.key):
                    pending.remove(edge)
                    reached.append(there)
                    known.add(there)
                    if there.type not in types:
                        types.add(there.type)
                        pending += [it for it in self._ways_from(there) if it not in pending]
                    is_growing = True

    def _ways_from(self, start: Position) -> list[KeyEdge]:
        """Return the keys that may lead on: from an interface object only those of the interface."""
        if start.type in self.graph.interface_objects[start.graph]:
            return list(self.graph.keys.get(start.type, ()))
        return self.graph.keys_into(start.type)

    def _enter(self, edge: KeyEdge, start: Position) -> Position | None:
        """Return the position that a key leads to, which must be one that the object can have."""
        actual = start.actual or start.type
        if edge.type == actual:
            return Position(edge.graph, edge.type)
        if edge.type in self.graph.interface_objects[edge.graph]:
            return Position(edge.graph, edge.type, "" if actual == edge.type else actual)
        if actual in self.graph.possible(edge.graph, edge.type):
            return Position(edge.graph, actual)
        return Position(edge.graph, edge.type) if start.type == edge.type and not start.actual else None

    def follow(self, position: Position, name: str) -> list[Position]:
        """Return where a field leads inside the subgraph of a position."""
        if self.graph.is_abstract(position.graph, position.type):
            return self._follow_abstract(position, name)
        edge = self.graph.fields[position.graph].get(position.type, {}).get(name)
        if edge is None or self.obstacle(position, edge, name) is not None:
            return []
        return [Position(position.graph, edge.target, "", _below(position.provided, name) + edge.provides)]

    def obstacle(self, position: Position, edge: FieldEdge, name: str) -> str | None:
        """Say what keeps a declared field from being resolved at a position, or nothing."""
        if edge.is_overridden:
            return "it is overridden"
        if edge.is_external and not any(isinstance(it, Select) and it.name == name for it in position.provided):
            return "it is @external there"
        if edge.label is not None and edge.label not in self.situation.labels:
            return f'its override label "{edge.label[0]}" is decided otherwise'
        missing = edge.contexts - self.situation.contexts
        if missing:
            return f'its context "{min(missing).rpartition("__")[2]}" is not set above'
        if edge.requires and not self._can_require(position, edge, name):
            return "what it @requires cannot be read"
        return None

    def _can_require(self, position: Position, edge: FieldEdge, name: str) -> bool:
        """Tell whether what a field requires can be read; not if that takes the field itself."""
        question = (position, name)
        if question in self._asked:
            self._is_provisional = True
            return False
        self._asked.add(question)
        answer = self._can_read_any(self.reach(position), edge.requires)
        self._asked.discard(question)
        return answer

    def _follow_abstract(self, position: Position, name: str) -> list[Position]:
        """Follow a field of an interface: at once if all implementations resolve it, else through each of them."""
        graph, fields = self.graph, self.graph.fields[position.graph]
        edge = fields.get(position.type, {}).get(name)
        possible = graph.possible(position.graph, position.type)
        if (
            edge is not None
            and not edge.is_external
            and all(_is_plain(fields.get(it, {}).get(name)) for it in possible)
        ):
            return [Position(position.graph, edge.target, "", _below(position.provided, name) + edge.provides)]
        found: list[Position] = []
        for it in possible:
            options = self.advance(self.cast(position, it), name)
            if not options:
                return []
            found += options
        return found

    def cast(self, position: Position, name: str) -> list[Position]:
        """Return a position as that of a narrower type; nothing if the subgraph never has that type there."""
        if name in (position.type, position.actual):
            return [position]
        if position.type in self.graph.interface_objects[position.graph]:
            if position.actual or not self.knows_actual_type(position):
                return []
            return [Position(position.graph, position.type, name, position.provided)]
        if name in self.graph.possible(position.graph, position.type):
            return [Position(position.graph, name, "", _on(position.provided, name))]
        wider = set(self.graph.possible(position.graph, name)) & set(self.graph.possible(position.graph, position.type))
        return [Position(position.graph, it, "", _on(position.provided, it)) for it in sorted(wider)]

    def knows_actual_type(self, position: Position) -> bool:
        """Tell whether the actual type behind an interface object can be asked somewhere."""
        return any(it.type not in self.graph.interface_objects[it.graph] for it in self.reach(position))

    def can_read(self, positions: list[Position], selection: FieldSet) -> bool:
        """Tell whether a selection can be read from any of some positions of different objects."""
        return all(self._can_read_one(positions, it) for it in selection)

    def _can_read_one(self, positions: list[Position], it: Select | On) -> bool:
        if isinstance(it, On):
            narrowed = [there for position in positions for there in self.cast(position, it.type or position.type)]
            return not narrowed or self.can_read(narrowed, it.below)
        if it.name == "__typename":
            return True
        found = self.advance(positions, it.name)
        return bool(found) and self.can_read(found, it.below)

    def _can_read_any(self, reached: list[Position], selection: FieldSet) -> bool:
        """Tell whether a selection can be read from positions of one object, without further moves of that object."""
        for it in selection:
            if isinstance(it, On):
                narrowed = [there for position in reached for there in self.cast(position, it.type or position.type)]
                if narrowed and not self._can_read_any(narrowed, it.below):
                    return False
            elif it.name != "__typename":
                found = [there for position in reached for there in self.follow(position, it.name)]
                if not found or not self.can_read(found, it.below):
                    return False
        return True


def _is_plain(edge: FieldEdge | None) -> bool:
    return edge is not None and not edge.is_external and not edge.requires and not edge.is_overridden


def _below(provided: FieldSet, name: str) -> FieldSet:
    return tuple(inner for it in provided if isinstance(it, Select) and it.name == name for inner in it.below)


def _on(provided: FieldSet, name: str) -> FieldSet:
    """Return what is provided on an object type: what is provided in any case, and under its own condition."""
    return tuple(
        inner
        for it in provided
        for inner in ((it.below if it.type in (None, name) else ()) if isinstance(it, On) else (it,))
    )
