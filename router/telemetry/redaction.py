"""Errors of subgraphs that are not meant for clients: they are told by an id, under which the log has the original.

An error with a code of its own (`extensions.code`) was written for clients and passes, without traces of the stack. One
without, or with the code of internal errors, may hold anything: statements, addresses, names of hosts.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Final

import orjson
import structlog
from typing_extensions import override

from router.execution.errors import NotSentError, SubgraphTimeoutError, TransportError
from router.execution.transports.port import CallingTransport, Sender, SubgraphRequest, SubgraphResponse
from router.traffic.calls import Call, Done

_LOG: Final = structlog.get_logger("router.errors")
_INTERNAL: Final = frozenset({None, "INTERNAL_SERVER_ERROR", "INTERNAL_ERROR", "DOWNSTREAM_SERVICE_ERROR"})
_FOR_DEVELOPERS: Final = frozenset({"exception", "stacktrace", "stackTrace", "debug", "originalError"})
_QUOTED: Final = 2_000
_ERRORS: Final = b'"errors"'


class RedactingTransport(CallingTransport):
    """Lets no error of a subgraph through that was not written for clients."""

    def __init__(self, send: Sender, subgraph: str) -> None:
        self._send = send
        self._subgraph = subgraph

    @override
    def begin(self, request: SubgraphRequest, done: Done[SubgraphResponse]) -> Call:
        """Send a request."""

        def land(result: SubgraphResponse | BaseException) -> None:
            done(self._of_answer(result) if isinstance(result, SubgraphResponse) else self._of_failure(result))

        return self._send(request, land)

    def _of_failure(self, error: BaseException) -> BaseException:
        """Keep what kind of failure it was, and tell nothing else of it."""
        if not isinstance(error, TransportError) or isinstance(error, NotSentError | SubgraphTimeoutError):
            return error
        redacted = type(error)(f"no answer that can be used (id {self._tell(error.reason)})", status=error.status)
        redacted.unsent = error.unsent
        return redacted

    def _of_answer(self, response: SubgraphResponse) -> SubgraphResponse:
        body = response.body
        if body is None:
            if isinstance(response.decoded, dict) and response.decoded.get("errors"):
                response.decoded = {**response.decoded, "errors": self._errors(response.decoded["errors"])}
            return response
        if response.status == 200 and _ERRORS not in body:
            return response
        return replace(response, body=self._body(body))

    def _body(self, body: bytes) -> bytes:
        try:
            answer = orjson.loads(body)
        except ValueError:
            return f"id {self._tell(body[:_QUOTED].decode('utf-8', 'replace'))}".encode()
        if not isinstance(answer, dict) or not answer.get("errors"):
            return body
        return orjson.dumps({**answer, "errors": self._errors(answer["errors"])})

    def _errors(self, errors: Any) -> Any:
        return [self._error(each) for each in errors] if isinstance(errors, list) else errors

    def _error(self, error: Any) -> Any:
        extensions = error.get("extensions") if isinstance(error, dict) else None
        extensions = extensions if isinstance(extensions, dict) else {}
        code = extensions.get("code")
        kept = {name: value for name, value in extensions.items() if name not in _FOR_DEVELOPERS}
        if isinstance(error, dict) and code not in _INTERNAL:
            return {**error, "extensions": kept}
        redacted: dict[str, Any] = {"message": "Internal error"}
        if isinstance(error, dict):
            redacted |= {name: error[name] for name in ("path", "locations") if name in error}
        return redacted | {"extensions": {"code": "INTERNAL_SERVER_ERROR", "errorId": self._tell(error, extensions)}}

    def _tell(self, original: Any, extensions: Any = None) -> str:
        """Write the original down; one that has an id by which the subgraph's own log knows it keeps that."""
        known = extensions.get("errorId") if isinstance(extensions, dict) else None
        error_id = known if isinstance(known, str) else os.urandom(8).hex()
        _LOG.error("error of a subgraph", subgraph=self._subgraph, error_id=error_id, original=original)
        return error_id
