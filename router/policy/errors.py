"""Why an operation is not run for its caller; codes and statuses are Apollo's where Apollo has them.

RequestError
└── GateError
    ├── UnauthorizedError        403 UNAUTHORIZED_FIELD_OR_TYPE
    └── UnauthenticatedError     401 AUTH_ERROR
"""

from __future__ import annotations

from collections.abc import Iterable

from typing_extensions import override

from router.execution.errors import RequestError
from router.execution.exchange import GraphQLErrorDict

UNAUTHORIZED = "UNAUTHORIZED_FIELD_OR_TYPE"


class GateError(RequestError):
    """The operation is not run for this caller."""


class UnauthorizedError(GateError):
    """The operation asks for fields that its caller may not have.

    Args:
        paths: of these fields; none, and it is not said which.
    """

    code = UNAUTHORIZED
    status = 403

    def __init__(self, paths: Iterable[tuple[str, ...]] = ()) -> None:
        super().__init__("Unauthorized field or type")
        self._paths = tuple(paths)

    @override
    def as_dicts(self) -> tuple[GraphQLErrorDict, ...]:
        """List each field."""
        return unauthorized(self._paths) or super().as_dicts()


class UnauthenticatedError(GateError):
    """Only callers who are known are answered."""

    code = "AUTH_ERROR"
    status = 401

    def __init__(self) -> None:
        super().__init__("unauthenticated")


def unauthorized(paths: Iterable[tuple[str, ...]]) -> tuple[GraphQLErrorDict, ...]:
    """Return the errors that tell which fields were withheld."""
    return tuple(
        {"message": "Unauthorized field or type", "path": list(path), "extensions": {"code": UNAUTHORIZED}}
        for path in paths
    )
