"""The engine: a supergraph, transports to its subgraphs, and operations that run.

    text -> document -> (operation, variables) -> plan -> program -> run -> response

The first four steps happen once for each operation and are remembered; a request whose operation is known costs a
lookup, the coercion of its variables and the run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from copy import copy
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, TypeAlias

import structlog
from graphql import GraphQLSchema, OperationDefinitionNode

from router.execution.assembly import Assembling, Assembly
from router.execution.caching import cache_rules
from router.execution.compiler import Program, compile_program
from router.execution.compiler.deferred import DeferredProgram, compile_deferred
from router.execution.deadlines import Deadlines
from router.execution.documents import Document, read_document
from router.execution.errors import (
    ExecutionError,
    IntrospectionDisabledError,
    NotASubscriptionError,
    OperationUnplannableError,
    RequestError,
    SubscriptionRefusedError,
)
from router.execution.exchange import ANONYMOUS, GraphQLRequest, GraphQLResponse, Outcome, RequestContext
from router.execution.gate import ALL, OPEN, Gate, Part, Passage, WeighedAssembly
from router.execution.incremental import Begin, IncrementalAssembly, payloads
from router.execution.introspection import answer_introspection, introspective_part
from router.execution.json_text import write_json
from router.execution.memo import Memo
from router.execution.overrides import Overrides
from router.execution.payloads import Payload
from router.execution.prepared import PreparedOperation, Variant
from router.execution.recall import Recall, RecallingAssembly
from router.execution.run import Run
from router.execution.settings import EngineSettings
from router.execution.streaming import EventStream
from router.execution.transports.port import Sender, StreamTransport, SubgraphTransport, sender
from router.execution.variables import VariableReader
from router.planner import Planner, PlanningError, condition_variables
from router.planner.deferral import Deferrals, count_variables, defer_variables
from router.planner.plan import QueryPlan
from router.supergraph import Supergraph
from router.traffic.calls import awaited
from router.traffic.in_flight import InFlight

MakeRun: TypeAlias = Callable[
    [Program, Assembling, Mapping[str, Any], RequestContext, Mapping[str, Sender], float], Run
]
"""Makes the run of a program."""


class PlanningWatcher(Protocol):
    """Looks at the making of programs."""

    def compiled(self, program: Program, operation: str | None, seconds: float) -> None:
        """Take note of a program that was just made; this is called from the thread that made it."""
        ...

    def showing(self, make_run: MakeRun) -> MakeRun:
        """Return what makes runs, and shows for which of them a program was made."""
        ...


class AnswerHeaders(Protocol):
    """Knows which headers of the subgraphs go on to clients."""

    def watching(self, program: Program, inner: Assembling) -> Assembling:
        """Return an assembly that does what another does, and gives its answer headers."""
        ...


logger = structlog.get_logger(__name__)


class Engine:
    """Answers operations on one supergraph.

    Args:
        supergraph: what is served.
        transports: for each subgraph the transport that leads to it.
        settings: limits and switches.
        streams: for each subgraph that has subscriptions, the transport that opens their streams.
        planner: makes the plans; by default one without further limits of its own.
        gate: what stands before the runs of operations; None, and each that is valid runs.
        answer_headers: gives answers headers of the subgraphs; None, and they have none.
    """

    def __init__(
        self,
        supergraph: Supergraph,
        transports: Mapping[str, SubgraphTransport],
        settings: EngineSettings | None = None,
        *,
        streams: Mapping[str, StreamTransport] | None = None,
        planner: Planner | None = None,
        gate: Gate | None = None,
        answer_headers: AnswerHeaders | None = None,
    ) -> None:
        self.supergraph = supergraph
        self.settings = settings or EngineSettings()
        self._senders = {name: sender(transport) for name, transport in transports.items()}
        self._streams = streams or {}
        self._planner = planner or Planner(supergraph)
        self._gate = gate
        self._answer_headers = answer_headers
        self._worker = ThreadPoolExecutor(1, "prepare")
        self._overrides = Overrides(self._planner.override_labels)
        self._operations: Memo[tuple[str, str | None], PreparedOperation] = Memo(
            self.settings.caches.operations, self._worker
        )
        self._introspections: Memo[tuple[str, str | None, bytes], Mapping[str, Any]] = Memo(
            self.settings.caches.introspections, self._worker
        )
        self._cache_rules = cache_rules(supergraph, self.settings.default_max_age)
        self._recall = Recall(self.settings.recall_bytes) if self.settings.recall else None
        self._shared: InFlight[Any, GraphQLResponse] = InFlight()
        self._watch: PlanningWatcher | None = None
        self._deadlines = Deadlines(self.settings.operation_timeouts) if self.settings.operation_timeouts else None
        self._make_run: MakeRun = Run if self._deadlines is None else self._deadlines.make_run

    async def execute(self, request: GraphQLRequest, context: RequestContext = ANONYMOUS) -> GraphQLResponse:
        """Answer a request; whatever goes wrong becomes an error of the answer.

        Cancelling it cancels what it asked of the subgraphs, unless another request waits for the same.
        """
        try:
            key = (request.query, request.operation_name)
            operation = self._operations.get(key) or await self.prepare(request)
            return await self.run(operation, request, context)
        except RequestError as error:
            return GraphQLResponse(Outcome.REFUSED, errors=error.as_dicts(), status=error.status)
        except ExecutionError as error:
            return GraphQLResponse(Outcome.FAILED, errors=error.as_dicts())
        except Exception:
            logger.exception("A request failed for a reason of the router's own")
            return GraphQLResponse(Outcome.FAILED, errors=ExecutionError("Internal error").as_dicts())

    async def prepare(self, request: GraphQLRequest) -> PreparedOperation:
        """Return the operation of a request, from memory if it was asked before.

        Raises:
            RequestError: the operation is not valid.
        """
        key = (request.query, request.operation_name)
        return self._operations.get(key) or await self._operations.make(key, lambda: self._prepare(*key))

    async def run(
        self, operation: PreparedOperation, request: GraphQLRequest, context: RequestContext = ANONYMOUS
    ) -> GraphQLResponse:
        """Run an operation with the variables of a request.

        Raises:
            BadUserInputError: the variables do not fit.
            SubscriptionRefusedError: the operation is a subscription.
            OperationUnplannableError: the planner found no way.
        """
        if operation.kind == "subscription":
            raise SubscriptionRefusedError("A subscription has many answers, and this way only one can be given.")
        variables = operation.variables.read(request.variables)
        program, passage = await self._pass(operation, request, variables, context)
        prelude = await self._introspect(operation, request, variables) if operation.introspection else None
        run = self._run(program, variables, context, self._assembly(program, prelude, passage), passage)
        if not self.settings.share_requests or operation.kind != "query":
            return await run.start()
        key = (program, _dump(variables), _sharing_key(context))
        return await awaited(partial(self._shared.share, key, run.begin))

    def ready(self, request: GraphQLRequest, context: RequestContext = ANONYMOUS) -> Run | None:
        """Return the run of a query that can begin at once, since all that goes before has been done for another.

        None stands for everything else: what is new, wrong or out of the ordinary is for `execute`.
        """
        operation = self._operations.get((request.query, request.operation_name))
        if operation is None or operation.kind != "query" or operation.introspection or self.settings.share_requests:
            return None
        study, passage = operation.study, OPEN
        try:
            variables = operation.variables.read(request.variables)
            share = ALL if study is None else study.share(request, variables, context)
            variant = operation.variant(variables, self._overrides.active(context.labels))
            program = None if share is None else operation.known_program(share, variant)
            if program is None or not program.starts:
                return None
            if study is not None:
                passage = study.check(program, variables, request, context)
        except RequestError:
            return None
        return self._run(program, variables, context, self._assembly(program, None, passage), passage)

    async def _pass(
        self,
        operation: PreparedOperation,
        request: GraphQLRequest,
        variables: Mapping[str, Any],
        context: RequestContext,
    ) -> tuple[Program, Passage]:
        """Return the program that a request may run, and what goes with it.

        Raises:
            RequestError: the request is held back.
            OperationUnplannableError: the planner found no way.
        """
        labels = self._overrides.active(context.labels)
        study = operation.study
        if study is None:
            known = operation.programs.get(operation.variant(variables, labels))
            return known or await self.program(operation, variables, labels), OPEN
        share = study.share(request, variables, context)
        if share is None:
            share = await study.ask(request, variables, context)
        program = await self.program(operation, variables, labels, share)
        return program, study.check(program, variables, request, context)

    async def execute_incremental(
        self, request: GraphQLRequest, context: RequestContext = ANONYMOUS
    ) -> AsyncGenerator[Payload]:
        """Answer a request in parts, as its `@defer` and `@stream` ask; in one part where it has none.

        Closing the generator cancels what it asked of the subgraphs.
        """
        begin = await self._deferring(request, context)
        if begin is None:
            yield Payload(await self.execute(request, context))
            return
        async with aclosing(payloads(begin)) as parts:
            async for payload in parts:
                yield payload

    async def _deferring(self, request: GraphQLRequest, context: RequestContext) -> Begin | None:
        """Return what begins a run in parts; None where the request is answered in one, be it with an error."""
        try:
            operation = await self.prepare(request)
            if operation.deferred is None or operation.kind == "subscription":
                return None
            variables = operation.variables.read(request.variables)
            if operation.study is not None and (await self._pass(operation, request, variables, context))[0].is_partial:
                return None
            program = await self._deferred_program(operation, operation.deferred, variables, context)
            prelude = await self._introspect(operation, request, variables) if operation.introspection else None
        except ExecutionError:
            return None

        def begin(deliver: Callable[[Payload], None]) -> asyncio.Future[GraphQLResponse]:
            assembly = IncrementalAssembly(program, self.settings.max_errors, prelude, deliver)
            assembly.begin()
            return self._run(program.program, variables, context, assembly).start()

        return begin

    async def stream(self, request: GraphQLRequest, context: RequestContext = ANONYMOUS) -> EventStream:
        """Return the stream that a subscription asks for; it is not opened yet.

        Raises:
            ExecutionError: the request is wrong, is no subscription, or the planner found no way.
        """
        operation = await self.prepare(request)
        if operation.kind != "subscription":
            raise NotASubscriptionError(f"A {operation.kind} has one answer, and is not streamed.")
        variables = operation.variables.read(request.variables)
        program, _ = await self._pass(operation, request, variables, context)
        if not program.starts:
            raise NotASubscriptionError("The subscription selects nothing.")
        stream = self._streams.get(program.starts[0].subgraph)
        return EventStream(program, variables, stream, self._run, self.settings.max_errors)

    async def program(
        self,
        operation: PreparedOperation,
        variables: Mapping[str, Any],
        labels: frozenset[str] = frozenset(),
        share: Hashable = ALL,
    ) -> Program:
        """Return the program of the variant that variables and override labels single out, compiled if need be."""
        variant = operation.variant(variables, labels)
        make = partial(self._compile, operation, variables, labels, share)
        if share == ALL:
            return await operation.programs.make(variant, make)
        return await operation.partial.make((share, variant), make)

    async def program_of(self, request: GraphQLRequest, context: RequestContext = ANONYMOUS) -> Program:
        """Return the program that a request would run, in parts where it has `@defer` or `@stream`.

        Raises:
            ExecutionError: the request is wrong, or the planner found no way.
        """
        operation = await self.prepare(request)
        variables = operation.variables.read(request.variables)
        if operation.deferred is not None:
            return (await self._deferred_program(operation, operation.deferred, variables, context)).program
        return await self.program(operation, variables, self._overrides.active(context.labels))

    async def _deferred_program(
        self,
        operation: PreparedOperation,
        programs: Memo[Variant, DeferredProgram],
        variables: Mapping[str, Any],
        context: RequestContext,
    ) -> DeferredProgram:
        labels = self._overrides.active(context.labels)
        key = (*(variables.get(name) for name in operation.all_conditions), labels)
        return await programs.make(key, lambda: self._compile_deferred(operation, variables, labels))

    def observed(self, make_run: MakeRun) -> Engine:
        """Return this engine for someone who watches its runs: each is made by `make_run`, and none is spared."""
        other = copy(self)
        other.settings = replace(self.settings, share_requests=False)
        other._recall, other._make_run = None, make_run
        return other

    def watch_planning(self, watch: PlanningWatcher) -> None:
        """Have somebody look at how programs are made and who waits for them."""
        self._watch, self._make_run = watch, watch.showing(self._make_run)

    def through(self, transports: Mapping[str, SubgraphTransport]) -> Engine:
        """Return this engine with other ways to the subgraphs; what is known of operations, both know."""
        other = copy(self)
        other._senders = {name: sender(transport) for name, transport in transports.items()}
        return other

    def remembered(self, most: int) -> list[tuple[tuple[str, str | None], PreparedOperation]]:
        """Return the operations by their text and name, those used last first."""
        return self._operations.latest(most)

    def close(self) -> None:
        """Prepare no more operations; what runs goes on."""
        self._worker.shutdown(wait=False)

    def _assembly(self, program: Program, prelude: Mapping[str, Any] | None, passage: Passage) -> Assembling:
        inner = Assembly(program, self.settings.max_errors, prelude)
        recall = self._recall if prelude is None else None
        assembly: Assembling = inner if recall is None else RecallingAssembly(program, recall, inner)
        if self._cache_rules is not None:
            assembly = self._cache_rules.watching(program, assembly)
        if self._answer_headers is not None:
            assembly = self._answer_headers.watching(program, assembly)
        return assembly if passage.weigh is None else WeighedAssembly(assembly, passage.weigh)

    def _run(
        self,
        program: Program,
        variables: Mapping[str, Any],
        context: RequestContext,
        assembly: Assembling,
        passage: Passage = OPEN,
    ) -> Run:
        senders = passage.senders(self._senders) if passage.closed else self._senders
        return self._make_run(program, assembly, variables, context, senders, self.settings.subgraph_timeout)

    def _prepare(self, query: str, name: str | None) -> PreparedOperation:
        schema = self.supergraph.api_schema
        document = read_document(schema, query, self.settings.limits)
        node = document.operation(name)
        introspection = introspective_part(node, document.fragments)
        if introspection and not self.settings.introspection:
            raise IntrospectionDisabledError("GraphQL introspection is disabled.")
        defer = defer_variables(document.node)
        return PreparedOperation(
            document=document,
            name=name,
            kind=node.operation.value,
            variables=_reader(schema, document, node),
            conditions=condition_variables(document.node, name),
            introspection=introspection,
            programs=Memo(self.settings.caches.variants, self._worker),
            partial=Memo(self.settings.caches.variants, self._worker),
            defer_variables=defer or frozenset(),
            deferred=None if defer is None else Memo(self.settings.caches.variants, self._worker),
            study=None if self._gate is None else self._gate.study(document, name),
        )

    def _compile(
        self, operation: PreparedOperation, variables: Mapping[str, Any], labels: frozenset[str], share: Hashable
    ) -> Program:
        begun = time.perf_counter()
        conditions = {name: bool(variables.get(name)) for name in operation.conditions}
        document, schema = operation.document, self.supergraph.api_schema
        part = Part(document.node) if operation.study is None else operation.study.part(share, conditions)
        try:
            plan = QueryPlan(operation.kind, ())
            if part.document is not None:
                plan = self._planner.plan(part.document, operation.name, conditions, labels)
            node = document.operation(operation.name)
            program = compile_program(schema, plan, node, document.fragments, conditions, withheld=part.withheld)
            if operation.study is not None:
                operation.study.learn(program)
            if self._cache_rules is not None:
                self._cache_rules.learn(program, node, document.fragments)
            if self._deadlines is not None:
                self._deadlines.learn(program, node)
            if self._watch is not None:
                self._watch.compiled(program, node.name.value if node.name else None, time.perf_counter() - begun)
            return program
        except PlanningError as error:
            raise OperationUnplannableError(str(error), error.code) from error
        except RecursionError:
            raise OperationUnplannableError("The operation is nested too deeply.") from None

    def _compile_deferred(
        self, operation: PreparedOperation, variables: Mapping[str, Any], labels: frozenset[str]
    ) -> DeferredProgram:
        conditions = {name: variables.get(name) is not False for name in operation.defer_variables}
        conditions |= {name: bool(variables.get(name)) for name in operation.conditions}
        document = operation.document
        try:
            plan = self._planner.plan(document.node, operation.name, conditions, labels, defer=True, counts=variables)
            node = document.operation(operation.name)
            deferrals = Deferrals(document.node, conditions, variables, plan.streamed)
            schema = self.supergraph.api_schema
            return compile_deferred(schema, plan, node, document.fragments, deferrals)
        except PlanningError as error:
            raise OperationUnplannableError(str(error), error.code) from error
        except RecursionError:
            raise OperationUnplannableError("The operation is nested too deeply.") from None

    async def _introspect(
        self, operation: PreparedOperation, request: GraphQLRequest, variables: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        part = operation.introspection
        if part is None:
            return {}
        key = (request.query, request.operation_name, _dump(variables))
        return await self._introspections.make(
            key, lambda: answer_introspection(self.supergraph.api_schema, part, variables)
        )


def _reader(schema: GraphQLSchema, document: Document, node: OperationDefinitionNode) -> VariableReader:
    """Return what reads an operation's variables; those that tell how many items of a list come first are counts."""
    reader = VariableReader.of(schema, node)
    counts = count_variables(document.node) & reader.checks.keys()
    return reader.with_counts(counts) if counts else reader


def _dump(variables: Mapping[str, Any]) -> bytes:
    return write_json(variables) if variables else b""


def _sharing_key(context: RequestContext) -> tuple[Any, ...]:
    """Return what two contexts must have in common for their requests to share an answer."""
    return context.identity, context.headers, *sorted((context.subgraph_headers or {}).items())
