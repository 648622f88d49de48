"""Why an operation that was named, or not named, is not run; codes, statuses and the first message are Apollo's.

OperationRefusedError
├── DigestUnknownError       200 PERSISTED_QUERY_NOT_FOUND
├── DigestsUnsupportedError  200 PERSISTED_QUERY_NOT_SUPPORTED
├── DigestMismatchError      400 PERSISTED_QUERY_HASH_MISMATCH
├── NotInListError           404 PERSISTED_QUERY_NOT_IN_LIST
├── NotInSafelistError       403 QUERY_NOT_IN_SAFELIST
├── IdRequiredError          400 PERSISTED_QUERY_ID_REQUIRED
├── IdAndTextError           400 CANNOT_SEND_PQ_ID_AND_BODY
├── NamingError              400 INVALID_GRAPHQL_REQUEST
└── ClientRefusedError       401 CLIENT_NOT_AUTHENTICATED
"""

from __future__ import annotations

from typing import ClassVar


class OperationRefusedError(Exception):
    """The request is not run; the message is meant for the client."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "INVALID_GRAPHQL_REQUEST"


class DigestUnknownError(OperationRefusedError):
    """Nobody has sent the document of this digest yet; a client that hears this sends it along."""

    status = 200
    code = "PERSISTED_QUERY_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")


class DigestsUnsupportedError(OperationRefusedError):
    """Documents are not remembered here; a client that hears this sends them always."""

    status = 200
    code = "PERSISTED_QUERY_NOT_SUPPORTED"

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotSupported")


class DigestMismatchError(OperationRefusedError):
    """The document is not the one that the digest belongs to."""

    code = "PERSISTED_QUERY_HASH_MISMATCH"

    def __init__(self) -> None:
        super().__init__("provided sha does not match query")


class NotInListError(OperationRefusedError):
    """No operation of this id was published for this client."""

    status = 404
    code = "PERSISTED_QUERY_NOT_IN_LIST"

    def __init__(self, operation_id: str) -> None:
        super().__init__(f"No operation '{operation_id}' was published for this client.")


class NotInSafelistError(OperationRefusedError):
    """Only published operations are run, and this is none."""

    status = 403
    code = "QUERY_NOT_IN_SAFELIST"

    def __init__(self) -> None:
        super().__init__("Only published operations are answered here, and this one was not published.")


class IdRequiredError(OperationRefusedError):
    """Operations must be named by their id."""

    code = "PERSISTED_QUERY_ID_REQUIRED"

    def __init__(self) -> None:
        super().__init__("Name a published operation by its id: documents are not taken here.")


class IdAndTextError(OperationRefusedError):
    """An id and a document came together, and one of them would have to be passed over."""

    code = "CANNOT_SEND_PQ_ID_AND_BODY"

    def __init__(self) -> None:
        super().__init__("Send the id of a published operation or a document, not both.")


class NamingError(OperationRefusedError):
    """The operation is named in no form that is known."""

    def __init__(self) -> None:
        super().__init__("'persistedQuery' must hold 'version': 1 and 'sha256Hash', a text.")


class ClientRefusedError(OperationRefusedError):
    """The client does not prove that it is the one that it names."""

    status = 401
    code = "CLIENT_NOT_AUTHENTICATED"

    def __init__(self, name: str) -> None:
        super().__init__(f"The API key is not one of client '{name}'.")
