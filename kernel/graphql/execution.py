"""Executing an operation against a subgraph's schema, with no HTTP in sight.

This is the one road into a subgraph: the HTTP app and the in-process router both take it, so checks, masking
and correlation are the same on either. Parsing and validation are remembered by the text of the document.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from inspect import isawaitable
from typing import Any, Final, TypeGuard, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    create_source_event_stream,
    execute,
    parse,
    validate,
)
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from kernel import telemetry, tracing
from kernel.cache import LRU
from kernel.errors import DomainError, InfrastructureError
from kernel.graphql.context import Context
from kernel.graphql.schema import Schema
from kernel.identity import ANONYMOUS, Caller
from kernel.ids import new_id
from kernel.impersonation import Trace, changes_of

_REMEMBERED_DOCUMENTS: Final = 1000
_IS_AWAITABLE: Final = cast("Callable[[Any], TypeGuard[Awaitable[Any]]]", optimized_is_awaitable)
_log = telemetry.get_logger("graphql")


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to an operation, in plain values."""

    data: dict[str, Any] | None
    errors: Sequence[dict[str, Any]] = field(default=())

    def to_builtins(self) -> dict[str, Any]:
        """Spell the answer as the body of a GraphQL response."""
        body: dict[str, Any] = {"data": self.data}
        if self.errors:
            body["errors"] = list(self.errors)
        return body


class Executor:
    """Runs operations of one subgraph; `trace` is where changes in somebody else's name are written down."""

    def __init__(
        self,
        name: str,
        schema: Schema,
        make_context: Callable[[Caller], Context[Any, Any]],
        trace: Trace | None = None,
    ) -> None:
        self.name = name
        self.schema = schema
        self._make_context = make_context
        self._trace = trace
        self._documents: LRU[str, DocumentNode | Sequence[GraphQLError]] = LRU(_REMEMBERED_DOCUMENTS)

    async def execute(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        *,
        caller: Caller = ANONYMOUS,
        correlation_id: str = "",
        traceparent: str = "",
    ) -> Result:
        """Run an operation for a caller; never raises for what a client or a resolver did wrong."""
        document = self._document(query)
        if not isinstance(document, DocumentNode):
            return Result(None, [_refusal(error) for error in document])
        causation = telemetry.causation_id()
        with (
            telemetry.correlated(
                correlation_id or telemetry.correlation_id(),
                causation=causation,
                trace=traceparent or telemetry.traceparent(),
            ),
            tracing.span(f"graphql {self.name}", of=self.name, kind="server"),
        ):
            if caller.impersonator is not None and self._trace and (changes := changes_of(document, operation_name)):
                await self._trace.leave(caller, changes)
            outcome = execute(**self._arguments(document, dict(variables or {}), operation_name, caller))
            result = await outcome if isawaitable(outcome) else outcome
        return self._finish(cast("ExecutionResult", result))

    async def subscribe(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        *,
        caller: Caller = ANONYMOUS,
        correlation_id: str = "",
        traceparent: str = "",
    ) -> AsyncGenerator[Result]:
        """Run a subscription for a caller; each event is executed in a context of its own, so that it is seen afresh.

        Closing the generator ends the subscription. What a client or a resolver did wrong comes as a result.
        """
        document = self._document(query)
        if not isinstance(document, DocumentNode):
            yield Result(None, [_refusal(error) for error in document])
            return
        arguments = partial(self._arguments, document, dict(variables or {}), operation_name, caller)
        source = await self._open(arguments())
        if isinstance(source, ExecutionResult):
            yield self._finish(source)
            return
        async with aclosing(source) as events:
            try:
                async for event in events:
                    with telemetry.correlated(correlation_id, trace=traceparent):
                        outcome = execute(**arguments(), root_value=event)
                        result = await outcome if isawaitable(outcome) else outcome
                    yield self._finish(cast("ExecutionResult", result))
            except Exception as error:
                failure = GraphQLError(str(error), original_error=error)
                yield self._finish(ExecutionResult(None, [failure]))

    async def _open(self, arguments: dict[str, Any]) -> AsyncGenerator[Any] | ExecutionResult:
        """Open the source of a subscription, or tell why that cannot be."""
        executor_class, variables = arguments.pop("executor_class"), arguments.pop("variable_values")
        executor = executor_class.build(**arguments, raw_variable_values=variables)
        if isinstance(executor, Sequence):
            return ExecutionResult(None, list(executor))
        opened = create_source_event_stream(executor)
        return cast("AsyncGenerator[Any] | ExecutionResult", await opened if isawaitable(opened) else opened)

    def _arguments(
        self, document: DocumentNode, variables: dict[str, Any], operation_name: str | None, caller: Caller
    ) -> dict[str, Any]:
        return {
            "schema": self.schema._schema,  # Strawberry's public execute() costs far more
            "document": document,
            "context_value": self._make_context(caller),
            "variable_values": variables,
            "operation_name": operation_name,
            "is_awaitable": _IS_AWAITABLE,
            "executor_class": StrawberryGraphQLCoreExecutionContext,
        }

    def _document(self, query: str) -> DocumentNode | Sequence[GraphQLError]:
        known = self._documents.get(query)
        if known is None:
            known = self._read(query)
            self._documents.put(query, known)
        return known

    def _read(self, query: str) -> DocumentNode | Sequence[GraphQLError]:
        try:
            document = parse(query, max_tokens=20_000)
        except GraphQLError as error:
            error.extensions = {"code": "GRAPHQL_PARSE_FAILED"}
            return [error]
        errors = validate(self.schema._schema, document)  # as above
        for error in errors:
            error.extensions = {"code": "GRAPHQL_VALIDATION_FAILED"}
        return errors or document

    def _finish(self, result: ExecutionResult) -> Result:
        if not result.errors:
            return Result(result.data)
        return Result(result.data, [self._show(error) for error in result.errors])

    def _show(self, error: GraphQLError) -> dict[str, Any]:
        """Show an error without what is ours to know: the only place where errors are masked."""
        cause = error.original_error
        while isinstance(cause, GraphQLError):
            cause = cause.original_error
        if isinstance(cause, DomainError):
            return _formatted(error, cause.message, cause.code)
        if cause is None:
            return _refusal(error)
        error_id = new_id("evt")
        _log.error("resolver failed", subgraph=self.name, error_id=error_id, path=error.path, exc_info=cause)
        if isinstance(cause, InfrastructureError) and cause.retryable:
            shown = _formatted(error, "This does not work right now; try again soon.", "SERVICE_UNAVAILABLE")
        else:
            shown = _formatted(error, "Internal error", "INTERNAL_SERVER_ERROR")
        shown["extensions"]["errorId"] = error_id
        return shown


def _refusal(error: GraphQLError) -> dict[str, Any]:
    """Show an error about the request itself, which holds nothing of ours."""
    return _formatted(error, error.message, (error.extensions or {}).get("code", "BAD_USER_INPUT"))


def _formatted(error: GraphQLError, message: str, code: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"message": message, "extensions": {"code": code}}
    if error.locations:
        shown["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path:
        shown["path"] = list(error.path)
    return shown
