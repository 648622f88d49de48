"""Answers that come in parts (`@defer`, `@stream`): what a client gets first, and what follows.

The working tree is the same as without them; only the moments differ at which parts of it are taken out. A fragment is
complete when the fetches of its fields are merged. It is then delivered at each place where it stands in what was
delivered before; a null that must not be goes up no farther than to the fragment, which has failed there. The later
items of a list are such a part too, whose place is the list.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count, islice
from typing import Any, TypeAlias

import structlog
from typing_extensions import override

from router.execution.assembly import Assembly, Representations
from router.execution.compiler.deferred import DeferredProgram
from router.execution.compiler.deferred_shape import Piece, Site, Standing, Tail
from router.execution.compiler.program import Tree
from router.execution.errors import ExecutionError
from router.execution.exchange import GraphQLErrorDict, GraphQLResponse, Outcome
from router.execution.inspection import mismatches
from router.execution.payloads import Addition, ClientPath, ListPart, Part, Payload, Pending
from router.execution.transports.port import SubgraphResponse
from router.planner.deferral import Usage
from router.planner.plan import Fetch

logger = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Place:
    """A fragment at one place, or the later items of a list, and what is to come there."""

    usage: Usage
    path: ClientPath
    parent: _Place | None
    tail: Tail | None = None
    pieces: list[_Waiting] = field(default_factory=list)
    pending: Pending | None = None
    is_over: bool = False
    has_failed: bool = False

    def around(self) -> Iterator[_Place]:
        """Yield the fragments around this one, the nearest first."""
        place = self.parent
        while place is not None:
            yield place
            place = place.parent

    def may_come(self) -> bool:
        """Whether it brings something, or may yet; what is inside a fragment that has failed does not."""
        around = list(self.around())
        return not any(place.has_failed for place in around) and (
            bool(self.pieces) or any(place.pieces and not place.is_over for place in around)
        )

    def is_next(self) -> bool:
        """Whether it brings something, and all around it that did has come."""
        return bool(self.pieces) and all(place.is_over or not place.pieces for place in self.around())


@dataclass(slots=True, eq=False)
class _Waiting:
    """A piece that belongs to the object at a path, and the fragments that stand there or above."""

    piece: Piece
    path: ClientPath
    standing: Mapping[Usage, _Place]
    is_delivered: bool = False
    is_explored: bool = False
    """Whether what is deferred below it was found, by a fragment that may have failed since."""


class IncrementalAssembly(Assembly):
    """Makes the parts of one answer and hands each on as soon as it is complete.

    Args:
        program: the code.
        max_errors: how many errors to list at most.
        prelude: fields of the root that are answered already.
        deliver: takes each payload; the last has no next.
    """

    __slots__ = ("_begun", "_deliver", "_done", "_ids", "_pieces", "_places", "_told")

    def __init__(
        self,
        program: DeferredProgram,
        max_errors: int,
        prelude: Mapping[str, Any] | None,
        deliver: Callable[[Payload], None],
    ) -> None:
        super().__init__(program.program, max_errors, prelude)
        self._pieces = program
        self._deliver = deliver
        self._done: set[int] = set()
        self._places: list[_Place] = []
        self._begun = False
        self._told: set[int] = set()
        self._ids = count()

    def begin(self) -> None:
        """Deliver at once what waits for no fetch."""
        self._go_on()

    @override
    def respond(self) -> GraphQLResponse:
        """End; everything was delivered before."""
        return GraphQLResponse(Outcome.EXECUTED)

    @override
    def ask(self, fetch: Fetch) -> Representations | None:
        representations = super().ask(fetch)
        if representations is None:
            self._finished(fetch)
        return representations

    @override
    def take(self, fetch: Fetch, response: SubgraphResponse) -> None:
        super().take(fetch, response)
        self._finished(fetch)

    @override
    def fail(self, fetch: Fetch, error: BaseException) -> None:
        super().fail(fetch, error)
        self._finished(fetch)

    def _finished(self, fetch: Fetch) -> None:
        if fetch.id not in self._done:
            self._done.add(fetch.id)
            self._go_on()

    def _go_on(self) -> None:
        try:
            self._deliver_all()
        except Exception:
            logger.exception("A deferred answer could not be put together")
            errors = ExecutionError("Internal error").as_dicts()
            self._deliver(Payload(None if self._begun else GraphQLResponse(Outcome.FAILED, errors=errors)))
            self._begun = True
            self._places.clear()

    def _deliver_all(self) -> None:
        """Deliver all that has become complete."""
        if not self._begun and self._pieces.at_once <= self._done:
            self._begun = True
            self._deliver_first()
        while self._begun and (ready := [place for place in self._places if self._is_ready(place)]):
            self._deliver_parts(ready)

    def _is_ready(self, place: _Place) -> bool:
        return place.pending is not None and self._pieces.fetches.get(place.usage, frozenset()) <= self._done

    def _deliver_first(self) -> None:
        data = self._project()
        errors = self._tell(self._pieces.at_once | {len(self._program.plan.fetches)})
        if data is not None and self._pieces.site is not None:
            self._discover(self._pieces.site, self._root, data, (), {})
        pending = self._announce()
        response = GraphQLResponse(Outcome.EXECUTED, data, errors)
        self._deliver(Payload(response, pending, has_next=bool(self._places)))

    def _deliver_parts(self, ready: list[_Place]) -> None:
        errors = self._assigned(ready)
        parts = [self._part(place, errors.get(id(place), [])) for place in ready]
        self._places = [place for place in self._places if not place.is_over]
        pending = self._announce()
        if not self._places and (left := self._tell(self._errors)):
            parts[-1] = replace(parts[-1], errors=parts[-1].errors + left)
        self._deliver(Payload(None, pending, tuple(parts), bool(self._places)))

    # What stands where -----------------------------------------------------------------------------------------------

    def _discover(self, site: Site, target: Any, made: Any, path: ClientPath, standing: Mapping[Usage, _Place]) -> None:
        """Find what is deferred at an object and below it, where it was delivered."""
        if type(made) is list and type(target) is list:
            self._discover_items(site, target, made, path, standing)
        if type(made) is not dict or type(target) is not dict:
            return
        here = site.standing(target.get("__typename"))
        if here is None:
            return
        standing = self._stand(here, path, standing)
        for piece in here.pieces:
            waiting = _Waiting(piece, path, standing)
            for usage in piece.group:
                standing[usage].pieces.append(waiting)
        for key, inner in here.below.items():
            self._discover(inner, target.get(key), made.get(key), (*path, key), standing)
        for tail in here.tails:
            if type(made.get(tail.key)) is list and len(target[tail.key]) > tail.start:
                self._await_items(tail, path, standing)

    def _discover_items(  # noqa: PLR0917 - as `_discover`, and from which item on
        self,
        site: Site,
        target: list[Any],
        made: list[Any],
        path: ClientPath,
        standing: Mapping[Usage, _Place],
        start: int = 0,
    ) -> None:
        """Find what is deferred at items that were delivered."""
        for index, item in enumerate(made, start):
            self._discover(site, target[index], item, (*path, index), standing)

    def _await_items(self, tail: Tail, path: ClientPath, standing: Mapping[Usage, _Place]) -> None:
        place = _Place(tail.usage, (*path, tail.key), standing.get(tail.usage[:-1]), tail)
        place.pieces.append(_Waiting(tail.piece, path, {**standing, tail.usage: place}))
        self._places.append(place)

    def _stand(self, here: Standing, path: ClientPath, standing: Mapping[Usage, _Place]) -> Mapping[Usage, _Place]:
        if not here.usages:
            return standing
        found = dict(standing)
        for usage in sorted(here.usages, key=len):
            place = found[usage] = _Place(usage, path, found.get(usage[:-1]))
            self._places.append(place)
        return found

    def _announce(self) -> tuple[Pending, ...]:
        """Tell of the fragments that are to come next: those that bring something and are inside no other to come."""
        self._places = [place for place in self._places if place.may_come()]
        announced = []
        for place in self._places:
            if place.pending is None and place.is_next():
                place.pending = Pending(str(next(self._ids)), place.path, self._pieces.labels[place.usage[-1]])
                announced.append(place.pending)
        return tuple(announced)

    # What is delivered ------------------------------------------------------------------------------------------------

    def _part(self, place: _Place, errors: list[GraphQLErrorDict]) -> Part:
        """Make the part that a fragment brings to its place."""
        place.is_over = True
        if place.pending is None:
            raise TypeError("a fragment is announced before it comes")
        if place.tail is not None:
            return self._list_part(place, place.pending, place.tail, errors)
        brought: list[tuple[_Waiting, Tree]] = []
        while waiting := [each for each in place.pieces if not each.is_delivered]:
            for each in waiting:
                data = self._make(each, errors)
                if data is None:
                    _withdraw(place, brought)
                    return Part(place.pending, (), tuple(errors), failed=True)
                each.is_delivered = True
                brought.append((each, data))
        additions = (Addition(each.path[len(place.path) :], data) for each, data in brought if data)
        return Part(place.pending, tuple(additions), tuple(errors))

    def _list_part(self, place: _Place, pending: Pending, tail: Tail, errors: list[GraphQLErrorDict]) -> ListPart:
        """Make the part that later items are."""
        (waiting,) = place.pieces
        made = self._make(waiting, errors)
        items = None if made is None else made[tail.key]
        place.has_failed = items is None
        if items and tail.site is not None:
            self._discover_items(tail.site, self._at(place.path), items, place.path, waiting.standing, tail.start)
        return ListPart(pending, (), tuple(errors), place.has_failed, items or (), tail.start)

    def _make(self, waiting: _Waiting, errors: list[GraphQLErrorDict]) -> Tree | None:
        """Make the data of a piece, and find what is deferred below it."""
        piece, path = waiting.piece, waiting.path
        target = self._at(path)
        found = islice(mismatches(piece.shape, target, explained=bool(errors)), self._limit)
        errors += ({**error, "path": [*path, *error.get("path", ())]} for error in found)
        data = self._pieces.projections[id(piece)](target, {})
        if data is not None and piece.site is not None and not waiting.is_explored:
            waiting.is_explored = True
            self._discover(piece.site, target, data, path, waiting.standing)
        return data

    def _at(self, path: ClientPath) -> Any:
        """Return what stands at a path at present: merging may have put another object, equal to the first, there."""
        value: Any = self._root
        for step in path:
            value = value[step]
        return value

    def _assigned(self, ready: list[_Place]) -> Mapping[int, list[GraphQLErrorDict]]:
        """Return the errors of the fragments' fetches for each place; those that concern no place go to the first."""
        places: dict[Usage, dict[ClientPath, _Place]] = {}
        for place in ready:
            places.setdefault(place.usage, {})[place.path] = place
        assigned: dict[int, list[GraphQLErrorDict]] = {}
        for usage, by_path in places.items():
            for error in self._untold(self._pieces.fetches.get(usage, frozenset())):
                path = tuple(error.get("path", next(iter(by_path))))
                prefixes = (path[:size] for size in range(len(path), -1, -1))
                place = next((by_path[prefix] for prefix in prefixes if prefix in by_path), None)
                if place is not None:
                    self._told.add(id(error))
                    assigned.setdefault(id(place), []).append(error)
        return assigned

    def _untold(self, fetches: Iterable[int]) -> list[GraphQLErrorDict]:
        """Return errors of some fetches that were not told yet."""
        return [
            error for fetch in sorted(fetches) for error in self._errors.get(fetch, ()) if id(error) not in self._told
        ]

    def _tell(self, fetches: Iterable[int]) -> tuple[GraphQLErrorDict, ...]:
        """Return errors of some fetches that were not told yet, and take note that they are."""
        errors = self._untold(fetches)
        self._told.update(map(id, errors))
        return tuple(errors)


def _withdraw(place: _Place, brought: Iterable[tuple[_Waiting, Tree]]) -> None:
    """Let a fragment fail: what it would have brought is left to the other fragments that it belongs to."""
    place.has_failed = True
    for each, _ in brought:
        each.is_delivered = False


Begin: TypeAlias = Callable[[Callable[[Payload], None]], "asyncio.Future[GraphQLResponse]"]
"""Begins a run and returns its end, given who takes the payloads."""


async def payloads(begin: Begin) -> AsyncGenerator[Payload]:
    """Yield the payloads of a run, which is given up when the generator is closed."""
    arrived: asyncio.Queue[Payload] = asyncio.Queue()
    end = begin(arrived.put_nowait)
    try:
        while True:
            payload = await arrived.get()
            yield payload
            if not payload.has_next:
                return
    finally:
        end.cancel()
