"""Everything that can go wrong while an operation is answered.

ExecutionError
├── RequestError                    the client's request is wrong; nothing ran
│   ├── DocumentSyntaxError         GRAPHQL_PARSE_FAILED
│   ├── DocumentInvalidError        GRAPHQL_VALIDATION_FAILED
│   ├── OperationUnresolvedError    OPERATION_RESOLUTION_FAILURE
│   ├── BadUserInputError           BAD_USER_INPUT
│   ├── IntrospectionDisabledError  INTROSPECTION_DISABLED
│   ├── SubscriptionRefusedError    SUBSCRIPTION_BAD_HEADER
│   └── NotASubscriptionError       OPERATION_NOT_STREAMED
├── OperationUnplannableError       QUERY_PLAN_BUILD_FAILED
└── TransportError                  a subgraph gave no answer that can be used
    ├── SubgraphUnreachableError    SUBREQUEST_HTTP_ERROR
    ├── SubgraphTimeoutError        SUBGRAPH_REQUEST_TIMEOUT
    ├── NotSentError                it was not even asked
    │   ├── CircuitOpenError        SUBGRAPH_CIRCUIT_BREAKER_REJECTED
    │   └── OverloadedError         REQUEST_CONCURRENCY_LIMITED
    ├── StreamNotCarriedError       SUBREQUEST_STREAM_NOT_CARRIED
    ├── WebSocketError              SUBREQUEST_WEBSOCKET_ERROR
    └── MalformedResponseError      SUBREQUEST_MALFORMED_RESPONSE
        └── ResponseTooLargeError

None of these leaves `Engine.execute`: they become the errors of the answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from graphql import GraphQLError
from typing_extensions import override

from router.execution.exchange import GraphQLErrorDict


class ExecutionError(Exception):
    """Base of all errors of execution."""

    code: ClassVar[str] = "INTERNAL_SERVER_ERROR"
    status: int | None = None
    """The HTTP status, where it is another than that of all refusals."""

    def as_dicts(self) -> tuple[GraphQLErrorDict, ...]:
        """Return the errors as an answer lists them."""
        return ({"message": str(self), "extensions": {"code": self.code}},)


class RequestError(ExecutionError):
    """The client's request is wrong.

    Args:
        message: what is wrong.
        causes: the findings of graphql-core, if it made any; they are listed in place of the message.
    """

    def __init__(self, message: str, causes: Iterable[GraphQLError] = ()) -> None:
        super().__init__(message)
        self.causes = tuple(causes)

    @override
    def as_dicts(self) -> tuple[GraphQLErrorDict, ...]:
        """List each cause with its locations."""
        if not self.causes:
            return super().as_dicts()
        return tuple(self._coded(dict(cause.formatted)) for cause in self.causes)

    def _coded(self, error: GraphQLErrorDict) -> GraphQLErrorDict:
        error["extensions"] = {**error.get("extensions", {}), "code": self.code}
        return error


class DocumentSyntaxError(RequestError):
    """The text is no GraphQL document, or a larger one than is taken."""

    code = "GRAPHQL_PARSE_FAILED"


class DocumentInvalidError(RequestError):
    """The document does not fit the schema, or goes beyond the limits."""

    code = "GRAPHQL_VALIDATION_FAILED"


class OperationUnresolvedError(RequestError):
    """The document holds no operation of that name, or several and none was named."""

    code = "OPERATION_RESOLUTION_FAILURE"


class BadUserInputError(RequestError):
    """The variables do not fit their declarations."""

    code = "BAD_USER_INPUT"


class IntrospectionDisabledError(RequestError):
    """The operation asks for the schema, which this router does not tell."""

    code = "INTROSPECTION_DISABLED"


class SubscriptionRefusedError(RequestError):
    """The operation asks for a stream, and the client takes only one answer."""

    code = "SUBSCRIPTION_BAD_HEADER"


class NotASubscriptionError(RequestError):
    """The operation has one answer, and a stream was asked for."""

    code = "OPERATION_NOT_STREAMED"


class OperationUnplannableError(ExecutionError):
    """The planner found no way to answer the operation.

    Args:
        message: why.
        code: the planner's own code for it.
    """

    code = "QUERY_PLAN_BUILD_FAILED"

    def __init__(self, message: str, code: str = code) -> None:
        super().__init__(message)
        self._code = code

    @override
    def as_dicts(self) -> tuple[GraphQLErrorDict, ...]:
        """Return the one error, under the planner's code."""
        return ({"message": str(self), "extensions": {"code": self._code}},)


class TransportError(ExecutionError):
    """A subgraph gave no answer that can be used.

    Args:
        reason: why, without the subgraph's name.
        status: the HTTP status, where one came.
        unsent: whether it is certain that the subgraph got nothing of the request.
    """

    code = "SUBREQUEST_HTTP_ERROR"

    def __init__(self, reason: str, *, status: int | None = None, unsent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.unsent = unsent

    def as_error(self, subgraph: str) -> GraphQLErrorDict:
        """Return the error that the client sees in place of that subgraph's data."""
        extensions: dict[str, Any] = {
            "code": self.code,
            "service": subgraph,
            "serviceName": subgraph,
            "reason": self.reason,
        }
        if self.status is not None:
            extensions["http"] = {"status": self.status}
        return {"message": f"HTTP fetch failed from '{subgraph}': {self.reason}", "extensions": extensions}


class SubgraphUnreachableError(TransportError):
    """No connection, a broken one, or an HTTP status that means failure."""


class SubgraphTimeoutError(TransportError):
    """The subgraph did not answer in time."""

    code = "SUBGRAPH_REQUEST_TIMEOUT"


class NotSentError(TransportError):
    """The router did not even ask the subgraph."""


class CircuitOpenError(NotSentError):
    """The subgraph has failed lately and is left alone."""

    code = "SUBGRAPH_CIRCUIT_BREAKER_REJECTED"


class OverloadedError(NotSentError):
    """The subgraph has as much to do as it may, and as many requests wait as may."""

    code = "REQUEST_CONCURRENCY_LIMITED"


class StreamNotCarriedError(TransportError):
    """No way is set up by which this subgraph could send a stream."""

    code = "SUBREQUEST_STREAM_NOT_CARRIED"


class WebSocketError(TransportError):
    """The WebSocket to the subgraph could not be opened, or broke."""

    code = "SUBREQUEST_WEBSOCKET_ERROR"


class MalformedResponseError(TransportError):
    """What came back is no GraphQL response."""

    code = "SUBREQUEST_MALFORMED_RESPONSE"


class ResponseTooLargeError(MalformedResponseError):
    """The response goes beyond the bound on its size."""
