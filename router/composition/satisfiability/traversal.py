"""Goes through all that clients can ask, breadth first, so that the first query found to fail is a shortest one.

A state is a type that clients see and the positions where its object can be. What was shown to hold from fewer
positions holds from more, so a state is passed over if one with a part of its positions was visited.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from router.composition.api_schema import api_schema
from router.composition.merging import Merge
from router.composition.reporting import Site
from router.composition.satisfiability.explanation import explain
from router.composition.satisfiability.graph import build_graph
from router.composition.satisfiability.moves import Moves, Position, Situation
from router.composition.satisfiability.runtime_types import check_runtime_types
from router.composition.satisfiability.witness import Step, operation_for
from router.sdl.model import COMPOSITE, Kind, Schema, TypeDef
from router.sdl.type_refs import named

CODE = "SATISFIABILITY_ERROR"


@dataclass(frozen=True, slots=True)
class State:
    """A type that clients have come to by some steps, and the positions where its object can be."""

    type: str
    positions: tuple[Position, ...]
    situation: Situation = field(default_factory=Situation)
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A field that cannot be resolved, and the words for it."""

    coordinate: str
    message: str


@dataclass(slots=True)
class Traversal:
    """One walk through the supergraph."""

    merge: Merge
    api: Schema
    moves: dict[Situation, Moves]
    contexts: dict[str, frozenset[str]]
    labels: dict[tuple[str, str], str]
    failures: list[Failure] = field(default_factory=list)
    visited: dict[tuple[str, Situation], list[frozenset[Position]]] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

    def walk(self, start: State) -> None:
        """Visit all states that can be reached from one."""
        queue = deque([start])
        while queue:
            state = queue.popleft()
            if self.is_new(state):
                queue.extend(self.next_states(state))

    def moves_in(self, situation: Situation) -> Moves:
        """Return the moves of a situation."""
        if situation not in self.moves:
            self.moves[situation] = Moves(next(iter(self.moves.values())).graph, situation)
        return self.moves[situation]

    def is_new(self, state: State) -> bool:
        """Tell whether a state shows anything that earlier ones did not, and remember it."""
        seen = self.visited.setdefault((state.type, state.situation), [])
        positions = frozenset(state.positions)
        if any(it <= positions for it in seen):
            return False
        seen.append(positions)
        return True

    def next_states(self, state: State) -> Iterator[State]:
        """Yield the states one step further, reporting the steps that cannot be taken."""
        type_def = self.api.types[state.type]
        if type_def.kind is Kind.OBJECT:
            yield from self.fields_of(state, type_def)
        else:
            for name in self.api.possible_types(state.type):
                yield from self.narrowed(state, name)

    def narrowed(self, state: State, name: str) -> Iterator[State]:
        """Narrow a state to an object type, unless some subgraph rules that type out."""
        moves = self.moves_in(state.situation)
        positions: dict[Position, None] = {}
        for it in state.positions:
            options = moves.cast(it, name)
            if not options and it.type not in moves.graph.interface_objects[it.graph]:
                return
            positions |= dict.fromkeys(options)
        step = Step(name, is_condition=True)
        narrowed = replace(state, type=name, positions=tuple(positions), steps=(*state.steps, step))
        if positions:
            yield narrowed
        elif name not in self.failed:
            self.failed.add(name)
            self.fail(narrowed, name, "the actual type of the interface object cannot be asked in any subgraph")

    def fields_of(self, state: State, type_def: TypeDef) -> Iterator[State]:
        """Yield the states after each field of an object."""
        for name in type_def.fields:
            for situation in self.situations(state, type_def.name, name):
                yield from self.after_field(replace(state, situation=situation), type_def, name)

    def situations(self, state: State, owner: str, name: str) -> list[Situation]:
        """Return the situations in which a field is asked for: with its override label either way, if undecided."""
        label = self.labels.get((owner, name))
        decided = state.situation.labels
        if label is None or (label, True) in decided or (label, False) in decided:
            return [state.situation]
        return [replace(state.situation, labels=decided | {(label, value)}) for value in (True, False)]

    def after_field(self, state: State, owner: TypeDef, name: str) -> Iterator[State]:
        """Yield the state after a field, if it can be resolved and there is anything below it."""
        moves = self.moves_in(state.situation)
        found = moves.advance(state.positions, name)
        api_field = owner.fields[name]
        step = Step(name, api_field)
        coordinate = f"{owner.name}.{name}"
        if not found:
            if coordinate not in self.failed:
                self.failed.add(coordinate)
                reason = explain(moves, state.positions, owner.name, name)
                self.fail(replace(state, steps=(*state.steps, step)), coordinate, reason)
            return
        target = self.api.types.get(named(api_field.type))
        if target is None or target.kind not in COMPOSITE:
            return
        contexts = state.situation.contexts | self.contexts.get(owner.name, frozenset())
        situation = replace(state.situation, contexts=contexts)
        after = State(target.name, tuple(found), situation, (*state.steps, step))
        if target.kind is Kind.OBJECT or self.has_common_types(after, coordinate):
            yield after

    def has_common_types(self, state: State, coordinate: str) -> bool:
        """Check what subgraphs return for a field they share."""

        def witness() -> str:
            return operation_for(self.api, state.steps)

        return check_runtime_types(
            self.merge, self.api, coordinate, state.type, positions=state.positions, witness=witness
        )

    def fail(self, state: State, coordinate: str, reason: str) -> None:
        """Remember a failure, with the query that meets it."""
        query = operation_for(self.api, state.steps)
        message = f"This query on the supergraph cannot be planned:\n{query}\nbecause of {coordinate}:\n{reason}"
        self.failures.append(Failure(coordinate, message))


def check_satisfiability(merge: Merge) -> None:
    """Report all fields of the supergraph that cannot be resolved on some path."""
    api = api_schema(merge.merged)
    moves: dict[Situation, Moves] = {Situation(): Moves(build_graph(merge), Situation())}
    traversal = Traversal(merge, api, moves, _contexts(merge), _labels(merge))
    for operation, root in api.roots.items():
        positions = tuple(
            Position(index, root) for index, it in enumerate(merge.subgraphs) if it.schema.roots.get(operation) == root
        )
        start = State(root, positions, steps=(Step(operation, is_operation=True),))
        if operation == "mutation":
            _check_mutations(traversal, start)
        else:
            traversal.walk(start)
    for failure in traversal.failures:
        merge.report.error(CODE, failure.message, _sites(merge, failure.coordinate))


def _sites(merge: Merge, coordinate: str) -> list[Site]:
    """Return where a field is declared: on its type, or on the interface objects that have it for the type."""
    owner, _, name = coordinate.partition(".")
    merged = merge.merged.types.get(owner)
    for type_name in (owner, *(merged.interfaces if merged else ())):
        types = merge.types.get(type_name, {})
        found = merge.sites({index: it.fields.get(name) if name else it for index, it in types.items()})
        if found:
            return found
    return []


def _check_mutations(traversal: Traversal, start: State) -> None:
    """Check each mutation: it is called once, so one of its subgraphs alone must do for all that follows."""
    for after in traversal.next_states(start):
        graphs = sorted({it.graph for it in after.positions})
        if len(graphs) == 1:
            traversal.walk(after)
            continue
        attempts: list[Traversal] = []
        for graph in graphs:
            own = tuple(it for it in after.positions if it.graph == graph)
            attempt = replace(traversal, failures=[], visited={}, failed=set())
            attempt.walk(replace(after, positions=own))
            attempts.append(attempt)
        if all(it.failures for it in attempts):
            traversal.failures.append(min((it.failures[0] for it in attempts), key=lambda it: len(it.message)))


def _contexts(merge: Merge) -> dict[str, frozenset[str]]:
    """Return the contexts that each object type sets."""
    found: dict[str, set[str]] = {}
    for subgraph in merge.subgraphs:
        for type_def, context in subgraph.types_applying("context"):
            names = [type_def.name, *merge.merged.possible_types(type_def.name)]
            for name in names:
                found.setdefault(name, set()).add(f"{subgraph.name}__{context.args.get('name')}")
    return {name: frozenset(contexts) for name, contexts in found.items()}


def _labels(merge: Merge) -> dict[tuple[str, str], str]:
    """Return the labels of fields that are being overridden progressively."""
    return {
        (type_def.name, own.name): str(override.args["label"])
        for subgraph in merge.subgraphs
        for type_def, own, override in subgraph.fields_applying("override")
        if override.args.get("label")
    }
