"""Pass 3: find, for every leaf of a selection, the good ways to it.

The walk goes down the selection with all places where the object at hand may come from. At a leaf only the cheapest
ways are kept; on the way there, the cheapest to each place. Three rules keep answers independent of the choice that
follows:

- where one subgraph can give the whole selection of a field, the field is not pieced together from several;
- objects of a union are looked for only among the members that all subgraphs in question know;
- an interface's field that cannot be taken through the interface is taken from each object type behind it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from router.planner.budget import Budget
from router.planner.deferral import Deferred
from router.planner.errors import UnplannableError
from router.planner.graph import Graph, Node, NodeKind
from router.planner.reach import FIELD_COST, JUMP_COST, Option, Reach
from router.planner.selection import TYPENAME_FIELD, Field, Group, Selection, groups_clash
from router.planner.steps import Step
from router.supergraph import TypeKind

_MOST_TIES = 4
_MOST_PLACES = 12

_Found = tuple[float, Step, Option]


@dataclass(frozen=True, slots=True)
class Ways:
    """The outcome of a walk: where it began, and for each leaf its ways."""

    origins: tuple[Step, ...]
    leaves: tuple[tuple[Step, ...], ...]

    def cost(self) -> float:
        """Return what the chosen steps cost."""
        return sum(_chosen_cost(origin) for origin in self.origins if any(origin.chosen()))

    def dump(self) -> str:
        """Write all ways as text."""
        return "\n".join(line for origin in self.origins for line in origin.lines())


class Walker:
    """Walks the selections of one planning."""

    def __init__(self, graph: Graph, reach: Reach, budget: Budget, *, defers: bool = False) -> None:
        self._defers = defers
        self._uniform: dict[tuple[int, Deferred], bool] = {}
        self._graph = graph
        self._reach = reach
        self._budget = budget
        self._complete: dict[tuple[int, int], bool] = {}
        self._clashes: dict[int, bool] = {}
        self._restricted: dict[tuple[int, frozenset[str]], Selection] = {}
        self._leaves: list[tuple[Step, ...]] = []
        self._path: list[str] = []

    def walk(self, origins: Sequence[Step], selection: Selection) -> Ways:
        """Find the ways to all leaves of a selection.

        Raises:
            UnplannableError: Some field cannot be reached.
        """
        outer, depth = self._leaves, len(self._path)
        leaves: list[tuple[Step, ...]] = []
        self._leaves = leaves
        try:
            if len(origins) == 1:
                self._walk(origins, selection)
            else:
                self._walk_roots(origins, selection)
        finally:
            self._leaves = outer
            del self._path[depth:]
        return Ways(tuple(origins), tuple(leaves))

    def _walk_roots(self, origins: Sequence[Step], selection: Selection) -> None:
        """Take each field from the roots that have it; none of them needs to be reached from another."""
        for field in selection.fields:
            owners = [origin for origin in origins if self._graph.edge(_node(origin), field.name) is not None]
            self._walk_field(owners or origins, field)

    def _walk(self, places: Sequence[Step], selection: Selection) -> None:
        before = len(self._leaves)
        for field in selection.fields:
            self._walk_field(places, field)
        for group in selection.groups:
            self._walk_group(places, group, selection)
        if len(self._leaves) == before:
            self._walk_field(places, TYPENAME_FIELD)

    def _walk_field(self, places: Sequence[Step], field: Field) -> None:
        self._budget.spend(len(places))
        self._path.append(field.key)
        found = [
            (place.cost + option.cost, place, option)
            for place in places
            for option in self._reach.options(_node(place), field.name)
        ]
        if not found:
            self._expand(places, field)
        elif field.selection is None:
            self._take_leaf(found, field)
        else:
            self._take_composite(found, field, field.selection)
        self._path.pop()

    def _take_leaf(self, found: Sequence[_Found], field: Field) -> None:
        lowest = min(cost for cost, _place, _option in found)
        steps = [_take(place, option, field) for cost, place, option in found if cost == lowest]
        self._leaves.append(tuple(steps[:_MOST_TIES]))

    def _take_composite(self, found: Sequence[_Found], field: Field, selection: Selection) -> None:
        selection = self._common_members(found, selection)
        if selection is not field.selection:
            field = replace(field, selection=selection)
        lowest = min(cost for cost, _place, _option in found)
        near = [entry for entry in found if entry[0] < lowest + JUMP_COST]
        whole = [entry for entry in near if self._is_whole(entry[2], selection, field.deferred)]
        if whole:
            lowest = min(cost for cost, _place, _option in whole)
            steps = [_take(place, option, field, is_whole=True) for cost, place, option in whole if cost == lowest]
            self._leaves.append(tuple(steps[:_MOST_TIES]))
        else:
            kept = self._few(_cheapest(found))
            self._walk([_take(place, option, field) for _cost, place, option in kept], selection)

    def _few(self, found: list[_Found]) -> list[_Found]:
        """Of many places, drop those that can be jumped to from the cheapest at no higher cost."""
        if len(found) <= _MOST_PLACES:
            return found
        best = min(found, key=lambda entry: entry[0])
        node = best[2].edge.target
        return [
            entry
            for entry in found
            if entry is best or self._jump_cost(node, entry[2].edge.target) > entry[0] - best[0]
        ]

    def _jump_cost(self, node: Node | None, target: Node | None) -> float:
        jump = None if node is None or target is None else self._reach.jump_to(node, target)
        return math.inf if jump is None else jump.cost

    def _common_members(self, found: Sequence[_Found], selection: Selection) -> Selection:
        """Leave out groups of union members that only some of the subgraphs in question know."""
        targets = {id(option.edge.target): option.edge.target for _cost, _place, option in found}
        if len(targets) == 1 or self._graph.supergraph.types[selection.type].kind is not TypeKind.UNION:
            return selection
        common = frozenset.intersection(*(target.possible for target in targets.values() if target))
        if all(group.type in common for group in selection.groups):
            return selection
        key = (id(selection), common)
        if key not in self._restricted:
            groups = tuple(group for group in selection.groups if group.type in common)
            self._restricted[key] = Selection(selection.type, selection.fields, groups)
        return self._restricted[key]

    def _is_whole(self, option: Option, selection: Selection, deferred: Deferred) -> bool:
        return (
            not option.edge.contexts
            and (not self._defers or self._is_uniform(selection, deferred))
            and option.edge.target is not None
            and self.is_complete(option.edge.target, selection)
        )

    def _is_uniform(self, selection: Selection, deferred: Deferred) -> bool:
        """Whether no part of a selection comes at another time than its object."""
        key = (id(selection), deferred)
        known = self._uniform.get(key)
        if known is None:
            parts = (selection, *(group.selection for group in selection.groups))
            known = self._uniform[key] = all(
                field.deferred == deferred and (field.selection is None or self._is_uniform(field.selection, deferred))
                for part in parts
                for field in part.fields
                if field is not TYPENAME_FIELD
            )
        return known

    def is_complete(self, node: Node, selection: Selection) -> bool:
        """Whether a subgraph gives a whole selection by itself."""
        key = (node.id, id(selection))
        known = self._complete.get(key)
        if known is None:
            known = self._complete[key] = self._check_complete(node, selection)
        return known

    def _check_complete(self, node: Node, selection: Selection) -> bool:
        self._budget.spend()
        return all(self._has(node, field) for field in selection.fields) and all(
            self._has_group(node, group) for group in selection.groups
        )

    def _has(self, node: Node, field: Field) -> bool:
        edge = self._graph.edge(node, field.name)
        if edge is None or not edge.is_free:
            return False
        return field.selection is None or (edge.target is not None and self.is_complete(edge.target, field.selection))

    def _has_group(self, node: Node, group: Group) -> bool:
        if node.kind is NodeKind.INTERFACE_OBJECT:
            return False
        inner = self._graph.narrow(node, group.type)
        return inner is None or self.is_complete(inner, group.selection)

    def _walk_group(self, places: Sequence[Step], group: Group, whole: Selection) -> None:
        """Walk what is asked of objects of one type, as part of a whole selection."""
        inner = self._narrow(places, group.type, whole)
        if inner:
            self._path.append(f"... on {group.type}")
            self._walk(inner, group.selection)
            self._path.pop()

    def _narrow(self, places: Iterable[Step], type_name: str, whole: Selection) -> list[Step]:
        found: list[Step] = []
        for place in places:
            node = _node(place)
            inner = self._graph.narrow(node, type_name)
            if node.kind is NodeKind.INTERFACE_OBJECT:
                found += self._narrow_interface_object(place, node, inner, whole)
            elif inner is not None:
                found.append(place if inner is node else place.narrowed(inner, FIELD_COST))
        return found

    def _narrow_interface_object(self, place: Step, node: Node, inner: Node | None, whole: Selection) -> Iterator[Step]:
        """An interface object learns its type elsewhere, and may as well stay there.

        Its subgraph cannot tell the types apart. So where a response key means another thing for another type, it is
        entered anew with the objects of this one only.
        """
        ways = self._reach.options(node, TYPENAME_FIELD.name)
        if inner is None or not ways:
            return
        here = place.narrowed(inner, ways[0].cost)
        again = self._reach.jump_to(inner, self._graph.node(node.type, node.subgraph))
        yield here.after_jump(again) if again is not None and self._groups_clash(whole) else here
        for way in ways:
            there = None if way.jump is None else self._graph.narrow(way.jump.entry.target, inner.type)
            if way.jump is not None and there is not None:
                yield place.after_jump(way.jump).narrowed(there, FIELD_COST)

    def _groups_clash(self, selection: Selection) -> bool:
        if not selection.groups:
            return False
        known = self._clashes.get(id(selection))
        if known is None:
            known = self._clashes[id(selection)] = groups_clash(selection)
        return known

    def _expand(self, places: Sequence[Step], field: Field) -> None:
        """Take a field from each object type, where it cannot be taken from all alike."""
        names = {
            name for place in places if _node(place).type not in _node(place).possible for name in _node(place).possible
        }
        if not names:
            self._fail(places, field)
        for name in sorted(names):
            group = Group(name, Selection(name, (field,)))
            self._walk_group(places, group, group.selection)

    def _fail(self, places: Sequence[Step], field: Field) -> None:
        nodes = list(dict.fromkeys(_node(place) for place in places))
        reasons = list(dict.fromkeys(reason for node in nodes for reason in self._reach.obstacles(node, field.name)))
        tried = dict.fromkeys([node.subgraph for node in nodes])
        tried |= dict.fromkeys(target.subgraph for node in nodes for target in self._reach.targets(node))
        type_name = nodes[0].type if nodes else "?"
        raise UnplannableError(f"{type_name}.{field.name}", ".".join(self._path), list(tried), reasons)


def _chosen_cost(step: Step) -> float:
    return step.own + sum(_chosen_cost(child) for child in step.chosen())


def _node(step: Step) -> Node:
    if step.node is None:
        raise TypeError("a leaf is no place to go on from")
    return step.node


def _take(place: Step, option: Option, field: Field, *, is_whole: bool = False) -> Step:
    if option.jump is not None:
        place = place.after_jump(option.jump)
    return place.after_field(field, option.edge, FIELD_COST, is_whole=is_whole)


def _cheapest(found: Sequence[_Found]) -> list[_Found]:
    """Keep the cheapest entries of each place where they arrive."""
    lowest: dict[int, float] = {}
    for cost, _place, option in found:
        lowest[id(option.edge.target)] = min(cost, lowest.get(id(option.edge.target), cost))
    kept: dict[int, list[_Found]] = {}
    for entry in found:
        target = id(entry[2].edge.target)
        if entry[0] == lowest[target] and len(kept.setdefault(target, [])) < _MOST_TIES:
            kept[target].append(entry)
    return [entry for entries in kept.values() for entry in entries]
