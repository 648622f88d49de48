"""The cache on the way to one subgraph.

A request is taken apart into what is kept by itself: its entities, or its root fields as a whole. What is known is not
asked for; what somebody else is just asking for is waited for; the rest goes to the subgraph in one request.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import orjson
from typing_extensions import override

from router.cache.answering import Answering, Fetching, Question
from router.cache.answers import Known, kept_parts
from router.cache.asker import Asker, asker_of
from router.cache.hints import Ages
from router.cache.memory import Entry, Key
from router.cache.shape import Part, read_parts, tags_of
from router.cache.store import Store
from router.execution.cache_policy import CachePolicy, read_cache_control
from router.execution.transports.port import CallingTransport, Sender, SubgraphRequest, SubgraphResponse
from router.traffic.calls import Awaiting, Call, Done

_SHAPES: Final = 5_000
_PRIVATE: Final = b"p"


class CachingTransport(CallingTransport):
    """Asks a subgraph only for what is not known.

    Args:
        send: asks the subgraph.
        ages: how long its answers are kept.
        root: the type of its queries.
        store: where they are.
    """

    def __init__(self, send: Sender, ages: Ages, root: str, store: Store) -> None:
        self.ask = send
        self.ages = ages
        self.store = store
        self.under_way: dict[Key, Fetching] = {}
        self._root = root
        self._shapes: OrderedDict[str, tuple[Part, ...] | None] = OrderedDict()
        self._private: set[bytes] = set()

    @override
    def begin(self, request: SubgraphRequest, done: Done[SubgraphResponse]) -> Call:
        """Answer a request from what is known, and ask for the rest."""
        parts = self._parts(request) if request.operation.kind == "query" else None
        if parts is None:
            return self.ask(request, done)
        asker = asker_of(request)
        questions = [question for part in parts for question in self._questions(part, request, asker)]
        if self.store.far is not None and any(self.known(each) is None for each in questions):
            return _Looking(self, request, parts, questions, done)
        return Answering(self, request, parts, questions).begin(done)

    def known(self, question: Question) -> Entry | None:
        """Return what is known of a question."""
        entry = self.store.near.get(question.public_key)
        if entry is None and question.private_key is not None and self.may_be_private(question.part):
            entry = self.store.near.get(question.private_key)
        return entry

    def may_be_private(self, part: Part) -> bool:
        """Whether answers to this may be kept for single callers."""
        return part.private or part.text in self._private

    def keep(
        self, questions: Sequence[Question], request: SubgraphRequest, response: SubgraphResponse, since: int
    ) -> dict[Key, bytes]:
        """Keep what a subgraph has answered, as far as it may be; return what it has answered, by the keys."""
        found = kept_parts(response, [(each.part.alias, each.place) for each in questions])
        if found is None:
            return {}
        bodies: dict[Key, bytes] = {}
        for question, known in zip(questions, found, strict=True):
            if known is None:
                continue
            policy = self._policy(question.part, response)
            key = question.private_key if policy.private else question.public_key
            if policy.no_store or policy.max_age <= 0 or key is None:
                continue
            if policy.private:
                self._private.add(question.part.text)
            bodies[key] = known.body
            self._put(key, question, known, request, policy, since)
        return bodies

    def _put(  # noqa: PLR0917 - the second half of `keep`
        self, key: Key, question: Question, known: Known, request: SubgraphRequest, policy: CachePolicy, since: int
    ) -> None:
        part = question.part
        tags = tags_of(part, self.ages, known.data, request.variables, question.representation)
        tags.update(f"c:{each}" for each in known.tags)
        fresh = self.store.now() + policy.max_age
        entry = Entry(known.body, fresh, fresh + self.store.settings.stale, frozenset(tags))
        self.store.put(key, entry, since)

    def _policy(self, part: Part, response: SubgraphResponse) -> CachePolicy:
        if not response.cache_control:
            return CachePolicy(part.max_age, part.private)
        said = read_cache_control(response.cache_control, part.max_age)
        return CachePolicy(said.max_age, said.private or part.private, said.no_store)

    def _parts(self, request: SubgraphRequest) -> tuple[Part, ...] | None:
        document = request.operation.document
        if document in self._shapes:
            return self._shapes[document]
        parts = self._shapes[document] = read_parts(document, self._root, self.ages)
        if len(self._shapes) > _SHAPES:
            self._shapes.popitem(last=False)
        return parts

    def _questions(self, part: Part, request: SubgraphRequest, asker: Asker) -> list[Question]:
        given = {name: request.variables[name] for name in part.variables if name in request.variables}
        rest = orjson.dumps(given, option=orjson.OPT_SORT_KEYS) if given else b""
        asked = b"\0".join((self.ages.subgraph.encode(), part.text, rest))
        public = b"\0".join((asked, asker.audience, b""))
        private = None if asker.owner is None else b"\0".join((_PRIVATE, asked, asker.owner, b""))
        if part.representations is None:
            return [Question(part, 0, public, private, None)]
        found = []
        for place, each in enumerate(request.variables[part.representations]):
            text = orjson.dumps(each, option=orjson.OPT_SORT_KEYS)
            found.append(Question(part, place, public + text, None if private is None else private + text, each))
        return found


class _Looking:
    """A request for which the shared store is asked first."""

    __slots__ = ("_begin", "_call", "_done")

    def __init__(
        self,
        owner: CachingTransport,
        request: SubgraphRequest,
        parts: tuple[Part, ...],
        questions: list[Question],
        done: Done[SubgraphResponse],
    ) -> None:
        keys = [each.public_key for each in questions if owner.known(each) is None]
        keys += [
            each.private_key
            for each in questions
            if each.private_key is not None and owner.may_be_private(each.part) and owner.known(each) is None
        ]
        self._done: Done[SubgraphResponse] | None = done
        self._begin = lambda: Answering(owner, request, parts, questions).begin(self._land)
        self._call: Call = Awaiting(owner.store.fetch(keys), self._go_on)

    def cancel(self) -> None:
        """Give it up."""
        self._done = None
        self._call.cancel()

    def _go_on(self, _result: BaseException | None) -> None:
        try:
            self._call = self._begin()
        except Exception as error:
            self._land(error)

    def _land(self, result: SubgraphResponse | BaseException) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(result)
