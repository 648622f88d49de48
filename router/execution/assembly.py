"""Putting an answer together: the working tree of one run, what is asked about it and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from itertools import chain, cycle, islice
from typing import Any, Protocol, TypeAlias

import structlog

from router.execution.compiler.finding import write_path
from router.execution.compiler.program import Code, Group, Program, Targets, Tree
from router.execution.errors import MalformedResponseError, TransportError
from router.execution.exchange import GraphQLErrorDict, GraphQLResponse, Outcome
from router.execution.inspection import mismatches
from router.execution.reading import Answer, read_answer
from router.execution.relocation import Relocation
from router.execution.transports.port import SubgraphResponse
from router.planner.plan import Fetch

logger = structlog.get_logger(__name__)

DISORDER = (KeyError, TypeError, AttributeError, ValueError, IndexError)
"""What quick code raises when the working tree is not as it trusts it to be."""

Representations: TypeAlias = Mapping[str, Any]
"""The representations of a fetch, by the variables that carry them."""


class Assembling(Protocol):
    """Makes the answer of one run out of what the subgraphs answered."""

    def ask(self, fetch: Fetch) -> Representations | None:
        """Return what a fetch of entities asks about; None if there is nobody to ask about."""
        ...

    def take(self, fetch: Fetch, response: SubgraphResponse) -> None:
        """Take in what a fetch brought."""
        ...

    def fail(self, fetch: Fetch, error: BaseException) -> None:
        """Take note that a fetch came to nothing."""
        ...

    def respond(self) -> GraphQLResponse:
        """Return the answer; all fetches are done."""
        ...


class Assembly:
    """Merges each result into the working tree when it comes.

    Args:
        program: the code that does it.
        max_errors: how many errors to list at most.
        prelude: fields of the root that are answered already.
    """

    __slots__ = ("_errors", "_known", "_limit", "_program", "_root", "_targets")

    def __init__(self, program: Program, max_errors: int, prelude: Mapping[str, Any] | None = None) -> None:
        self._program = program
        self._limit = max_errors
        self._root: Tree = dict(prelude) if prelude else {}
        self._known: dict[str, list[Tree]] = {}
        self._targets: dict[int, dict[str, Targets]] = {}
        self._errors: dict[int, list[GraphQLErrorDict]] = {}

    @property
    def faultless(self) -> bool:
        """Whether nothing has gone wrong so far."""
        return not self._errors

    def ask(self, fetch: Fetch) -> Representations | None:
        """Collect the representations of a fetch, and remember whom they stand for."""
        if fetch.id in self._program.contextual:
            return self._ask_groups(fetch)
        representations: dict[str, Any] = {}
        targets: dict[str, Targets] = {}
        self._targets[fetch.id] = targets
        for index, batch in enumerate(self._program.batches[fetch.id]):
            try:
                found = self._program.quick.fetches[fetch.id].batches[index].collect(self._root, self._known)
            except DISORDER:
                found = self._program.careful.fetches[fetch.id].batches[index].collect(self._root, {})
            representations[batch.variable], targets[batch.alias] = found
        return representations if any(targets.values()) else None

    def _ask_groups(self, fetch: Fetch) -> Representations | None:
        """Collect the representations of a fetch with contexts, and the values that go with them."""
        contextual = self._program.contextual[fetch.id]
        groups: list[Group]
        try:
            groups = self._program.quick.fetches[fetch.id].batches[0].collect(self._root, self._known)
        except DISORDER:
            groups = self._program.careful.fetches[fetch.id].batches[0].collect(self._root, {})
        representations: dict[str, Any] = {}
        targets: dict[str, Targets] = {}
        self._targets[fetch.id] = targets
        for number, (values, sent, asked, _seen) in enumerate(groups):
            representations.update(contextual.bind(number, len(groups), (sent, *values)))
            targets[contextual.alias(number, len(groups))] = asked
        return representations or None

    def take(self, fetch: Fetch, response: SubgraphResponse) -> None:
        """Merge what a fetch brought, or note what is wrong with it."""
        try:
            self._read(fetch, response)
        except Exception as error:
            self.fail(fetch, error)

    def fail(self, fetch: Fetch, error: BaseException) -> None:
        """Note that a fetch came to nothing, whatever the reason."""
        if isinstance(error, asyncio.CancelledError):
            error = TransportError("the request was cancelled")
        elif not isinstance(error, TransportError):
            logger.error("A fetch failed for a reason of the router's own", subgraph=fetch.subgraph, exc_info=error)
            error = TransportError("internal error")
        self._fault(fetch, error)

    def respond(self) -> GraphQLResponse:
        """Project the working tree to what the client asked for."""
        data = self._project()
        withheld = self._program.withheld
        if not self._errors:
            return GraphQLResponse(Outcome.EXECUTED, data, withheld.errors, withheld.extensions)
        errors = chain(withheld.errors, *(self._errors[each] for each in sorted(self._errors)))
        return GraphQLResponse(Outcome.EXECUTED, data, tuple(islice(errors, self._limit)), withheld.extensions)

    def _project(self) -> Tree | None:
        try:
            return self._program.quick.project(self._root, self._known)
        except DISORDER:
            explained = bool(self._errors) or self._program.is_partial
            found = mismatches(self._program.shape, self._root, explained=explained)
            self._errors[len(self._program.plan.fetches)] = list(islice(found, self._limit))
            return self._program.careful.project(self._root, self._known)

    def _read(self, fetch: Fetch, response: SubgraphResponse) -> None:
        answer = read_answer(response, reader=self._program.readers.get(fetch.id), exact=self._program.exact)
        if answer.fault:
            self._fault(fetch, answer.fault)
        if answer.data is not None:
            self._merge(fetch, answer)
        if answer.errors:
            relocation = Relocation(
                fetch, self._targets.get(fetch.id, {}), self._root, self._program.asked, self._limit
            )
            self._note(fetch, relocation.errors(answer.errors[: self._limit]))

    def _merge(self, fetch: Fetch, answer: Answer) -> None:
        try:
            self._merge_with(self._program.quick, fetch, answer)
        except DISORDER:
            self._merge_with(self._program.careful, fetch, answer)

    def _merge_with(self, code: Code, fetch: Fetch, answer: Answer) -> None:
        functions = code.fetches[fetch.id]
        data = answer.data or {}
        if functions.merge:
            functions.merge(self._root, data)
            return
        # A fetch with contexts has one batch, and targets for each of its groups.
        for (alias, asked), batch in zip(self._targets[fetch.id].items(), cycle(functions.batches), strict=False):
            entities = data.get(alias)
            if type(entities) is list and len(entities) == len(asked):
                if batch.merge(entities, asked):
                    self._fault(fetch, MalformedResponseError("an entity is not an object"))
            elif asked and not (entities is None and answer.errors):
                self._fault(fetch, MalformedResponseError(f"'{alias}' does not hold {len(asked)} entities"))

    def _fault(self, fetch: Fetch, error: TransportError) -> None:
        made = error.as_error(fetch.subgraph)
        affected = fetch.entities[0].path if fetch.entities else fetch.path
        if affected:
            made["extensions"]["affectedPath"] = write_path(affected)
        self._note(fetch, [made])

    def _note(self, fetch: Fetch, errors: Iterable[GraphQLErrorDict]) -> None:
        self._errors.setdefault(fetch.id, []).extend(islice(errors, self._limit))
