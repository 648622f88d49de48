"""Pass 6: fewer requests, without any of them having to wait longer for its own dependants.

Requests to one subgraph for the same place become one when they wait for the same, or when nothing waits for one of
them and the other comes no earlier in its chain. What a request waits for anyway is then left out, so that requests
that become ready together can be told by comparing sets.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from router.planner.fetches import FetchGraph, FetchStep, Input
from router.planner.plan import (
    Path,
    RepresentationField,
    RepresentationFragment,
    RepresentationSelection,
)


def optimise(graph: FetchGraph) -> FetchGraph:
    """Merge requests until none can be merged, and drop superfluous dependencies."""
    steps = list(graph.steps)
    _reduce(steps)
    while _merge_one_round(steps):
        _reduce(steps)
    return FetchGraph(tuple(_in_order(steps)))


def ancestors(steps: Sequence[FetchStep]) -> dict[FetchStep, int]:
    """Return for each request all that it waits for, directly or not, as bits in the order of `steps`."""
    bits = {step: 1 << position for position, step in enumerate(steps)}
    found: dict[FetchStep, int] = {}
    for step in _in_order(steps):
        mask = 0
        for other in step.waits_for:
            mask |= bits[other] | found[other]
        found[step] = mask
    return found


def _in_order(steps: Sequence[FetchStep]) -> list[FetchStep]:
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
    above = ancestors(steps)
    bits = {step: 1 << position for position, step in enumerate(steps)}
    for step in steps:
        if len(step.waits_for) > 1:
            covered = 0
            for other in step.waits_for:
                covered |= above[other]
            step.waits_for = {other for other in step.waits_for if not covered & bits[other]}


def _merge_one_round(steps: list[FetchStep]) -> bool:
    alike: defaultdict[tuple[str, Path, bool], list[FetchStep]] = defaultdict(list)
    for step in steps:
        alike[step.subgraph, step.path, step.is_entity].append(step)
    for group in alike.values():
        if len(group) > 1 and (pair := _find_pair(steps, group)):
            _merge(steps, *pair)
            return True
    return False


def _find_pair(steps: Sequence[FetchStep], group: Sequence[FetchStep]) -> tuple[FetchStep, FetchStep] | None:
    """Find two requests that can be one: the one that stays, and the one that it takes in."""
    above = ancestors(steps)
    bits = {step: 1 << position for position, step in enumerate(steps)}
    awaited = {other for step in steps for other in step.waits_for}
    for position, first in enumerate(group):
        for second in group[position + 1 :]:
            if above[first] & bits[second] or above[second] & bits[first] or not _is_alike(first, second):
                continue
            if first.waits_for == second.waits_for or second not in awaited:
                return first, second
            if first not in awaited:
                return second, first
    return None


def _is_alike(first: FetchStep, second: FetchStep) -> bool:
    return first.kind == second.kind == "query" and (bool(first.waits_for) == bool(second.waits_for))


def _merge(steps: list[FetchStep], kept: FetchStep, gone: FetchStep) -> None:
    kept.document.merge(gone.document)
    kept.inputs = _merged_inputs(kept.inputs, gone.inputs)
    kept.waits_for |= gone.waits_for
    steps.remove(gone)
    for step in steps:
        if gone in step.waits_for:
            step.waits_for = (step.waits_for - {gone}) | {kept}


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
