"""The id that one request has everywhere: in the client's log, in the router's and in those of all subgraphs.

A client may bring its own in `x-request-id`; what is not plainly an id is replaced, since it ends up in logs. W3C's
`traceparent` is passed on as it came.
"""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Callable, Mapping
from typing import Final

REQUEST_ID: Final = b"x-request-id"
TRACEPARENT: Final = b"traceparent"
CLIENT_NAME: Final = b"apollographql-client-name"
"""In which a client names itself."""

_PLAIN_ID: Final = re.compile(rb"[A-Za-z0-9._:+/=-]{1,128}").fullmatch
_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.{0,200})?").fullmatch


class RequestIds:
    """Gives each request its id: unique in this process by counting, among processes by a random beginning."""

    def __init__(self) -> None:
        self._beginning = b"%x-%s-" % (int(time.time()), os.urandom(4).hex().encode())
        self._next = itertools.count(1).__next__

    def of(self, headers: Mapping[bytes, bytes]) -> bytes:
        """Return the id that the client brought, or a new one."""
        brought = headers.get(REQUEST_ID)
        if brought is not None and _PLAIN_ID(brought):
            return brought
        return self._beginning + b"%x" % self._next()


def is_traceparent(text: bytes) -> bool:
    """Tell whether a header says, by W3C's form, where a trace goes on."""
    return _TRACEPARENT(text) is not None


def trace_headers(
    request_id: bytes, headers: Mapping[bytes, bytes], passed_over: Callable[[bytes], str] | None = None
) -> tuple[tuple[str, str], ...]:
    """Return what subgraphs get so that their traces can be found from the request's.

    Args:
        request_id: the id of the request.
        headers: of the request, in which `traceparent` says where its trace goes on.
        passed_over: makes the `traceparent` of a request without one, of which nobody wants to see a trace.
    """
    own = ("x-request-id", request_id.decode("ascii"))
    parent = headers.get(TRACEPARENT)
    if parent is not None and is_traceparent(parent):
        return own, ("traceparent", parent.decode("ascii"))
    return (own,) if passed_over is None else (own, ("traceparent", passed_over(request_id)))
