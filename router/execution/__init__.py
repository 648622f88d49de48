"""Running operations: a plan becomes generated Python, and the generated Python answers requests."""

from router.execution.engine import Engine
from router.execution.errors import (
    BadUserInputError,
    DocumentInvalidError,
    DocumentSyntaxError,
    ExecutionError,
    IntrospectionDisabledError,
    MalformedResponseError,
    OperationUnplannableError,
    OperationUnresolvedError,
    RequestError,
    ResponseTooLargeError,
    SubgraphTimeoutError,
    SubgraphUnreachableError,
    SubscriptionRefusedError,
    TransportError,
)
from router.execution.exchange import ANONYMOUS, GraphQLRequest, GraphQLResponse, Outcome, RequestContext
from router.execution.prepared import PreparedOperation
from router.execution.settings import CacheLimits, DocumentLimits, EngineSettings

__all__ = [
    "ANONYMOUS",
    "BadUserInputError",
    "CacheLimits",
    "DocumentInvalidError",
    "DocumentLimits",
    "DocumentSyntaxError",
    "Engine",
    "EngineSettings",
    "ExecutionError",
    "GraphQLRequest",
    "GraphQLResponse",
    "IntrospectionDisabledError",
    "MalformedResponseError",
    "OperationUnplannableError",
    "OperationUnresolvedError",
    "Outcome",
    "PreparedOperation",
    "RequestContext",
    "RequestError",
    "ResponseTooLargeError",
    "SubgraphTimeoutError",
    "SubgraphUnreachableError",
    "SubscriptionRefusedError",
    "TransportError",
]
