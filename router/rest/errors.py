"""What a REST client is told when it gets no answer.

An error is a problem of RFC 9457. Its status follows from the code that GraphQL gives: the codes of the router and the
usual ones of subgraphs are known here, a declaration adds its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson

from router.server.exchange import Header, HeaderBlock, Response

PROBLEM: Final = b"application/problem+json; charset=utf-8"

STATUSES: Final[Mapping[str, int]] = {
    "BAD_USER_INPUT": 400,
    "INVALID_INPUT": 400,
    "INVALID_REQUEST": 400,
    "CSRF_ERROR": 400,
    "AUTH_ERROR": 401,
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "UNAUTHORIZED_FIELD_OR_TYPE": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "CONFLICT": 409,
    "RATE_LIMITED": 429,
    "REQUEST_RATE_LIMITED": 429,
    "SUBREQUEST_HTTP_ERROR": 502,
    "SUBREQUEST_MALFORMED_RESPONSE": 502,
    "GATEWAY_TIMEOUT": 504,
    "SUBGRAPH_REQUEST_TIMEOUT": 504,
}
_UNKNOWN_USER_ERROR: Final = 422
_UNKNOWN_ERROR: Final = 500


class Statuses:
    """The HTTP statuses of error codes."""

    def __init__(self, more: Mapping[str, int]) -> None:
        self._by_code = {**STATUSES, **more}

    def of_error(self, code: object) -> int:
        """Return the status of an error of the operation itself."""
        return self._by_code.get(str(code), _UNKNOWN_ERROR)

    def of_user_error(self, code: object) -> int:
        """Return the status of an error in the payload of a mutation."""
        return self._by_code.get(str(code), _UNKNOWN_USER_ERROR)


class ParameterError(Exception):
    """A request does not fit its route; `problems` names each place and what is wrong there."""

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{place}: {text}" for place, text in self.problems))


def problem(
    status: int, code: str, detail: str, *, errors: Iterable[Mapping[str, Any]] = (), headers: Iterable[Header] = ()
) -> Response:
    """Return a problem as a response."""
    listed = list(errors)
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **({"errors": listed} if listed else {}),
    }
    block = HeaderBlock([(b"content-type", PROBLEM), (b"x-content-type-options", b"nosniff"), *headers])
    return Response(status, block, orjson.dumps(body))
