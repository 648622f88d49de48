"""Answering one request from what is known, what others are asking for, and what has to be asked for.

Where nothing is known, the request and its answer pass as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from router.cache.answers import joined, kept_parts
from router.cache.memory import Key
from router.cache.shape import Part
from router.execution.transports.port import SubgraphRequest, SubgraphResponse
from router.traffic.calls import Call, Done

if TYPE_CHECKING:
    from router.cache.transport import CachingTransport


class Question:
    """One thing that is asked for and kept by itself."""

    __slots__ = ("part", "place", "private_key", "public_key", "representation")

    def __init__(
        self, part: Part, place: int, public_key: Key, private_key: Key | None, representation: Mapping[str, Any] | None
    ) -> None:
        self.part = part
        self.place = place
        self.public_key = public_key
        self.private_key = private_key
        self.representation = representation


class Answering:
    """One request: what is known of it, and what is waited for."""

    __slots__ = ("_call", "_done", "_found", "_own", "_owner", "_parts", "_questions", "_request", "_waits")

    def __init__(
        self, owner: CachingTransport, request: SubgraphRequest, parts: tuple[Part, ...], questions: list[Question]
    ) -> None:
        self._owner = owner
        self._request = request
        self._parts = parts
        self._questions = questions
        self._found: dict[Question, bytes] = {}
        self._own: tuple[Fetching, list[Question]] | None = None
        self._waits: dict[Fetching, list[Question]] = {}
        self._done: Done[SubgraphResponse] | None = None
        self._call: Call | None = None

    def begin(self, done: Done[SubgraphResponse]) -> Call:
        """Look for what is known, and ask for the rest."""
        self._done = done
        owner = self._owner
        missing: list[Question] = []
        old: list[Question] = []
        now = owner.store.now()
        for question in self._questions:
            entry = owner.known(question)
            if entry is None:
                missing.append(question)
                continue
            self._found[question] = entry.body
            if entry.fresh_until <= now:
                old.append(question)
        if owner.store.watcher is not None:
            owner.store.watcher.looked_up(owner.ages.subgraph, len(self._found), len(missing))
        if old:
            self._renew(old)
        self._wait_for(missing)
        if self._own is None and not self._waits:
            return asyncio.get_running_loop().call_soon(self._finish)
        return self

    def cancel(self) -> None:
        """Give it up; what others wait for goes on."""
        self._done = None
        if self._call is not None:
            self._call.cancel()
        for fetching in [*self._waits, *([self._own[0]] if self._own else [])]:
            fetching.leave(self)

    def _wait_for(self, missing: list[Question]) -> None:
        own: list[Question] = []
        for question in missing:
            fetching = self._owner.under_way.get(_shared_key(question, self._owner))
            if fetching is None or not fetching.is_current:
                own.append(question)
            else:
                self._waits.setdefault(fetching, []).append(question)
                fetching.join(self)
        if own:
            self._own = (Fetching(self._owner, self._request, self._parts, own, self._questions), own)
            self._own[0].join(self)
            try:
                self._own[0].begin()
            except BaseException:
                self.cancel()
                raise

    def _renew(self, old: list[Question]) -> None:
        """Ask for what is old while it is still used, if nobody does."""
        owner = self._owner
        old = [each for each in old if _shared_key(each, owner) not in owner.under_way]
        if old:
            fetching = Fetching(owner, self._request, self._parts, old, self._questions)
            try:
                fetching.begin()
            except Exception:
                fetching.end()

    def fetched(
        self, fetching: Fetching, result: SubgraphResponse | BaseException, bodies: Mapping[Key, bytes]
    ) -> None:
        """Take what came of a request that this has waited for."""
        if self._done is None:
            return
        if self._own is not None and fetching is self._own[0]:
            self._take_own(result)
            return
        for question in self._waits.pop(fetching):
            body = bodies.get(question.public_key) or bodies.get(question.private_key or b"")
            if body is None:
                self._ask_alone()
                return
            self._found[question] = body
        if self._own is None and not self._waits:
            self._finish()

    def _take_own(self, result: SubgraphResponse | BaseException) -> None:
        assert self._own is not None  # noqa: S101 - this is its answer
        _, asked = self._own
        if len(asked) == len(self._questions) or isinstance(result, BaseException):
            self._tell(result)
            return
        found = kept_parts(result, [(each.part.alias, place) for each, place in _places(asked)], strict=False)
        if found is None:
            self._ask_alone()
            return
        self._own = None
        for question, known in zip(asked, found, strict=True):
            self._found[question] = b"null" if known is None else known.body
        if not self._waits:
            self._finish()

    def _ask_alone(self) -> None:
        """Ask for everything, since what others asked for came to nothing that can be shared, or was only half good."""
        for fetching in self._waits:
            fetching.leave(self)
        self._waits.clear()
        self._own = None
        try:
            self._call = self._owner.ask(self._request, self._tell)
        except Exception as error:
            self._tell(error)

    def _finish(self) -> None:
        texts: dict[str | None, list[bytes]] = {part.alias: [] for part in self._parts}
        for question in self._questions:
            texts[question.part.alias].append(self._found[question])
        self._tell(SubgraphResponse(body=joined(texts)))

    def _tell(self, result: SubgraphResponse | BaseException) -> None:
        for fetching in self._waits:
            fetching.leave(self)
        self._waits.clear()
        done, self._done = self._done, None
        if done is not None:
            done(result)


class Fetching:
    """A request to the subgraph for what is not known, and those who wait for it."""

    __slots__ = ("_asked", "_call", "_keys", "_owner", "_request", "_since", "_who", "_whole")

    def __init__(
        self,
        owner: CachingTransport,
        request: SubgraphRequest,
        parts: tuple[Part, ...],
        asked: list[Question],
        everything: list[Question],
    ) -> None:
        self._owner = owner
        self._asked = asked
        self._whole = len(asked) == len(everything)
        self._request = request if self._whole else _reduced(request, parts, asked)
        self._since = owner.store.near.moment
        self._who: set[Answering] = set()
        self._call: Call | None = None
        self._keys = [_shared_key(each, owner) for each in asked if each.part.max_age > 0]

    @property
    def is_current(self) -> bool:
        """Whether nothing has changed since it was begun, so that it may answer those who ask now."""
        return self._since == self._owner.store.near.moment

    def join(self, answering: Answering) -> None:
        """Let somebody wait for it."""
        self._who.add(answering)

    def leave(self, answering: Answering) -> None:
        """Take note that one does not wait any more; when nobody does, it is given up."""
        self._who.discard(answering)
        if not self._who and self._call is not None:
            call, self._call = self._call, None
            self.end()
            call.cancel()

    def begin(self) -> None:
        """Ask."""
        for key in self._keys:
            self._owner.under_way[key] = self
        try:
            self._call = self._owner.ask(self._request, self._land)
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """Let others ask for the same again."""
        for key in self._keys:
            if self._owner.under_way.get(key) is self:
                del self._owner.under_way[key]

    def _land(self, result: SubgraphResponse | BaseException) -> None:
        self._call = None
        self.end()
        bodies: Mapping[Key, bytes] = {}
        if isinstance(result, SubgraphResponse):
            asked = self._asked if self._whole else [_moved(each, place) for each, place in _places(self._asked)]
            bodies = self._owner.keep(asked, self._request, result, self._since)
        who = list(self._who)
        self._who.clear()
        for answering in who:
            answering.fetched(self, result, bodies)


def _shared_key(question: Question, owner: CachingTransport) -> Key:
    """Return by which of its keys a question is shared while it is under way."""
    private = question.private_key if owner.may_be_private(question.part) else None
    return private or question.public_key


def _places(asked: Sequence[Question]) -> list[tuple[Question, int]]:
    """Return the questions with their places in a request that asks for them alone."""
    counts: dict[str | None, int] = {}
    found = []
    for each in asked:
        place = counts[each.part.alias] = counts.get(each.part.alias, -1) + 1
        found.append((each, place))
    return found


def _moved(question: Question, place: int) -> Question:
    return Question(question.part, place, question.public_key, question.private_key, question.representation)


def _reduced(request: SubgraphRequest, parts: Sequence[Part], asked: Sequence[Question]) -> SubgraphRequest:
    """Return a request for some of the entities."""
    variables = dict(request.variables)
    for part in parts:
        if part.representations is not None:
            variables[part.representations] = [each.representation for each in asked if each.part is part]
    return replace(request, variables=variables, _body=None)
