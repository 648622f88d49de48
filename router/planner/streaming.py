"""Pass 8, where lists are streamed: what is asked about the items of such a list is asked twice, for first and later.

Nothing else differs: both halves are fetches like any other, each with a part of the list in its paths, so that the
first items wait for none of the others. Where that cannot be, because a list is asked for in several ways at one place,
or what stands outside it depends on what is inside, the list comes as a whole: `@stream` may be passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TypeAlias

from router.planner.deferral import MOST_USAGES, NOT_DEFERRED, Deferrals, Deferred, Streaming, Usage
from router.planner.errors import PlanBudgetError
from router.planner.normalise import Operation
from router.planner.plan import DeferredPart, Fetch, FieldStep, ListStep, Path, PathStep, QueryPlan
from router.planner.selection import Field, Selection

Keys: TypeAlias = tuple[str, ...]
_Ids: TypeAlias = dict[tuple[int, frozenset[int]], int]
"""The numbers of fetches in the divided plan, by those they had and the lists of which they ask about later items."""


@dataclass(frozen=True, slots=True)
class Streams:
    """The lists of an operation that are streamed, by the keys that lead to them."""

    lists: Mapping[Keys, Streaming]
    deferrals: Deferrals

    def passed(self, path: Path) -> tuple[Streaming, ...]:
        """Return the lists that a path goes into, the outermost first."""
        if not self.lists:
            return ()
        return tuple(
            self.lists[keys] for keys, step in _steps(path) if isinstance(step, ListStep) and keys in self.lists
        )

    def divided(self, plan: QueryPlan) -> QueryPlan:
        """Return a plan in which the later items of each list are asked about apart from the first ones."""
        if not self.lists:
            return plan
        passed = [frozenset(each.number for each in self.passed(_place(fetch))) for fetch in plan.fetches]
        tied = (
            passed[other] - own for fetch, own in zip(plan.fetches, passed, strict=True) for other in fetch.depends_on
        )
        numbers = frozenset(each.number for each in self.lists.values()).difference(*tied)
        division = _Division(self, numbers, passed)
        for fetch in plan.fetches:
            division.take(fetch)
        fetches = tuple(division.fetches)
        return replace(plan, fetches=fetches, parts=tuple(self._parts(plan, fetches, numbers)), streamed=numbers)

    def _parts(self, plan: QueryPlan, fetches: tuple[Fetch, ...], numbers: frozenset[int]) -> Iterator[DeferredPart]:
        """Yield the parts of the divided plan: for the lists, for the fragments, and for fragments in later items."""
        known = {part.deferred: part for part in plan.parts}
        for keys, streaming in self.lists.items():
            if streaming.number in numbers:
                group = frozenset({streaming.later})
                known[group] = DeferredPart(
                    group, self.deferrals.labels()[streaming.number], tuple(map(FieldStep, keys))
                )
        for fetch in fetches:
            if fetch.deferred and fetch.deferred not in known:
                label = self.deferrals.labels()[min(fetch.deferred)[-1]]
                known[fetch.deferred] = DeferredPart(fetch.deferred, label, _place(fetch))
        yield from sorted(known.values(), key=lambda part: sorted((len(usage), usage) for usage in part.deferred))


@dataclass(slots=True)
class _Division:
    """A plan while it is divided: which lists count, and for each fetch the lists that it goes into."""

    streams: Streams
    numbers: frozenset[int]
    passed: list[frozenset[int]]
    fetches: list[Fetch] = field(default_factory=list)
    ids: _Ids = field(default_factory=dict)

    def take(self, fetch: Fetch) -> None:
        """Take a fetch in, once for each half of the lists that it goes into."""
        lists = self.streams.passed(_place(fetch))
        counting = [each for each in lists if each.number in self.numbers]
        for chosen in product(*((False, True) if each.first else (True,) for each in counting)):
            later = frozenset(each.number for each, is_later in zip(counting, chosen, strict=True) if is_later)
            if len(self.fetches) >= MOST_USAGES:
                raise PlanBudgetError(f"the lists that are streamed make more than {MOST_USAGES} requests")
            self.fetches.append(self._half(fetch, lists, later) if lists else self._moved(fetch, later))

    def _half(self, fetch: Fetch, lists: tuple[Streaming, ...], later: frozenset[int]) -> Fetch:
        moved = self._moved(fetch, later)
        return replace(
            moved,
            path=self._path(fetch.path, later),
            entities=tuple(replace(call, path=self._path(call.path, later)) for call in fetch.entities),
            deferred=self._deferred(fetch.deferred, lists[-1], later),
        )

    def _moved(self, fetch: Fetch, later: frozenset[int]) -> Fetch:
        depends_on = frozenset(self.ids[other, later & self.passed[other]] for other in fetch.depends_on)
        number = self.ids[fetch.id, later] = len(self.fetches)
        return replace(fetch, id=number, depends_on=depends_on)

    def _path(self, path: Path, later: frozenset[int]) -> Path:
        return tuple(
            self._step(keys, step, later) if isinstance(step, ListStep) else step for keys, step in _steps(path)
        )

    def _step(self, keys: Keys, step: ListStep, later: frozenset[int]) -> ListStep:
        streaming = self.streams.lists.get(keys)
        if streaming is None or streaming.number not in self.numbers:
            return step
        return ListStep(start=streaming.first) if streaming.number in later else ListStep(stop=streaming.first)

    def _deferred(self, deferred: Deferred, innermost: Streaming, later: frozenset[int]) -> Deferred:
        """Return what waits for a half: the usages of its fields, those of later items with their lists' numbers."""
        usages = frozenset(self._usage(usage, innermost.later, later) for usage in deferred or ((),))
        return NOT_DEFERRED if () in usages else usages

    def _usage(self, usage: Usage, within: Usage, later: frozenset[int]) -> Usage:
        """Put the numbers of lists into the usage of a field, which stands in the innermost of them."""
        deferrals = self.streams.deferrals
        whole = (*within, *usage[len(deferrals.apart(within)) :])
        return tuple(number for number in whole if number in later or number not in deferrals.lists)


def streams_of(operation: Operation) -> Streams:
    """Return the lists of an operation that are streamed, apart from those that are asked for in several ways."""
    deferrals = operation.deferrals
    if not deferrals.lists:
        return Streams({}, deferrals)
    search = _Search()
    search.seek(operation.selection, ())
    asked: dict[Keys, set[Streaming | None]] = {}
    _gather(operation.selection, (), {keys[:size] for keys in search.found for size in range(len(keys) + 1)}, asked)
    found = {keys: asked[keys] for keys in search.found}
    unsure = {each.number for ways in found.values() if len(ways) > 1 for each in ways if each is not None}
    unsure |= {each.number for ways in found.values() for each in ways if each and each.number in each.usage}
    sure = {keys: each for keys, ways in found.items() for each in ways if each and each.number not in unsure}
    return Streams(sure, deferrals)


@dataclass(slots=True)
class _Search:
    """Finds the keys that lead to streamed lists; parts of the operation without any are left out."""

    found: set[Keys] = field(default_factory=set)
    known: dict[int, bool] = field(default_factory=dict)
    seen: set[tuple[int, Keys]] = field(default_factory=set)

    def seek(self, selection: Selection, keys: Keys) -> None:
        if (id(selection), keys) in self.seen or not self._holds(selection):
            return
        self.seen.add((id(selection), keys))
        for each in _fields(selection):
            if each.streaming is not None:
                self.found.add((*keys, each.key))
            if each.selection is not None:
                self.seek(each.selection, (*keys, each.key))
        if len(self.found) > MOST_USAGES:
            raise PlanBudgetError(f"the operation streams more than {MOST_USAGES} lists")

    def _holds(self, selection: Selection) -> bool:
        known = self.known.get(id(selection))
        if known is None:
            known = self.known[id(selection)] = any(
                each.streaming is not None or (each.selection is not None and self._holds(each.selection))
                for each in _fields(selection)
            )
        return known


def _gather(selection: Selection, keys: Keys, ways: set[Keys], asked: dict[Keys, set[Streaming | None]]) -> None:
    """Note how each field is asked for on the ways to streamed lists."""
    for each in _fields(selection):
        inner = (*keys, each.key)
        if inner in ways:
            asked.setdefault(inner, set()).add(each.streaming)
            if each.selection is not None:
                _gather(each.selection, inner, ways, asked)


def _fields(selection: Selection) -> Iterator[Field]:
    yield from selection.fields
    for group in selection.groups:
        yield from group.selection.fields


def _steps(path: Path) -> Iterator[tuple[Keys, PathStep]]:
    """Yield the steps of a path, a field's first list with the keys up to there and others with none."""
    keys: Keys = ()
    fresh = False
    for step in path:
        if isinstance(step, FieldStep):
            keys, fresh = (*keys, step.key), True
            yield (), step
        elif isinstance(step, ListStep):
            yield (keys if fresh else ()), step
            fresh = False
        else:
            yield (), step


def _place(fetch: Fetch) -> Path:
    """Return where what a fetch brings is put; all its calls go into the same streamed lists."""
    return fetch.entities[0].path if fetch.entities else fetch.path
