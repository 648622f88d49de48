"""What came of a request to a subgraph: did it fail, and how?"""

from __future__ import annotations

from collections.abc import Collection

from router.execution.errors import (
    MalformedResponseError,
    NotSentError,
    SubgraphTimeoutError,
    TransportError,
)
from router.execution.transports.port import SubgraphResponse
from router.traffic_settings import Failure

_BEGINNING = 64


def failure_of(result: SubgraphResponse | BaseException, statuses: Collection[int]) -> Failure | None:
    """Tell how a request failed; None where it did not, or not by the subgraph's doing."""
    if isinstance(result, SubgraphResponse):
        if result.status in statuses:
            return "status"
        body = result.body
        return "malformed" if body is not None and not body[:_BEGINNING].lstrip().startswith(b"{") else None
    if isinstance(result, SubgraphTimeoutError):
        return "timeout"
    if isinstance(result, MalformedResponseError):
        return "malformed"
    return "unreachable" if isinstance(result, TransportError) and not isinstance(result, NotSentError) else None
