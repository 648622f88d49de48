"""One run of a program: each fetch starts when those it depends on are merged.

There is no task for a run, only callbacks: a fetch that arrives is merged and starts those that waited for it, and the
last one makes the answer. Everything between two arrivals happens in one go, so the working tree needs no lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import chain, islice
from typing import Any

import structlog

from router.execution.compiler.finding import write_path
from router.execution.compiler.program import Code, Program, Targets, Tree
from router.execution.errors import ExecutionError, MalformedResponseError, TransportError
from router.execution.exchange import GraphQLErrorDict, GraphQLResponse, Outcome, RequestContext
from router.execution.inspection import mismatches
from router.execution.reading import Answer, read_answer
from router.execution.relocation import Relocation
from router.execution.settings import EngineSettings
from router.execution.transports.port import SubgraphRequest, SubgraphResponse, SubgraphTransport
from router.planner.plan import Fetch

logger = structlog.get_logger(__name__)

DISORDER = (KeyError, TypeError, AttributeError, ValueError, IndexError)
"""What quick code raises when the working tree is not as it trusts it to be."""

NO_TARGETS: Mapping[str, Targets] = {}


class Run:
    """Runs a program once; `answer` completes when all is done, and cancelling it cancels the requests under way.

    Args:
        program: what to run.
        variables: the client's, coerced.
        context: what travels along.
        transports: the ways to the subgraphs.
        settings: timeout and bound on errors.
        prelude: fields of the root that are answered already.
    """

    __slots__ = (
        "_context",
        "_errors",
        "_known",
        "_left",
        "_limit",
        "_program",
        "_root",
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
        variables: Mapping[str, Any],
        context: RequestContext,
        transports: Mapping[str, SubgraphTransport],
        settings: EngineSettings,
        prelude: Mapping[str, Any] | None = None,
    ) -> None:
        self._program = program
        self._variables = variables
        self._context = context
        self._transports = transports
        self._timeout = settings.subgraph_timeout
        self._limit = settings.max_errors
        self._root: Tree = dict(prelude) if prelude else {}
        self._known: dict[str, list[Tree]] = {}
        self._errors: dict[int, list[GraphQLErrorDict]] = {}
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

    # Fetches ----------------------------------------------------------------------------------------------------------

    def _launch(self, fetch: Fetch) -> None:
        variables = {name: self._variables[name] for name in fetch.variables if name in self._variables}
        targets = self._collect(fetch, variables) if fetch.entities else NO_TARGETS
        if fetch.entities and not any(targets.values()):
            self._complete(fetch)
            return
        request = SubgraphRequest(
            self._program.operations[fetch.id],
            variables,
            self._context.headers_for(fetch.subgraph),
            self._timeout,
            self._context.identity,
            self._context.value,
            self._context.trace,
        )
        try:
            sent = asyncio.ensure_future(self._transports[fetch.subgraph].send(request))
        except Exception as error:
            self._mishap(fetch, error)
            self._complete(fetch)
            return
        self._sent[fetch.id] = sent
        sent.add_done_callback(partial(self._arrived, fetch, targets))

    def _collect(self, fetch: Fetch, variables: dict[str, Any]) -> Mapping[str, Targets]:
        """Put the representations of a fetch into its variables, and return whom they stand for."""
        targets: dict[str, Targets] = {}
        for index, batch in enumerate(self._program.batches[fetch.id]):
            try:
                found = self._program.quick.fetches[fetch.id].batches[index].collect(self._root, self._known)
            except DISORDER:
                found = self._program.careful.fetches[fetch.id].batches[index].collect(self._root, {})
            variables[batch.variable], targets[batch.alias] = found
        return targets

    def _arrived(self, fetch: Fetch, targets: Mapping[str, Targets], sent: asyncio.Future[SubgraphResponse]) -> None:
        if self.answer.done():
            _ = sent.cancelled() or sent.exception()
            return
        del self._sent[fetch.id]
        try:
            self._take(fetch, targets, sent.result())
        except (Exception, asyncio.CancelledError) as error:
            self._mishap(fetch, error)
        self._complete(fetch)

    def _complete(self, fetch: Fetch) -> None:
        self._left -= 1
        for waiting in self._program.dependents[fetch.id]:
            self._waits[waiting.id] -= 1
            if not self._waits[waiting.id]:
                self._launch(waiting)
        if not self._left and not self.answer.done():
            self._finish()

    def _take(self, fetch: Fetch, targets: Mapping[str, Targets], response: SubgraphResponse) -> None:
        answer = read_answer(response, exact=self._program.exact)
        if answer.fault:
            self._fault(fetch, answer.fault)
        if answer.data is not None:
            self._merge(fetch, targets, answer)
        if answer.errors:
            relocation = Relocation(fetch, targets, self._root, self._program.shape, self._limit)
            self._note(fetch, relocation.errors(answer.errors[: self._limit]))

    def _merge(self, fetch: Fetch, targets: Mapping[str, Targets], answer: Answer) -> None:
        try:
            self._merge_with(self._program.quick, fetch, targets, answer)
        except DISORDER:
            self._merge_with(self._program.careful, fetch, targets, answer)

    def _merge_with(self, code: Code, fetch: Fetch, targets: Mapping[str, Targets], answer: Answer) -> None:
        functions = code.fetches[fetch.id]
        data = answer.data or {}
        if functions.merge:
            functions.merge(self._root, data)
            return
        for batch, batch_code in zip(self._program.batches[fetch.id], functions.batches, strict=True):
            asked = targets[batch.alias]
            entities = data.get(batch.alias)
            if type(entities) is list and len(entities) == len(asked):
                if batch_code.merge(entities, asked):
                    self._fault(fetch, MalformedResponseError("an entity is not an object"))
            elif asked and not (entities is None and answer.errors):
                self._fault(fetch, MalformedResponseError(f"'{batch.alias}' does not hold {len(asked)} entities"))

    # The answer -------------------------------------------------------------------------------------------------------

    def _mishap(self, fetch: Fetch, error: BaseException) -> None:
        """Note that a fetch came to nothing, whatever the reason."""
        if isinstance(error, asyncio.CancelledError):
            error = TransportError("the request was cancelled")
        elif not isinstance(error, TransportError):
            logger.error("A fetch failed for a reason of the router's own", subgraph=fetch.subgraph, exc_info=error)
            error = TransportError("internal error")
        self._fault(fetch, error)

    def _fault(self, fetch: Fetch, error: TransportError) -> None:
        made = error.as_error(fetch.subgraph)
        affected = fetch.entities[0].path if fetch.entities else fetch.path
        if affected:
            made["extensions"]["affectedPath"] = write_path(affected)
        self._note(fetch, [made])

    def _note(self, fetch: Fetch, errors: Iterable[GraphQLErrorDict]) -> None:
        self._errors.setdefault(fetch.id, []).extend(islice(errors, self._limit))

    def _finish(self) -> None:
        try:
            response = self._respond()
        except Exception:
            logger.exception("An answer could not be put together")
            response = GraphQLResponse(Outcome.FAILED, errors=ExecutionError("Internal error").as_dicts())
        self.answer.set_result(response)

    def _respond(self) -> GraphQLResponse:
        try:
            data = self._program.quick.project(self._root)
        except DISORDER:
            data = self._program.careful.project(self._root)
            found = mismatches(self._program.shape, self._root, explained=bool(self._errors))
            self._errors[len(self._waits)] = list(islice(found, self._limit))
        if not self._errors:
            return GraphQLResponse(Outcome.EXECUTED, data)
        errors = chain.from_iterable(self._errors[each] for each in sorted(self._errors))
        return GraphQLResponse(Outcome.EXECUTED, data, tuple(islice(errors, self._limit)))

    def _stop(self, answer: asyncio.Future[GraphQLResponse]) -> None:
        """Give up what is under way when nobody waits for the answer any more."""
        if answer.cancelled():
            for sent in list(self._sent.values()):
                sent.cancel()
