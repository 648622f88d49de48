"""Pass 5: turn the chosen ways into requests.

Following the tree, fields are written into the request of the place where they are taken, and each jump opens a
request (or finds the one opened before from the same place). What a jump needs is planned like a selection of the
client from where the jump starts: walked, chosen and followed in the same way, under keys that keep clear of the
client's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from router.planner.budget import Budget
from router.planner.bundles import Bundles
from router.planner.deferral import NOT_DEFERRED, Deferred
from router.planner.deferred_steps import Groups
from router.planner.errors import UnplannableError
from router.planner.fetches import (
    Context,
    Document,
    DocumentField,
    FetchGraph,
    FetchStep,
    Input,
    Keys,
    Place,
    free_name,
    split_path,
)
from router.planner.graph import Edge, Entry, Node, NodeKind
from router.planner.normalise import Operation
from router.planner.plan import (
    ContextValue,
    FieldStep,
    OperationKind,
    Path,
    RepresentationField,
    RepresentationFragment,
    RepresentationSelection,
    TypeStep,
)
from router.planner.reach import Jump, Reach
from router.planner.selection import TYPENAME, TYPENAME_FIELD, Field, Selection
from router.planner.steps import Step, StepKind
from router.planner.tree import choose_ways
from router.planner.walk import Walker
from router.supergraph import ContextArgument

_Providers = set[FetchStep]


@dataclass(frozen=True, slots=True, eq=False)
class _At:
    """Where the builder stands: in which request and selection set, at which place and node.

    `waits` are the fetches that tell the type of the object. `providers` collects the fetches that deliver what is
    asked for while a requirement is followed; it is None for the client's own selection.
    `parent` is where the enclosing object stands. `deferred` is the group of what is asked here; the request may be an
    earlier one.
    """

    fetch: FetchStep
    document: Document
    place: Place
    node: Node
    waits: frozenset[FetchStep]
    providers: _Providers | None
    parent: _At | None = None
    deferred: Deferred = NOT_DEFERRED

    def enclosing(self) -> Iterator[_At]:
        """Yield where the enclosing objects stand, the nearest first."""
        at = self.parent
        while at is not None:
            yield at
            at = at.parent


class Builder:
    """Builds the fetch graph of one operation."""

    def __init__(self, reach: Reach, walker: Walker, operation: Operation, budget: Budget) -> None:
        self._budget = budget
        self._reach = reach
        self._graph = reach.graph
        self._walker = walker
        self._bundles = Bundles(reach.graph, walker)
        self._groups = Groups() if operation.deferrals else None
        self._parts: dict[Deferred, Path] = {}
        self._kind = operation.kind
        self._variables = operation.variables
        self._root = Place((), Keys([operation.selection]))
        self._steps: list[FetchStep] = []
        self._jumps: dict[tuple[object, ...], FetchStep] = {}
        self._needs: dict[tuple[object, ...], tuple[_Providers, tuple[RepresentationSelection, ...]]] = {}
        self._typename = Selection("", (TYPENAME_FIELD,))

    def add_roots(self, origins: Sequence[Step]) -> None:
        """Open a request for each root that is part of the tree; in mutations it waits for all of an earlier call."""
        earlier = set(self._steps) if self._kind == "mutation" else set()
        for origin in origins:
            if any(origin.chosen()) and origin.node is not None:
                for group in self._groups.below(origin) if self._groups else (NOT_DEFERRED,):
                    if group:
                        self._parts.setdefault(group, ())
                    fetch = self._open(origin.node.subgraph, self._kind, self._root, group)
                    fetch.waits_for |= earlier
                    at = _At(fetch, fetch.document, self._root, origin.node, frozenset(), None, deferred=group)
                    self._follow(origin, at)

    def fetch_graph(self) -> FetchGraph:
        """Return what was built."""
        return FetchGraph(tuple(self._steps), self._parts)

    def _open(self, subgraph: str, kind: OperationKind, place: Place, deferred: Deferred) -> FetchStep:
        path, _types = split_path(place.path)
        step = FetchStep(len(self._steps), subgraph, kind, path, deferred=deferred)
        self._steps.append(step)
        return step

    def _follow(self, step: Step, at: _At) -> None:
        for child in step.chosen():
            if self._groups and at.providers is None and at.deferred not in self._groups.of(child):
                continue
            if child.kind is StepKind.FIELD:
                self._follow_field(child, at)
            elif child.kind is StepKind.NARROW:
                self._follow_narrowing(child, at)
            else:
                self._follow_jump(child, at)

    def _follow_field(self, step: Step, at: _At) -> None:
        if step.field is None or step.edge is None:
            raise TypeError("a field step has a field")
        if at.deferred != at.fetch.deferred and at.providers is None:
            at = self._apart(at, step.edge)
        asked = self._ask(at, step.field, step.edge)
        if step.node is None or asked.selection is None:
            self._deliver(at)
            return
        place = at.place.field(asked.key, step.edge.lists)
        inner = replace(at, document=asked.selection, place=place, node=step.node, parent=at)
        if step.is_whole and step.field.selection is not None:
            self._ask_whole(inner, step.field.selection)
            self._deliver(at)
        else:
            self._follow_groups(step, inner)

    def _follow_groups(self, step: Step, at: _At) -> None:
        """Follow what comes at the same time as the object itself, then what is deferred."""
        if self._groups is None or at.providers is not None:
            self._follow(step, at)
            return
        for group in self._groups.below(step):
            if group:
                self._parts.setdefault(group, at.place.path)
            self._follow(step, replace(at, deferred=group))

    def _apart(self, at: _At, edge: Edge) -> _At:
        """Enter the object anew for what is deferred, so that the rest need not wait for it, if there is a way."""
        node = at.node
        if node.type in self._graph.supergraph.roots.values():
            return self._enter(at, Jump(Entry(node, None, node.type), None, 0))
        target = self._graph.node(node.type, node.subgraph)
        jump = None if node.interface else self._reach.jump_to(node, target)
        same = self._graph.edge(target, edge.name)
        if jump is None or same is None or same.target is not edge.target:
            return at
        return self._enter(at, jump)

    def _ask(self, at: _At, field: Field, edge: Edge) -> DocumentField:
        self._budget.spend()
        key = field.key if at.providers is None else at.place.keys.internal(field.name, field.arguments)
        inner = None if edge.target is None else Document()
        arguments = _with_contexts(field.arguments, at.fetch.contexts) if edge.contexts else field.arguments
        asked = DocumentField(key, field.name, arguments, field.variables, edge.shape, edge.lists, inner)
        return at.document.add(asked)

    def _deliver(self, at: _At) -> None:
        if at.providers is not None:
            at.providers.add(at.fetch)

    def _ask_whole(self, at: _At, selection: Selection) -> None:
        """Ask for a complete selection within one subgraph."""
        for field in selection.fields:
            edge = self._graph.edge(at.node, field.name)
            if edge is None:
                raise TypeError(f"{at.node} has no field {field.name}")
            asked = self._ask(at, field, edge)
            target = edge.target
            if field.selection is not None and asked.selection is not None and target is not None:
                place = at.place.field(asked.key, asked.lists)
                inner = replace(at, document=asked.selection, place=place, node=target, parent=at)
                self._ask_whole(inner, field.selection)
        for node, inner in self._bundles.fragments(at.node, selection):
            self._ask_whole(at if node is at.node else self._on_type(at, node), inner)

    def _on_type(self, at: _At, node: Node) -> _At:
        """Go into a fragment."""
        at.document.add_typename()
        return replace(at, document=at.document.on(node.type), place=at.place.on(node.type), node=node)

    def _follow_narrowing(self, step: Step, at: _At) -> None:
        if step.node is None:
            raise TypeError("narrowing leads to a node")
        if at.node.kind is NodeKind.INTERFACE_OBJECT:
            providers, _ = self._require(at, self._typename)
            waits = at.waits | providers
            inner = replace(at, place=at.place.on(step.node.type), node=step.node, waits=waits)
        else:
            inner = self._on_type(at, step.node)
        self._follow(step, inner)

    def _follow_jump(self, step: Step, at: _At) -> None:
        if step.jump is None:
            raise TypeError("a jump step has a jump")
        self._follow(step, self._enter(at, step.jump))

    def _enter(self, at: _At, jump: Jump) -> _At:
        """Jump into the request that asks for the same object elsewhere."""
        target = jump.entry.target
        contexts = id(jump.contexts) if jump.contexts else 0
        key = (at.fetch.number, id(at.place), target.id, id(jump.needs), contexts, at.deferred)
        fetch = self._jumps.get(key)
        if fetch is None:
            fetch = self._jumps[key] = self._open(target.subgraph, "query", at.place, at.deferred)
            fetch.waits_for |= {at.fetch, *at.waits}
            if jump.needs is not None:
                providers, selections = self._require(at, jump.needs)
                _path, types = split_path(at.place.path)
                fetch.inputs.append(Input(types, jump.entry.typename, selections))
                fetch.waits_for |= providers
            fetch.contexts = tuple(self._context(argument, at, fetch) for argument in jump.contexts)
        document = fetch.document.on(target.type) if fetch.is_entity else fetch.document
        return _At(fetch, document, at.place, target, frozenset(), at.providers, at.parent, at.deferred)

    def _context(self, argument: ContextArgument, at: _At, fetch: FetchStep) -> Context:
        """Fetch what fills an argument at the nearest enclosing object that sets its context."""
        for outer in at.enclosing():
            if self._graph.sets_context(outer.node, argument.context):
                needs = self._graph.context_selection(outer.node, argument)
                providers, selections = self._require(outer, needs)
                fetch.waits_for |= providers
                paths = tuple(_leaf_paths(selections))
                variable = free_name(f"_context{fetch.number}_{argument.name}", self._variables)
                value = ContextValue(variable, len(outer.place.path), paths, argument.type.endswith("!"))
                return Context(value, argument)
        reason = f'no enclosing object sets "{argument.context}"'
        raise UnplannableError(f"{at.node.type}({argument.name}:)", "", [fetch.subgraph], [reason])

    def _require(self, at: _At, needs: Selection) -> tuple[_Providers, tuple[RepresentationSelection, ...]]:
        """Plan what a jump needs, and return who delivers it and how it is sent."""
        key = (at.fetch.number, id(at.place), id(needs), at.deferred)
        if key not in self._needs:
            providers: _Providers = set()
            inner = replace(at, providers=providers)
            if self._walker.is_complete(at.node, needs):
                self._ask_whole(inner, needs)
                providers.add(at.fetch)
            else:
                ways = self._walker.walk([Step.origin(at.node)], needs)
                choose_ways(ways)
                self._follow(ways.origins[0], inner)
            self._needs[key] = (providers, _representation(needs, at.place.keys))
        return self._needs[key]


def _with_contexts(arguments: str, contexts: Sequence[Context]) -> str:
    filled = [f"{context.argument.name}: ${context.value.variable}" for context in contexts]
    return f"({', '.join([*filter(None, [arguments[1:-1]]), *filled])})"


def _leaf_paths(selections: Sequence[RepresentationSelection]) -> Iterator[Path]:
    """Yield the paths to the values of a selection, without those that only tell types."""
    for selection in selections:
        if isinstance(selection, RepresentationFragment):
            yield from ((TypeStep(selection.types), *path) for path in _leaf_paths(selection.selections))
        elif selection.selections:
            yield from ((FieldStep(selection.key), *path) for path in _leaf_paths(selection.selections))
        elif selection.name != TYPENAME:
            yield (FieldStep(selection.key),)


def _representation(needs: Selection, keys: Keys) -> tuple[RepresentationSelection, ...]:
    fields = (_represented(field, keys) for field in needs.fields)
    groups = (
        RepresentationFragment(frozenset({group.type}), _representation(group.selection, keys))
        for group in needs.groups
    )
    return (*fields, *groups)


def _represented(field: Field, keys: Keys) -> RepresentationField:
    key = keys.internal(field.name, field.arguments)
    inner = () if field.selection is None else _representation(field.selection, keys.child(key))
    return RepresentationField(field.name, key, inner)
