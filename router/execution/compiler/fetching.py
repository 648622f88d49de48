"""Code that makes requests out of the working tree, and merges results into it.

For each entity call there is `collect_F_C(root, known)`, which finds the objects along the call's path and returns
`(representations, targets)`: equal objects get one representation, and `targets[i]` are all the objects that it stands
for. `merge_F_C(entities, targets)` puts what came back into them and returns how many entities were no objects. A root
fetch has `merge_F(root, data)`.

Where a call has contexts, `collect` returns a list of groups, one for each combination of values: `(values,
representations, targets, seen)`.

As in the projection, the quick make trusts the tree and the careful one does not.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TypeAlias

from router.execution.compiler.batches import Batch, batches_of
from router.execution.compiler.contexts import find_with_values, write_context_values
from router.execution.compiler.finding import Finders
from router.execution.compiler.overlap import Meeting, Overlap
from router.execution.compiler.source import Source
from router.planner.plan import (
    EntityCall,
    Fetch,
    QueryPlan,
    Rename,
    Representation,
    RepresentationField,
    RepresentationSelection,
)

_Kind: TypeAlias = tuple[Representation, str, int]
"""A representation, the name of the function that makes it, and its number in the batch."""


def collect_name(fetch: Fetch, batch: Batch) -> str:
    """Return the name of the function that collects representations."""
    return f"collect_{fetch.id}_{batch.alias}"


def merge_name(fetch: Fetch, batch: Batch | None = None) -> str:
    """Return the name of the function that merges a result."""
    return f"merge_{fetch.id}" + (f"_{batch.alias}" if batch else "")


def write_fetches(source: Source, plan: QueryPlan, *, careful: bool) -> Finders:
    """Write the functions of all fetches; return what finds objects for them."""
    overlap = Overlap.of(plan)
    finders = Finders(source, overlap, careful)
    finders.prepare(call for fetch in plan.fetches for call in fetch.entities)
    writer = _Fetching(source, overlap, finders, careful)
    for fetch in plan.fetches:
        if not fetch.entities:
            writer.merge_root(fetch)
        for batch in batches_of(fetch):
            if batch.calls[0].contexts:
                writer.collect_groups(fetch, batch.calls[0])
            else:
                writer.collect(fetch, batch)
            writer.merge_entities(fetch, batch)
    return finders


@dataclass(slots=True)
class _Fetching:
    source: Source
    overlap: Overlap
    finders: Finders
    careful: bool
    pending: list[tuple[str, str, tuple[RepresentationSelection, ...]]] = field(default_factory=list)

    # Representations --------------------------------------------------------------------------------------------------

    def collect(self, fetch: Fetch, batch: Batch) -> None:
        """Write the function that collects the representations of a batch."""
        kinds = {each: index for index, each in enumerate(_kinds(batch))}
        makers = [self._maker(each) for each in kinds]
        source = self.source
        with source.function(f"{collect_name(fetch, batch)}(root, known)"):
            source.add("representations, targets, seen = [], [], {}")
            for call in batch.calls:
                self.finders.find(call.path)
                with source.block("for o in found:"):
                    self._identify([(each, makers[kinds[each]], kinds[each]) for each in call.representations])
                    self._register()
            source.add("return representations, targets")
        self._flush()

    def collect_groups(self, fetch: Fetch, call: EntityCall) -> None:
        """Write the function that collects the representations of a call with contexts."""
        kinds = [(each, self._maker(each), index) for index, each in enumerate(call.representations)]
        values = write_context_values(self.source, self.finders, call)
        with self.source.function(f"{collect_name(fetch, batches_of(fetch)[0])}(root, known)"):
            self.source.add("groups = {}")
            find_with_values(self.source, self.finders, call, values)
            with self.source.block("for o, values in found:"):
                self._identify(kinds)
                self.source.add("group = groups.get(mark := dumps(values))")
                with self.source.block("if group is None:"):
                    self.source.add("groups[mark] = group = (values, [], [], {})")
                self.source.add("_, representations, targets, seen = group")
                self._register()
            self.source.add("return list(groups.values())")
        self._flush()

    def _register(self) -> None:
        """Write how an object joins those that are equal to it, or begins a representation."""
        source = self.source
        source.add("same = seen.get(key)")
        with source.block("if same is None:"):
            source.add("seen[key] = same = [o]")
            source.add("targets.append(same)")
            source.add(f"representations.append({'made' if self.careful else 'represent(o)'})")
        with source.block("else:"):
            source.add("same.append(o)")

    def _identify(self, kinds: list[_Kind]) -> None:
        """Write how an object gets the maker of its representation, and the key by which equal ones are known."""
        if not self.careful:
            self._choose(kinds)
            return
        with self.source.block("try:"):
            self._choose(kinds)
        with self.source.block("except (KeyError, TypeError, AttributeError):"):
            self.source.add("continue")

    def _choose(self, kinds: list[_Kind]) -> None:
        word = "if"
        for kind in kinds:
            types = kind[0].types
            if types is None:
                with self.source.block("else:") if word == "elif" else nullcontext():
                    self._identity(*kind)
                return
            with self.source.block(f"{word} o['__typename'] in {self.source.constant('TYPES', types)}:"):
                self._identity(*kind)
            word = "elif"
        with self.source.block("else:"):
            self.source.add("continue")

    def _identity(self, representation: Representation, maker: str, index: int) -> None:
        if self.careful:
            self.source.add(f"made = {maker}(o)")
            self.source.add("key = dumps(made)")
            return
        self.source.add(f"represent = {maker}")
        parts = [
            f"o[{each.key!r}]"
            for each in representation.selections
            if isinstance(each, RepresentationField) and not each.selections
        ]
        if len(parts) < len(representation.selections):
            self.source.add("key = dumps(represent(o))")
            return
        if _fixed_typename(representation) is None:
            parts.append("o['__typename']")
        if index:
            parts.append(str(index))
        self.source.add(f"key = {parts[0]}" if len(parts) == 1 else f"key = ({', '.join(parts)})")

    def _maker(self, representation: Representation) -> str:
        name = self.source.name("represent")
        fixed = _fixed_typename(representation)
        start = f"{{'__typename': {fixed!r}}}" if fixed else "{'__typename': o['__typename']}"
        self.pending.append((name, start, representation.selections))
        return name

    def _flush(self) -> None:
        """Write the functions that copy objects into representations."""
        while self.pending:
            name, start, selections = self.pending.pop()
            with self.source.function(f"{name}(o)"):
                if not start:
                    self._pass_through(name)
                self.source.add(f"made = {start or '{}'}")
                self._copy(selections)
                self.source.add("return made")

    def _pass_through(self, name: str) -> None:
        """Write how a nested value is copied that is null or a list."""
        with self.source.block("if o is None:"):
            self.source.add("return None")
        with self.source.block("if type(o) is list:"):
            self.source.add(f"return [{name}(item) for item in o]")

    def _copy(self, selections: tuple[RepresentationSelection, ...]) -> None:
        for each in selections:
            if isinstance(each, RepresentationField):
                value = f"o[{each.key!r}]"
                if each.selections:
                    maker = self.source.name("represent")
                    self.pending.append((maker, "", each.selections))
                    value = f"{maker}({value})"
                self.source.add(f"made[{each.name!r}] = {value}")
            elif each.selections:
                types = self.source.constant("TYPES", each.types)
                with self.source.block(f"if o['__typename'] in {types}:"):
                    self._copy(each.selections)

    # Merging ----------------------------------------------------------------------------------------------------------

    def merge_root(self, fetch: Fetch) -> None:
        """Write the function that merges the data of a root fetch."""
        source = self.source
        meeting = self.overlap.meeting(fetch)
        with source.function(f"{merge_name(fetch)}(root, data)"):
            self._rename(fetch.renames, "data")
            if not fetch.path:
                self._put("root", "data", meeting)
                return
            result = "copy(data)" if meeting or self.overlap.depends_below(fetch) else "data"
            source.add("found = [root]")
            self.finders.walk(fetch.path)
            objects = "[o for o in found if type(o) is dict]" if self.careful else "found"
            with source.block(f"for o in {objects}:"):
                self._put("o", result, meeting)

    def merge_entities(self, fetch: Fetch, batch: Batch) -> None:
        """Write the function that merges the entities of a batch."""
        source = self.source
        meeting = self.overlap.meeting(fetch, batch)
        result = "copy(entity)" if meeting or self.overlap.parts_ways(fetch, batch) else "entity"
        with source.function(f"{merge_name(fetch, batch)}(entities, targets)"):
            source.add("strange = 0")
            with source.block("for entity, same in zip(entities, targets):"):
                with source.block("if type(entity) is dict:"):
                    self._rename(batch.renames, "entity")
                    with source.block("for o in same:"):
                        self._put("o", result, meeting)
                with source.block("elif entity is not None:"):
                    source.add("strange += 1")
            source.add("return strange")

    def _put(self, target: str, result: str, meeting: Meeting) -> None:
        if meeting:
            self.source.add(f"merge({target}, {result}, {meeting!r})")
        else:
            self.source.add(f"{target}.update({result})")

    def _rename(self, renames: tuple[Rename, ...], result: str) -> None:
        for rename in renames:
            self.source.add(f"found = [{result}]")
            self.finders.walk(rename.path)
            with self.source.block("for o in found:"), self.source.block(f"if {rename.old!r} in o:"):
                self.source.add(f"o[{rename.new!r}] = o.pop({rename.old!r})")


def _kinds(batch: Batch) -> dict[Representation, None]:
    """Return the different representations of a batch, in order."""
    return dict.fromkeys(each for call in batch.calls for each in call.representations)


def _fixed_typename(representation: Representation) -> str | None:
    """Return the `__typename` that is sent for every object, if it is the same for all."""
    if representation.typename is None and representation.types and len(representation.types) == 1:
        return next(iter(representation.types))
    return representation.typename
