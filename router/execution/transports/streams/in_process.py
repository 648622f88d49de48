"""Streams of subgraphs in this process: an iteration in place of a connection."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from router.execution.errors import SubgraphUnreachableError
from router.execution.exchange import Headers
from router.execution.transports.port import SubgraphRequest, SubgraphResponse


class SubgraphSubscriber(Protocol):
    """Runs a subscription on a subgraph's schema and yields each event as a response of plain JSON values.

    The events belong to the router from then on.
    """

    def __call__(
        self,
        query: str,
        variables: Mapping[str, Any],
        operation_name: str | None,
        *,
        headers: Headers,
        context: Any,
    ) -> AsyncGenerator[Mapping[str, Any]]:
        """Subscribe; `context` is the value of the request's `RequestContext`."""
        ...


@dataclass(frozen=True, slots=True)
class InProcessStreams:
    """Iterates over what a subgraph yields."""

    subscribe: SubgraphSubscriber

    async def open(self, request: SubgraphRequest) -> AsyncGenerator[SubgraphResponse]:
        """Open a stream; an exception of the subgraph means what a broken connection means elsewhere."""
        operation = request.operation
        headers = request.headers + request.trace
        events = self.subscribe(
            operation.document, request.variables, operation.operation_name, headers=headers, context=request.value
        )
        try:
            async with aclosing(events):
                async for event in events:
                    yield SubgraphResponse(decoded=dict(event))
        except Exception as error:
            raise SubgraphUnreachableError(type(error).__name__) from error
