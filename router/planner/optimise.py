"""Pass 6: fewer requests, without the chain of those that wait for each other growing longer.

Of two requests to one subgraph for the same place, the earlier joins the later if whoever waits for the earlier comes
after the later anyway. What a request waits for through others is left out.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from router.planner.fetches import FetchGraph, FetchStep, Input
from router.planner.plan import (
    RepresentationField,
    RepresentationFragment,
    RepresentationSelection,
)


def optimise(graph: FetchGraph) -> FetchGraph:
    """Merge requests until none can be merged, and drop superfluous dependencies."""
    steps = list(graph.steps)
    _reduce(steps)
    while len(left := _Round(steps).run()) < len(steps):
        steps = left
        _reduce(steps)
    return FetchGraph(tuple(_in_order(steps)), graph.parts)


def _in_order(steps: Iterable[FetchStep]) -> list[FetchStep]:
    """Sort requests so that each comes after those it waits for, otherwise as they were opened."""
    ordered: dict[FetchStep, None] = {}
    pending = sorted(steps, key=lambda step: step.number, reverse=True)
    while pending:
        step = pending[-1]
        missing = [other for other in step.waits_for if other not in ordered]
        if missing:
            pending.extend(sorted(missing, key=lambda other: other.number, reverse=True))
            continue
        pending.pop()
        ordered[step] = None
    return list(ordered)


def _reduce(steps: Sequence[FetchStep]) -> None:
    """Drop what is waited for anyway through others."""
    above = _ancestors(steps)
    bits = {step: 1 << position for position, step in enumerate(steps)}
    for step in steps:
        if len(step.waits_for) > 1:
            covered = 0
            for other in step.waits_for:
                covered |= above[other]
            step.waits_for = {other for other in step.waits_for if not covered & bits[other]}


def _ancestors(steps: Sequence[FetchStep]) -> dict[FetchStep, int]:
    """Return for each request all that it waits for, directly or not, as bits in the order of `steps`."""
    bits = {step: 1 << position for position, step in enumerate(steps)}
    found: dict[FetchStep, int] = {}
    for step in _in_order(steps):
        mask = 0
        for other in step.waits_for:
            mask |= bits[other] | found[other]
        found[step] = mask
    return found


class _Round:
    """One look at all requests; merging changes neither their depths nor the order in which they can be taken."""

    def __init__(self, steps: Sequence[FetchStep]) -> None:
        self._steps = steps
        self._depths = depths_of(steps)
        self._waiting: dict[FetchStep, set[FetchStep]] = {step: set() for step in steps}
        for step in steps:
            for other in step.waits_for:
                self._waiting[other].add(step)
        self._gone: set[FetchStep] = set()

    def run(self) -> list[FetchStep]:
        """Merge what can be merged, and return the requests that are left."""
        alike: defaultdict[tuple[object, ...], list[FetchStep]] = defaultdict(list)
        for step in self._steps:
            if step.kind == "query":
                alike[step.subgraph, step.path, step.is_entity, step.contexts, step.deferred].append(step)
        for group in alike.values():
            group.sort(key=self._depths.__getitem__, reverse=True)
            for position, later in enumerate(group):
                for earlier in group[position + 1 :]:
                    self._try(later, earlier)
        return [step for step in self._steps if step not in self._gone]

    def _try(self, later: FetchStep, earlier: FetchStep) -> None:
        """Let an earlier request join a later one, if nobody who waits for it comes before that."""
        if later in self._gone or earlier in self._gone:
            return
        needed_at = min((self._depths[step] for step in self._waiting[earlier]), default=math.inf)
        if needed_at > self._depths[later] and _can_be_one(later, earlier):
            self._merge(later, earlier)

    def _merge(self, kept: FetchStep, gone: FetchStep) -> None:
        kept.document.merge(gone.document)
        kept.inputs = _merged_inputs(kept.inputs, gone.inputs)
        kept.waits_for |= gone.waits_for
        for step in gone.waits_for:
            self._waiting[step].discard(gone)
            self._waiting[step].add(kept)
        for step in self._waiting[gone]:
            step.waits_for = (step.waits_for - {gone}) | {kept}
        self._waiting[kept] |= self._waiting[gone]
        self._gone.add(gone)


def depths_of(steps: Iterable[FetchStep]) -> dict[FetchStep, int]:
    """Return for each request how many others must be answered before it, one after the other."""
    depths: dict[FetchStep, int] = {}
    for step in _in_order(steps):
        depths[step] = 1 + max((depths[other] for other in step.waits_for), default=-1)
    return depths


def _can_be_one(first: FetchStep, second: FetchStep) -> bool:
    """Whether every object can be sent and asked what both requests send and ask of it."""
    for one in first.inputs:
        for other in second.inputs:
            if one.typename != other.typename:
                continue
            if one.types == other.types:
                if _clash(one.selections, other.selections):
                    return False
            elif one.selections != other.selections or not _ask_the_same(first, second):
                return False
    return True


def _clash(first: Iterable[RepresentationSelection], second: Iterable[RepresentationSelection]) -> bool:
    """Whether a representation would have to hold two values under one name, as where arguments differ."""
    known = {_clash_key(entry): entry for entry in first}
    return any(
        (same := known.get(_clash_key(entry))) is not None
        and (_identity(same) != _identity(entry) or _clash(same.selections, entry.selections))
        for entry in second
    )


def _clash_key(entry: RepresentationSelection) -> object:
    return entry.name if isinstance(entry, RepresentationField) else entry.types


def _ask_the_same(first: FetchStep, second: FetchStep) -> bool:
    return list(first.document.lines("")) == list(second.document.lines(""))


def _merged_inputs(first: Sequence[Input], second: Sequence[Input]) -> list[Input]:
    found = {(entry.types, entry.typename): entry for entry in first}
    for entry in second:
        key = (entry.types, entry.typename)
        known = found.get(key)
        selections = entry.selections if known is None else merged_selections(known.selections, entry.selections)
        found[key] = Input(entry.types, entry.typename, selections)
    return list(found.values())


def merged_selections(
    first: Sequence[RepresentationSelection], second: Sequence[RepresentationSelection]
) -> tuple[RepresentationSelection, ...]:
    """Return what both representations send."""
    found: dict[object, RepresentationSelection] = {_identity(entry): entry for entry in first}
    for entry in second:
        known = found.get(_identity(entry))
        found[_identity(entry)] = entry if known is None else _merged_entry(known, entry)
    return tuple(found.values())


def _identity(entry: RepresentationSelection) -> object:
    return (entry.name, entry.key) if isinstance(entry, RepresentationField) else entry.types


def _merged_entry(first: RepresentationSelection, second: RepresentationSelection) -> RepresentationSelection:
    selections = merged_selections(first.selections, second.selections)
    if isinstance(first, RepresentationField):
        return RepresentationField(first.name, first.key, selections)
    return RepresentationFragment(first.types, selections)
