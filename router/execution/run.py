"""One run of a program: each fetch starts when those it depends on are merged.

There is no task for a run, and no future, only callbacks: a fetch that arrives is taken in and starts those that waited
for it, and the last one makes the answer. Everything between two arrivals happens in one go, so nothing needs a lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog

from router.execution.assembly import Assembling
from router.execution.compiler.program import Program
from router.execution.errors import ExecutionError
from router.execution.exchange import GraphQLResponse, Outcome, RequestContext
from router.execution.transports.port import Sender, SubgraphRequest, SubgraphResponse
from router.planner.plan import Fetch
from router.traffic.calls import Call, Done, awaited

logger = structlog.get_logger(__name__)


class Run:
    """Runs a program once; cancelling it cancels the requests under way.

    Args:
        program: what to run.
        assembly: makes the answer.
        variables: the client's, coerced.
        context: what travels along.
        senders: the ways to the subgraphs.
        timeout: seconds for each request to a subgraph.
    """

    __slots__ = (
        "_assembly",
        "_begun",
        "_calls",
        "_context",
        "_done",
        "_left",
        "_program",
        "_senders",
        "_timeout",
        "_variables",
        "_waits",
    )

    def __init__(  # noqa: PLR0917 - made once in one place, for each request
        self,
        program: Program,
        assembly: Assembling,
        variables: Mapping[str, Any],
        context: RequestContext,
        senders: Mapping[str, Sender],
        timeout: float,
    ) -> None:
        self._program = program
        self._assembly = assembly
        self._variables = variables
        self._context = context
        self._senders = senders
        self._timeout = timeout
        self._calls: dict[int, Call] = {}
        self._waits = list(program.waits)
        self._left = len(self._waits)
        self._begun = False
        self._done: Done[GraphQLResponse] | None = None

    def begin(self, done: Done[GraphQLResponse]) -> Run:
        """Send what waits for nothing; `done` takes the answer."""
        self._done = done
        for fetch in self._program.starts:
            self._launch(fetch)
        return self._go_on()

    def start(self) -> asyncio.Future[GraphQLResponse]:
        """Send what waits for nothing, and wait for the answer."""
        return awaited(self.begin)

    def resume(self, fetch: Fetch, response: SubgraphResponse) -> asyncio.Future[GraphQLResponse]:
        """Go on from the answer to a plan's first fetch, which came by another way: an event of a stream."""
        return awaited(partial(self._resume, fetch, response))

    def cancel(self) -> None:
        """Give up what is under way."""
        self._done = None
        calls = list(self._calls.values())
        self._calls.clear()
        for call in calls:
            call.cancel()

    def _resume(self, fetch: Fetch, response: SubgraphResponse, done: Done[GraphQLResponse]) -> Run:
        self._done = done
        self._assembly.take(fetch, response)
        self._complete(fetch)
        return self._go_on()

    def _go_on(self) -> Run:
        """Answer when all has arrived, but never before whoever began this knows that it is under way."""
        self._begun = True
        if not self._left:
            asyncio.get_running_loop().call_soon(self._finish)
        return self

    def _launch(self, fetch: Fetch) -> None:
        known = self._variables
        variables = {name: known[name] for name in fetch.variables if name in known} if fetch.variables else {}
        operation = self._program.operations[fetch.id]
        if fetch.entities:
            try:
                representations = self._assembly.ask(fetch)
            except Exception as error:
                self._assembly.fail(fetch, error)
                representations = None
            if representations is None:
                self._complete(fetch)
                return
            variables.update(representations)
            if fetch.id in self._program.contextual:
                operation = self._program.contextual[fetch.id].operation(representations)
        context = self._context
        request = SubgraphRequest(
            operation,
            variables,
            context.headers_for(fetch.subgraph),
            self._timeout,
            context.identity,
            context.value,
            context.trace,
        )
        try:
            self._calls[fetch.id] = self._senders[fetch.subgraph](request, partial(self._arrived, fetch))
        except Exception as error:
            self._assembly.fail(fetch, error)
            self._complete(fetch)

    def _arrived(self, fetch: Fetch, result: SubgraphResponse | BaseException) -> None:
        if self._done is None:
            return
        del self._calls[fetch.id]
        if isinstance(result, SubgraphResponse):
            self._assembly.take(fetch, result)
        else:
            self._assembly.fail(fetch, result)
        self._complete(fetch)

    def _complete(self, fetch: Fetch) -> None:
        self._left -= 1
        for waiting in self._program.dependents[fetch.id]:
            self._waits[waiting.id] -= 1
            if not self._waits[waiting.id]:
                self._launch(waiting)
        if not self._left and self._begun:
            self._finish()

    def _finish(self) -> None:
        done, self._done = self._done, None
        if done is None:
            return
        try:
            response = self._assembly.respond()
        except Exception:
            logger.exception("An answer could not be put together")
            response = GraphQLResponse(Outcome.FAILED, errors=ExecutionError("Internal error").as_dicts())
        done(response)
