"""The errors that every subgraph speaks, told apart by who may see them.

    StoregraphError
    ├── DomainError                 expected; the message is safe to show; `code` is stable
    │   ├── InvalidInputError       INVALID_INPUT
    │   ├── NotFoundError           NOT_FOUND
    │   ├── ConflictError           CONFLICT
    │   ├── ForbiddenError          FORBIDDEN
    │   └── UnauthenticatedError    UNAUTHENTICATED
    └── InfrastructureError         a fault of ours or of a machine; masked before a client sees it

A subgraph derives its own errors from these and gives each its own code, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class StoregraphError(Exception):
    """Root of all errors that are raised on purpose."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class DomainError(StoregraphError):
    """A rule of the shop was not met: the caller may read the message and branch on the code."""

    default_code: ClassVar[str] = "DOMAIN_ERROR"

    def __init__(self, message: str, *, code: str | None = None, path: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.code = code or self.default_code
        self.path = tuple(path)


class InvalidInputError(DomainError):
    """What was sent cannot be accepted as it is."""

    default_code = "INVALID_INPUT"


class NotFoundError(DomainError):
    """What was asked for does not exist, or not for this caller."""

    default_code = "NOT_FOUND"


class ConflictError(DomainError):
    """The state has moved on, or somebody else holds what was asked for."""

    default_code = "CONFLICT"


class ForbiddenError(DomainError):
    """The caller is known and may not do this."""

    default_code = "FORBIDDEN"


class UnauthenticatedError(DomainError):
    """The caller must say who they are first."""

    default_code = "UNAUTHENTICATED"


class InfrastructureError(StoregraphError):
    """Something beneath the shop failed; `retryable` says whether the same call may succeed later."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable
