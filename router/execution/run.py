"""One run of a program: each fetch starts when those it depends on are merged.

There is no task for a run, only callbacks: a fetch that arrives is taken in and starts those that waited for it, and
the last one makes the answer. Everything between two arrivals happens in one go, so nothing needs a lock.
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
from router.execution.transports.port import SubgraphRequest, SubgraphResponse, SubgraphTransport
from router.planner.plan import Fetch

logger = structlog.get_logger(__name__)


class Run:
    """Runs a program once; `answer` completes when all is done, and cancelling it cancels the requests under way.

    Args:
        program: what to run.
        assembly: makes the answer.
        variables: the client's, coerced.
        context: what travels along.
        transports: the ways to the subgraphs.
        timeout: seconds for each request to a subgraph.
    """

    __slots__ = (
        "_assembly",
        "_context",
        "_left",
        "_program",
        "_sent",
        "_timeout",
        "_transports",
        "_variables",
        "_waits",
        "answer",
    )

    def __init__(  # noqa: PLR0917 - made once in one place, for each request
        self,
        program: Program,
        assembly: Assembling,
        variables: Mapping[str, Any],
        context: RequestContext,
        transports: Mapping[str, SubgraphTransport],
        timeout: float,
    ) -> None:
        self._program = program
        self._assembly = assembly
        self._variables = variables
        self._context = context
        self._transports = transports
        self._timeout = timeout
        self._sent: dict[int, asyncio.Future[SubgraphResponse]] = {}
        self._waits = list(program.waits)
        self._left = len(self._waits)
        self.answer: asyncio.Future[GraphQLResponse] = asyncio.get_running_loop().create_future()

    def start(self) -> asyncio.Future[GraphQLResponse]:
        """Send what waits for nothing."""
        self.answer.add_done_callback(self._stop)
        for fetch in self._program.starts:
            self._launch(fetch)
        if not self._left and not self.answer.done():
            self._finish()
        return self.answer

    def resume(self, fetch: Fetch, response: SubgraphResponse) -> asyncio.Future[GraphQLResponse]:
        """Go on from the answer to a plan's first fetch, which came by another way: an event of a stream."""
        self.answer.add_done_callback(self._stop)
        self._assembly.take(fetch, response)
        self._complete(fetch)
        return self.answer

    def _launch(self, fetch: Fetch) -> None:
        variables = {name: self._variables[name] for name in fetch.variables if name in self._variables}
        operation = self._program.operations[fetch.id]
        if fetch.entities:
            representations = self._assembly.ask(fetch)
            if representations is None:
                self._complete(fetch)
                return
            variables.update(representations)
            if fetch.id in self._program.contextual:
                operation = self._program.contextual[fetch.id].operation(representations)
        request = SubgraphRequest(
            operation,
            variables,
            self._context.headers_for(fetch.subgraph),
            self._timeout,
            self._context.identity,
            self._context.value,
            self._context.trace,
        )
        try:
            sending = self._transports[fetch.subgraph].send(request)
            sent = sending if isinstance(sending, asyncio.Future) else asyncio.ensure_future(sending)
        except Exception as error:
            self._assembly.fail(fetch, error)
            self._complete(fetch)
            return
        self._sent[fetch.id] = sent
        sent.add_done_callback(partial(self._arrived, fetch))

    def _arrived(self, fetch: Fetch, sent: asyncio.Future[SubgraphResponse]) -> None:
        if self.answer.done():
            _ = sent.cancelled() or sent.exception()
            return
        del self._sent[fetch.id]
        try:
            response = sent.result()
        except (Exception, asyncio.CancelledError) as error:
            self._assembly.fail(fetch, error)
        else:
            self._assembly.take(fetch, response)
        self._complete(fetch)

    def _complete(self, fetch: Fetch) -> None:
        self._left -= 1
        for waiting in self._program.dependents[fetch.id]:
            self._waits[waiting.id] -= 1
            if not self._waits[waiting.id]:
                self._launch(waiting)
        if not self._left and not self.answer.done():
            self._finish()

    def _finish(self) -> None:
        try:
            response = self._assembly.respond()
        except Exception:
            logger.exception("An answer could not be put together")
            response = GraphQLResponse(Outcome.FAILED, errors=ExecutionError("Internal error").as_dicts())
        self.answer.set_result(response)

    def _stop(self, answer: asyncio.Future[GraphQLResponse]) -> None:
        """Give up what is under way when nobody waits for the answer any more."""
        if answer.cancelled():
            for sent in list(self._sent.values()):
                sent.cancel()
