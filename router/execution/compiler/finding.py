"""Code that finds the objects along the paths of a plan.

Several calls often go the same way. Each way that two of them share has a function `find_N(root, known)`, which walks
it when it is first needed and remembers the objects in `known`, a dictionary that lives as long as the run.

Where objects arrive as stubs of entities, with nothing in them but the keys, equal ones are made one object by the way:
all places where the entity occurs then lead to the same object, which is merged into and projected once. A review's
author may occur a thousand times in an answer and costs as much as occurring once.

Paths are walked level by level, each step a list comprehension over the objects found so far. That costs the same as
nested loops, and Python has no bound on it as it has on the depth of loops.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from router.execution.compiler.overlap import Overlap
from router.execution.compiler.source import Source
from router.planner.plan import EntityCall, FieldStep, ListStep, Path, PathStep, RepresentationField


@dataclass(slots=True)
class Finders:
    """Writes the functions that find objects, and the calls of them.

    Args:
        source: where they are written.
        overlap: who writes what.
        careful: whether to distrust the working tree; then nothing is remembered and nothing made one.
    """

    source: Source
    overlap: Overlap
    careful: bool
    shared: dict[Path, str] = field(default_factory=dict)
    unified: set[Path] = field(default_factory=set)
    asked: dict[Path, set[str]] = field(default_factory=dict)

    def prepare(self, calls: Iterable[EntityCall]) -> None:
        """Write a function for each way that is shared, and for each end where equal objects become one."""
        if self.careful:
            return
        ends: Counter[Path] = Counter()
        for call in calls:
            ends[call.path] += 1
            self.asked.setdefault(call.path, set()).update(_keys(call))
        self.unified = {path for path in ends if self._identity(path)}
        for way in sorted(self.unified | _shared_ways(ends), key=len):
            if self.overlap.sole_writer(way):
                self._write(way)

    @property
    def single(self) -> dict[Path, str]:
        """The paths at whose ends one object stands for all equal ones, and the functions that find these."""
        return {path: self.shared[path] for path in sorted(self.unified, key=repr) if path in self.shared}

    def find(self, path: Path, variable: str = "found") -> None:
        """Write the lines that put the objects at the end of a path into a variable."""
        start, rest = self._start(path)
        self.source.add(f"{variable} = {start}")
        self.walk(rest, variable)

    def walk(self, path: Path, variable: str = "found") -> None:
        """Write the steps from the objects in a variable to those at the end of a path."""
        steps = list(path)
        while steps:
            step = steps.pop(0)
            if isinstance(step, FieldStep) and steps and isinstance(ahead := steps[0], ListStep) and not self.careful:
                steps.pop(0)
                items = f"(items := o[{step.key!r}]) is not None for v in items{ahead.bounds}"
                made = f"[v for o in {variable} if {items} if v is not None]"
            else:
                made = self._step(step, variable)
            self.source.add(f"{variable} = {made}")

    def _identity(self, path: Path) -> tuple[str, ...] | None:
        """Return the keys by which equal objects at the end of a path are known, if it pays to make them one.

        It does where they hold no more than what is sent of them: other objects are hardly ever equal. Where only some
        items of a list are asked about, the others must not be touched.
        """
        if any(isinstance(step, ListStep) and step.bounds for step in path):
            return None
        in_field = bool(path) and isinstance(path[-1], FieldStep)
        in_list = len(path) > 1 and isinstance(path[-1], ListStep) and isinstance(path[-2], FieldStep)
        keys = self.overlap.identity(path) if in_field or in_list else None
        return keys if keys and self.asked[path].issuperset(keys) else None

    def _start(self, path: Path) -> tuple[str, Path]:
        """Return the call of the function that goes farthest along a path, and what is left of the way."""
        for length in range(len(path), 0, -1):
            name = self.shared.get(path[:length])
            if name:
                return f"{name}(root, known)", path[length:]
        return "[root]", path

    def _write(self, way: Path) -> None:
        unified = way in self.unified
        start, rest = self._start(way[: _parent_length(way)] if unified else way)
        name = self.source.name("find")
        source = self.source
        with source.function(f"{name}(root, known)"):
            source.add(f"# {write_path(way)}")
            source.add(f"found = known.get({name!r})")
            with source.block("if found is None:"):
                source.add(f"found = {start}")
                self.walk(rest)
                if unified:
                    self._unify(way)
                source.add(f"known[{name!r}] = found")
            source.add("return found")
        self.shared[way] = name

    def _unify(self, way: Path) -> None:
        """Write the last step of a way, into a field or a list in it, so that equal objects become one in the tree."""
        source = self.source
        slot = f"p[{next(step.key for step in reversed(way) if isinstance(step, FieldStep))!r}]"
        source.add("firsts = {}")
        source.add("first = firsts.setdefault")
        with source.block("for p in found:"):
            if isinstance(way[-1], FieldStep):
                source.add(f"o = {slot}")
                self._first(way, slot)
            else:
                source.add(f"items = {slot}")
                with source.block("for index, o in enumerate(items or ()):"):
                    self._first(way, "items[index]")
        source.add("found = list(firsts.values())")

    def _first(self, way: Path, slot: str) -> None:
        """Write how an object is found to be the first of its kind, or gives its place to the first."""
        key = ", ".join(f"o[{key!r}]" for key in self._identity(way) or ())
        with self.source.block("if o is not None:"):
            self.source.add(f"{slot} = first(({key}), o)")

    def _step(self, step: PathStep, found: str) -> str:
        if isinstance(step, FieldStep):
            if self.careful:
                return f"[v for o in {found} if type(o) is dict and (v := o.get({step.key!r})) is not None]"
            return f"[v for o in {found} if (v := o[{step.key!r}]) is not None]"
        if isinstance(step, ListStep):
            guard = " if type(items) is list" if self.careful else ""
            return f"[v for items in {found}{guard} for v in items{step.bounds} if v is not None]"
        types = self.source.constant("TYPES", step.types)
        if self.careful:
            return f"[o for o in {found} if type(o) is dict and type(t := o.get('__typename')) is str and t in {types}]"
        return f"[o for o in {found} if o['__typename'] in {types}]"


def write_path(path: Path) -> str:
    """Write a path as text."""
    return ".".join(
        step.key
        if isinstance(step, FieldStep)
        else f"@{step.bounds}"
        if isinstance(step, ListStep)
        else f"|[{','.join(sorted(step.types))}]"
        for step in path
    )


def _keys(call: EntityCall) -> set[str]:
    """Return the keys of leaves that a call's representations read."""
    leaves = (each for kind in call.representations for each in kind.selections if not each.selections)
    return {"__typename", *(each.key for each in leaves if isinstance(each, RepresentationField))}


def _shared_ways(ends: Counter[Path]) -> set[Path]:
    """Return the longest ways that several calls have in common, and those on which a call ends that others pass."""
    next_steps: dict[Path, set[PathStep]] = {}
    for path in ends:
        for length in range(1, len(path)):
            next_steps.setdefault(path[:length], set()).add(path[length])
    forks = {way for way, steps in next_steps.items() if len(steps) > 1 or way in ends}
    return forks | {path for path, times in ends.items() if path and times > 1}


def _parent_length(path: Path) -> int:
    """Return how long the way to the objects is that hold those at the end of a path in a field or in a list."""
    return len(path) - (2 if isinstance(path[-1], ListStep) else 1)
