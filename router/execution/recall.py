"""Work that was done before on the same bytes is not done again.

What a program makes of the subgraphs' answers depends on nothing else: equal answers lead to equal representations and
to an equal response. Where many requests are under way at one time, many get equal answers, and the same ones if they
share fetches. So the results of the latest work are kept beside the bytes that they were made of, and a run whose bytes
are the same takes them over without even decoding. This is no cache of data: each run has asked the subgraphs itself.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from router.execution.assembly import Assembly, Representations
from router.execution.compiler.program import Program
from router.execution.exchange import GraphQLResponse
from router.execution.transports.port import SubgraphResponse
from router.planner.plan import Fetch

Bodies: TypeAlias = tuple[bytes, ...]
Work: TypeAlias = tuple[int, int]
"""A program's number and that of one of its fetches, or `RESPONSE`. No program lives longer for being named here."""
RESPONSE = -1
ENTRY_WEIGHT = 600
"""What an entry takes beside its bytes and its result: keys, tuples and their places in the table."""
NOBODY: Representations = {}
"""Stands for representations where there is nobody to ask about."""


class Recall:
    """Results by the bytes that they were made of: for each piece of work and size of its bytes the latest result.

    Args:
        limit: how many bytes of memory to take.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._entries: OrderedDict[tuple[int, ...], tuple[Bodies, Any, int]] = OrderedDict()

    @property
    def size(self) -> int:
        """How many bytes of memory it takes."""
        return self._size

    def get(self, work: Work, bodies: Bodies) -> Any:
        """Return the result of a piece of work on some bytes, or None if it is not known."""
        entry = self._entries.get((*work, *map(len, bodies)))
        if entry is None or entry[0] != bodies:
            return None
        return entry[1]

    def put(self, work: Work, bodies: Bodies, result: Any, size: int) -> None:
        """Keep a result; `size` is what it takes itself."""
        key = (*work, *map(len, bodies))
        size += ENTRY_WEIGHT + sum(map(len, bodies))
        if size > self._limit:
            return
        self._size += size - self._entries.pop(key, ((), None, 0))[2]
        self._entries[key] = (bodies, result, size)
        while self._size > self._limit:
            self._size -= self._entries.popitem(last=False)[1][2]


class RecallingAssembly:
    """Puts off all work until something is asked that is not known from before.

    Args:
        program: the code of the work.
        recall: what is known.
        inner: does the work, when it must be done.
    """

    __slots__ = ("_bodies", "_inner", "_program", "_put_off", "_recall")

    def __init__(self, program: Program, recall: Recall, inner: Assembly) -> None:
        self._program = program
        self._recall = recall
        self._inner = inner
        self._bodies: dict[int, bytes] = {}
        self._put_off: list[Callable[[], object]] | None = []

    def ask(self, fetch: Fetch) -> Representations | None:
        """Return what a fetch of entities asks about; None if there is nobody to ask about."""
        work, bodies = (self._program.number, fetch.id), self._bodies_of(self._program.ancestors[fetch.id])
        known = self._recall.get(work, bodies) if bodies and self._put_off is not None else None
        if known is None:
            self._catch_up()
            known = self._inner.ask(fetch) or NOBODY
            if bodies and self._inner.faultless:
                weight = self._program.scales.weigh(fetch.id, known, sum(map(len, bodies)))
                self._recall.put(work, bodies, known, weight)
        elif self._put_off is not None:
            self._put_off.append(partial(self._inner.ask, fetch))
        if known:
            return known
        self._bodies[fetch.id] = b""
        return None

    def take(self, fetch: Fetch, response: SubgraphResponse) -> None:
        """Take in what a fetch brought, later if that will do."""
        if response.body is None or response.status != 200:
            self._catch_up()
        else:
            self._bodies[fetch.id] = response.body
        if self._put_off is None:
            self._inner.take(fetch, response)
        else:
            self._put_off.append(partial(self._inner.take, fetch, response))

    def fail(self, fetch: Fetch, error: BaseException) -> None:
        """Take note that a fetch came to nothing."""
        self._catch_up()
        self._inner.fail(fetch, error)

    def respond(self) -> GraphQLResponse:
        """Return the answer; all fetches are done."""
        bodies = self._bodies_of(range(len(self._program.plan.fetches)))
        work = (self._program.number, RESPONSE)
        known = self._recall.get(work, bodies) if bodies and self._put_off is not None else None
        if known is not None:
            return known
        self._catch_up()
        response = self._inner.respond()
        if bodies and not response.errors:
            response.trim()
            weight = self._program.scales.weigh(RESPONSE, response.data, len(response.body))
            self._recall.put(work, bodies, response, weight + len(response.body))
        return response

    def _bodies_of(self, fetches: range | tuple[int, ...]) -> Bodies | None:
        """Return what fetches brought, or None where one of them failed or brought something else than bytes."""
        try:
            return tuple(map(self._bodies.__getitem__, fetches))
        except KeyError:
            return None

    def _catch_up(self) -> None:
        """Do what was put off, in its order; from now on everything is done at once."""
        put_off, self._put_off = self._put_off, None
        for work in put_off or ():
            work()
