"""What the server answers by itself when a request never reaches the engine, or does not come back in time.

HttpError
├── NotFoundError              404 NOT_FOUND
├── MethodNotAllowedError      405 METHOD_NOT_ALLOWED
├── MutationByGetError         405 MUTATION_FORBIDDEN
├── NotAcceptableError         406 INVALID_ACCEPT_HEADER
├── UnsupportedMediaError      415 INVALID_CONTENT_TYPE_HEADER
├── CsrfError                  400 CSRF_ERROR
├── BodyTooLargeError          413 PAYLOAD_TOO_LARGE
├── InvalidRequestError        400 INVALID_GRAPHQL_REQUEST
├── MissingQueryError          400 MISSING_QUERY_STRING
├── BatchingDisabledError      400 BATCHING_NOT_ENABLED
├── BatchTooLargeError         422 BATCH_LIMIT_EXCEEDED
├── SubscriptionInBatchError   406 BATCHING_SUBSCRIPTION_UNSUPPORTED
├── OperationNotRunError       as the refusal says
├── InvalidUploadError         400 INVALID_MULTIPART_REQUEST
├── TooManyFilesError          413 MAX_FILES_LIMIT_EXCEEDED
├── FileTooLargeError          413 MAX_FILE_SIZE_LIMIT_EXCEEDED
├── UnidentifiedError          as the identity error says
├── BadHandshakeError          400 BAD_WEBSOCKET_HANDSHAKE
├── ForeignOriginError         403 FOREIGN_ORIGIN
├── TooManyConnectionsError    503 TOO_MANY_CONNECTIONS
├── TimedOutError              504 GATEWAY_TIMEOUT
└── InternalError              500 INTERNAL_SERVER_ERROR
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from router.operations.errors import OperationRefusedError
from router.policy.identity import IdentityError
from router.server.exchange import Header


class HttpError(Exception):
    """An answer in place of a result; its message is meant for the client."""

    status: int = 400
    code: str = "INTERNAL_SERVER_ERROR"

    def __init__(self, message: str, *, headers: Iterable[Header] = ()) -> None:
        super().__init__(message)
        self.headers = tuple(headers)

    def as_dict(self) -> dict[str, list[dict[str, Any]]]:
        """Return the answer in the form of a GraphQL response."""
        return {"errors": [{"message": str(self), "extensions": {"code": self.code}}]}


class NotFoundError(HttpError):
    """Nothing is served under this path."""

    status = 404
    code = "NOT_FOUND"


class MethodNotAllowedError(HttpError):
    """The path takes other methods than this."""

    status = 405
    code = "METHOD_NOT_ALLOWED"


class MutationByGetError(HttpError):
    """A GET must not change anything."""

    status = 405
    code = "MUTATION_FORBIDDEN"

    def __init__(self) -> None:
        super().__init__("Mutations are only allowed over POST.", headers=[(b"allow", b"POST")])


class NotAcceptableError(HttpError):
    """The client takes no media type that can be sent."""

    status = 406
    code = "INVALID_ACCEPT_HEADER"


class UnsupportedMediaError(HttpError):
    """The body is of a type that is not read."""

    status = 415
    code = "INVALID_CONTENT_TYPE_HEADER"


class CsrfError(HttpError):
    """A foreign page could have made a browser send this request."""

    code = "CSRF_ERROR"


class BodyTooLargeError(HttpError):
    """The body is larger than is read."""

    status = 413
    code = "PAYLOAD_TOO_LARGE"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is larger than {limit} bytes.", headers=[(b"connection", b"close")])


class InvalidRequestError(HttpError):
    """What was sent is no GraphQL request."""

    code = "INVALID_GRAPHQL_REQUEST"


class MissingQueryError(HttpError):
    """The request holds no document."""

    code = "MISSING_QUERY_STRING"


class BatchingDisabledError(HttpError):
    """Several operations came in one body."""

    code = "BATCHING_NOT_ENABLED"


class BatchTooLargeError(HttpError):
    """More operations came in one body than are taken."""

    status = 422
    code = "BATCH_LIMIT_EXCEEDED"


class SubscriptionInBatchError(HttpError):
    """One of the operations in a body has many answers."""

    status = 406
    code = "BATCHING_SUBSCRIPTION_UNSUPPORTED"


class OperationNotRunError(HttpError):
    """The operation is not known by the name that was given, or may not be run; no cache must keep that."""

    def __init__(self, cause: OperationRefusedError) -> None:
        super().__init__(str(cause), headers=[(b"cache-control", b"private, no-cache, must-revalidate")])
        self.status = cause.status
        self.code = cause.code


class InvalidUploadError(HttpError):
    """A form with files is not as the multipart request specification says."""

    code = "INVALID_MULTIPART_REQUEST"


class TooManyFilesError(HttpError):
    """A form holds more files than are taken."""

    status = 413
    code = "MAX_FILES_LIMIT_EXCEEDED"


class FileTooLargeError(HttpError):
    """A file is larger than is taken."""

    status = 413
    code = "MAX_FILE_SIZE_LIMIT_EXCEEDED"


class UnidentifiedError(HttpError):
    """The caller's credentials do not hold."""

    def __init__(self, cause: IdentityError) -> None:
        challenge = [(b"www-authenticate", b'Bearer error="invalid_token"')] if cause.status == 401 else []
        super().__init__(str(cause), headers=challenge)
        self.status = cause.status
        self.code = cause.code


class BadHandshakeError(HttpError):
    """What should begin a WebSocket does not."""

    code = "BAD_WEBSOCKET_HANDSHAKE"

    def __init__(self) -> None:
        super().__init__("The WebSocket handshake is not valid.", headers=[(b"sec-websocket-version", b"13")])


class ForeignOriginError(HttpError):
    """A page of a foreign origin asks for what CORS does not guard."""

    status = 403
    code = "FOREIGN_ORIGIN"


class TooManyConnectionsError(HttpError):
    """As many connections of this kind are open as may be."""

    status = 503
    code = "TOO_MANY_CONNECTIONS"


class EventStreamNotFoundError(HttpError):
    """Nobody has reserved an event stream by this token, or it has ended."""

    status = 404
    code = "EVENT_STREAM_NOT_FOUND"


class EventStreamTakenError(HttpError):
    """A reservation is good for one connection."""

    status = 409
    code = "EVENT_STREAM_TAKEN"


class OperationIdTakenError(HttpError):
    """Two operations of one client bear the same id."""

    status = 409
    code = "OPERATION_ID_TAKEN"


class TooManyOperationsError(HttpError):
    """As many operations of one client run as may."""

    status = 429
    code = "TOO_MANY_OPERATIONS"


class TimedOutError(HttpError):
    """The answer was not there in time."""

    status = 504
    code = "GATEWAY_TIMEOUT"


class InternalError(HttpError):
    """Something is wrong in the router itself; the id in the message leads to the log."""

    status = 500
