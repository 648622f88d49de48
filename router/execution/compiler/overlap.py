"""Who writes what into the working tree.

Merging a result into an object is one `dict.update`, unless an object or a list of the result meets one that another
fetch put under the same key: then what is inside has to be merged as well. Here the documents of a plan are read once
to tell the two apart, so that nothing has to be compared when requests run.

Types are left out of account: two fetches that write `a.b` for different types of objects count as meeting. That costs
a little time where it happens, and never a wrong answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)

from router.execution.compiler.batches import Batch
from router.planner.plan import EntityCall, Fetch, FieldStep, Path, QueryPlan, Rename

Meeting: TypeAlias = dict[str, "Meeting"]
"""The composite keys of a result that meet those of another, and within them the same again."""
_Writer: TypeAlias = tuple[int, str | None]
"""A fetch and the alias of its entity call, if it has any."""
_Fragments: TypeAlias = Mapping[str, FragmentDefinitionNode]


@dataclass(slots=True)
class Place:
    """The objects at one path of the working tree.

    Attributes:
        writers: whose results hold these objects.
        visitors: those who merge entities into them.
        leaves: the keys of leaves in the results that hold them.
        keys: all their keys, in order; None where writers differ.
        uniform: whether these results have the same keys for objects of all types.
        contextual: whether what is merged here depends on enclosing objects, so that equal objects may part ways.
        below: the composite values inside.
    """

    writers: set[_Writer] = field(default_factory=set)
    visitors: set[_Writer] = field(default_factory=set)
    leaves: set[str] = field(default_factory=set)
    keys: tuple[str, ...] | None = None
    uniform: bool = True
    contextual: bool = False
    below: dict[str, Place] = field(default_factory=dict)


@dataclass(slots=True)
class Overlap:
    """Where the results of a plan write composite values, and where they meet."""

    root: Place = field(default_factory=Place)

    @classmethod
    def of(cls, plan: QueryPlan) -> Overlap:
        """Read the documents of a plan."""
        overlap = cls()
        for fetch in plan.fetches:
            overlap._read(fetch)
        return overlap

    def meeting(self, fetch: Fetch, batch: Batch | None = None) -> Meeting:
        """Return where the result of a root fetch, or of a batch of entity calls, meets what others write."""
        if batch is None:
            return _meeting(self.place(fetch.path), (fetch.id, None))
        meeting: Meeting = {}
        for call in batch.calls:
            _unite(meeting, _meeting(self.place(call.path), (fetch.id, batch.alias)))
        return meeting

    def parts_ways(self, fetch: Fetch, batch: Batch) -> bool:
        """Tell whether what a batch brings to one path may later become another thing than at another path.

        Objects inside an entity would then be shared by places that must not be the same.
        """
        writer = (fetch.id, batch.alias)
        places = [self.place(call.path) for call in batch.calls]
        return any(
            _contextual_below(place, writer) or (len(places) > 1 and _visited_below(place, writer)) for place in places
        )

    def depends_below(self, fetch: Fetch) -> bool:
        """Tell whether what a root fetch brings is merged differently at each of the places that it is put to."""
        return _contextual_below(self.place(fetch.path), (fetch.id, None))

    def identity(self, path: Path) -> tuple[str, ...] | None:
        """Return the keys that tell the objects at a path apart, if these are all that they hold when they arrive.

        Such objects are stubs of entities: where all keys are equal, so is everything that is ever merged into them.
        """
        place = self.place(path)
        alone = len(place.writers) == 1 and self.sole_writer(path)
        if place.contextual or not (alone and place.uniform and place.leaves):
            return None
        (writer,) = place.writers
        if any(writer in inner.writers for inner in place.below.values()):
            return None
        return tuple(sorted(place.leaves))

    def place(self, path: Path) -> Place:
        """Return what is known of the objects at the end of a path."""
        place = self.root
        for key in keys_of(path):
            place = place.below.setdefault(key, Place())
        return place

    def sole_writer(self, path: Path) -> bool:
        """Tell whether all values along a path come from one fetch each."""
        place = self.root
        for key in keys_of(path):
            place = place.below.setdefault(key, Place())
            if len(place.writers) > 1:
                return False
        return True

    def _read(self, fetch: Fetch) -> None:
        operation, fragments = _definitions(parse(fetch.document, no_location=True))
        if not fetch.entities:
            self._write((fetch.id, None), fetch.path, operation.selection_set, fragments, fetch.renames)
            return
        aliases = {_key(node): node for node in _fields(operation.selection_set, fragments)}
        for call in fetch.entities:
            self._note_contexts(call)
            self._write((fetch.id, call.alias), call.path, aliases[call.alias].selection_set, fragments, call.renames)

    def _note_contexts(self, call: EntityCall) -> None:
        """Mark the places on the way from the object that fills an argument to those whose field has it."""
        outer = min((len(keys_of(call.path[: each.depth])) for each in call.contexts), default=len(call.path))
        place = self.root
        for depth, key in enumerate(keys_of(call.path)):
            place = place.below.setdefault(key, Place())
            place.contextual |= depth >= outer

    def _write(
        self,
        writer: _Writer,
        path: Path,
        selection_set: SelectionSetNode | None,
        fragments: _Fragments,
        renames: tuple[Rename, ...],
    ) -> None:
        place = self.place(path)
        place.visitors.add(writer)
        _note(place, writer, selection_set, fragments)
        for rename in renames:
            _rename(place, writer, rename)


def keys_of(path: Path) -> tuple[str, ...]:
    """Return the keys along a path."""
    return tuple(step.key for step in path if isinstance(step, FieldStep))


def _note(place: Place, writer: _Writer, selection_set: SelectionSetNode | None, fragments: _Fragments) -> None:
    for node in _fields(selection_set, fragments):
        if node.selection_set:
            inner = place.below.setdefault(_key(node), Place())
            keys = tuple(_key(each) for each in _fields(node.selection_set, fragments))
            inner.keys = keys if not inner.writers or inner.keys == keys else None
            inner.writers.add(writer)
            inner.uniform &= all(isinstance(each, FieldNode) for each in node.selection_set.selections)
            _note(inner, writer, node.selection_set, fragments)
        elif writer in place.writers:
            place.leaves.add(_key(node))


def _visited_below(place: Place, writer: _Writer) -> bool:
    return any(
        writer in inner.writers and (inner.visitors or len(inner.writers) > 1 or _visited_below(inner, writer))
        for inner in place.below.values()
    )


def _contextual_below(place: Place, writer: _Writer) -> bool:
    return any(
        writer in inner.writers and (inner.contextual or _contextual_below(inner, writer))
        for inner in place.below.values()
    )


def _rename(place: Place, writer: _Writer, rename: Rename) -> None:
    """Let a result write under the new key too; that it writes the old one as well does no harm."""
    for key in keys_of(rename.path):
        place = place.below.setdefault(key, Place())
    place.uniform = False
    moved = place.below.get(rename.old)
    if moved and writer in moved.writers:
        _copy(moved, place.below.setdefault(rename.new, Place()), writer)


def _copy(source: Place, target: Place, writer: _Writer) -> None:
    target.writers.add(writer)
    for key, inner in source.below.items():
        if writer in inner.writers:
            _copy(inner, target.below.setdefault(key, Place()), writer)


def _meeting(place: Place, writer: _Writer) -> Meeting:
    return {
        key: _meeting(inner, writer)
        for key, inner in place.below.items()
        if writer in inner.writers and len(inner.writers) > 1
    }


def _unite(meeting: Meeting, other: Meeting) -> None:
    for key, below in other.items():
        _unite(meeting.setdefault(key, {}), below)


def _definitions(document: DocumentNode) -> tuple[OperationDefinitionNode, _Fragments]:
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    operation = next(each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    return operation, fragments


def _fields(selection_set: SelectionSetNode | None, fragments: _Fragments) -> Iterator[FieldNode]:
    for node in selection_set.selections if selection_set else ():
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(node.selection_set, fragments)
        elif isinstance(node, FragmentSpreadNode):
            yield from _fields(fragments[node.name.value].selection_set, fragments)


def _key(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value
