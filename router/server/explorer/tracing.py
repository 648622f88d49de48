"""What the explorer's plan view shows: an operation's plan, how each of its fetches went, and the code that ran.

Where the explorer is on, two more addresses take the same requests as the GraphQL endpoint, under the same rules:

    POST /explorer/run     runs the operation; the answer is the endpoint's, with `extensions.storegraph` besides: in
                           the last part where it comes in parts, and in each event of a subscription
    POST /explorer/plan    runs nothing: `data` is null, and `extensions.storegraph` tells what would be done

They are endpoints of their own over an engine that takes notes, so that the endpoint of everybody pays nothing for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from graphql import parse, print_ast
from typing_extensions import override

from router.execution.assembly import Assembling
from router.execution.compiler.program import Program
from router.execution.engine import Engine
from router.execution.errors import ExecutionError
from router.execution.exchange import GraphQLRequest, GraphQLResponse, Outcome, RequestContext
from router.execution.payloads import Payload
from router.execution.prepared import PreparedOperation
from router.execution.run import Run
from router.execution.streaming import EventStream
from router.execution.transports.port import Sender, SubgraphRequest, SubgraphResponse
from router.planner import plan_json, plan_text
from router.planner.plan import Fetch
from router.planner.plan_text import path_text
from router.traffic.calls import Call, Done

EXTENSION = "storegraph"


@dataclass(slots=True)
class FetchNotes:
    """How one fetch went; times are in milliseconds since the request came."""

    started: float
    took: float | None = None
    entities: int = 0
    status: int | None = None
    bytes: int | None = None
    error: str | None = None


@dataclass(slots=True)
class Notes:
    """What is noted of one request, or of one event; `delivered` tells when each part of an answer was ready."""

    begun: float = field(default_factory=time.perf_counter)
    program: Program | None = None
    fetches: dict[int, FetchNotes] = field(default_factory=dict)
    delivered: list[float] = field(default_factory=list)

    def milliseconds(self) -> float:
        """Return the time since the request came."""
        return round((time.perf_counter() - self.begun) * 1000, 3)


class NotingRun(Run):
    """A run that notes when each fetch began, how long it took and what came."""

    __slots__ = ("_launching", "_notes")

    def __init__(  # noqa: PLR0917 - what a run is made with, after the notes
        self,
        notes: Notes,
        program: Program,
        assembly: Assembling,
        variables: Mapping[str, Any],
        context: RequestContext,
        senders: Mapping[str, Sender],
        timeout: float,
    ) -> None:
        noting = {name: partial(self._send, send) for name, send in senders.items()}
        super().__init__(program, assembly, variables, context, noting, timeout)
        notes.program = program
        self._notes = notes
        self._launching = 0

    @override
    def _launch(self, fetch: Fetch) -> None:
        self._launching = fetch.id
        super()._launch(fetch)

    def _send(self, send: Sender, request: SubgraphRequest, done: Done[SubgraphResponse]) -> Call:
        representations = [each for each in request.variables.values() if _are_representations(each)]
        self._notes.fetches[self._launching] = FetchNotes(
            self._notes.milliseconds(), entities=sum(map(len, representations))
        )
        return send(request, done)

    @override
    def _arrived(self, fetch: Fetch, result: SubgraphResponse | BaseException) -> None:
        notes = self._notes.fetches[fetch.id]
        notes.took = round(self._notes.milliseconds() - notes.started, 3)
        if isinstance(result, SubgraphResponse):
            notes.status = result.status
            notes.bytes = None if result.body is None else len(result.body)
        else:
            notes.error = str(result)
        super()._arrived(fetch, result)


def _are_representations(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and "__typename" in value[0]


class _NotingEvents:
    """Makes the runs of a subscription's events, each with notes of its own."""

    def __init__(self) -> None:
        self.latest = Notes()

    def __call__(  # noqa: PLR0917 - what a run is made with
        self,
        program: Program,
        assembly: Assembling,
        variables: Mapping[str, Any],
        context: RequestContext,
        senders: Mapping[str, Sender],
        timeout: float,
    ) -> Run:
        """Make the run of an event."""
        self.latest = Notes()
        return NotingRun(self.latest, program, assembly, variables, context, senders, timeout)


@dataclass(frozen=True, slots=True, eq=False)
class NotingStream(EventStream):
    """A subscription whose events tell how they were completed."""

    runs: _NotingEvents

    @override
    def complete(self, event: SubgraphResponse, context: RequestContext) -> asyncio.Future[GraphQLResponse]:
        completed = EventStream.complete(self, event, context)
        notes = self.runs.latest
        size = None if event.body is None else len(event.body)
        notes.fetches[self.source.id] = FetchNotes(0.0, 0.0, status=event.status, bytes=size)
        return asyncio.ensure_future(self._noted(completed, notes))

    async def _noted(self, completed: asyncio.Future[GraphQLResponse], notes: Notes) -> GraphQLResponse:
        return _with_notes(await completed, self.program, notes)


class NotingEngine:
    """An engine whose answers tell how they came about.

    Args:
        engine: what answers.
        run: whether operations are run; else only their plans are made.
    """

    def __init__(self, engine: Engine, *, run: bool) -> None:
        self._engine = engine
        self._runs = run

    async def execute(self, request: GraphQLRequest, context: RequestContext) -> GraphQLResponse:
        """Answer a request and add the notes; no error leaves this."""
        notes = Notes()
        observed = self._engine.observed(partial(NotingRun, notes))
        response = await (observed.execute(request, context) if self._runs else self._plan(notes, request, context))
        return response if notes.program is None else _with_notes(response, notes.program, notes)

    async def prepare(self, request: GraphQLRequest) -> PreparedOperation:
        """Return the operation of a request."""
        return await self._engine.prepare(request)

    def ready(self, request: GraphQLRequest, context: RequestContext) -> Run | None:
        """Leave every request to `execute`, which takes notes."""
        del request, context
        return None

    async def execute_incremental(self, request: GraphQLRequest, context: RequestContext) -> AsyncGenerator[Payload]:
        """Answer a request in parts, the last of which has the notes."""
        notes = Notes()
        observed = self._engine.observed(partial(NotingRun, notes))
        async with aclosing(observed.execute_incremental(request, context)) as payloads:
            async for payload in payloads:
                notes.delivered.append(notes.milliseconds())
                is_last = notes.program is not None and not payload.has_next
                yield replace(payload, extensions=_extension(notes.program, notes)) if is_last else payload

    async def stream(self, request: GraphQLRequest, context: RequestContext) -> EventStream:
        """Return the stream that a subscription asks for."""
        runs = _NotingEvents()
        stream = await self._engine.observed(runs).stream(request, context)
        return NotingStream(stream.program, stream.variables, stream.transport, stream.run, stream.max_errors, runs)

    async def _plan(self, notes: Notes, request: GraphQLRequest, context: RequestContext) -> GraphQLResponse:
        try:
            notes.program = await self._engine.program_of(request, context)
        except ExecutionError as error:
            return GraphQLResponse(Outcome.REFUSED, errors=error.as_dicts())
        return GraphQLResponse(Outcome.EXECUTED)


def _with_notes(response: GraphQLResponse, program: Program, notes: Notes) -> GraphQLResponse:
    return replace(response, extensions={**(response.extensions or {}), **_extension(program, notes)})


def _extension(program: Program | None, notes: Notes) -> dict[str, Any]:
    return {} if program is None else {EXTENSION: report(program, notes)}


def report(program: Program, notes: Notes) -> dict[str, Any]:
    """Return what the plan view shows.

    `milliseconds` is the time of the whole request; `preparing` is the part of it before the first fetch, long only
    when the operation was new. A fetch without `started` was not needed: nothing was found to ask about. `delivered`
    tells when each part of an answer in parts was ready.
    """
    plan = program.plan
    started = [each.started for each in notes.fetches.values()]
    return {
        "kind": plan.kind,
        "milliseconds": notes.milliseconds(),
        "preparing": min(started, default=None),
        "delivered": notes.delivered,
        "fetches": [_fetch(each, notes.fetches.get(each.id)) for each in plan.fetches],
        "text": plan_text(plan),
        "apollo": plan_json(plan),
        "code": program.quick.source,
    }


def _fetch(fetch: Fetch, notes: FetchNotes | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": fetch.id,
        "subgraph": fetch.subgraph,
        "dependsOn": sorted(fetch.depends_on),
        "paths": sorted({path_text(call.path) for call in fetch.entities} or {path_text(fetch.path)} - {""}),
        "deferred": bool(fetch.deferred),
        "document": print_ast(parse(fetch.document, no_location=True)),
    }
    if notes is not None:
        told |= {"started": notes.started, "took": notes.took, "entities": notes.entities}
        told |= {"status": notes.status, "bytes": notes.bytes, "error": notes.error}
    return told
