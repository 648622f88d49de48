"""Subgraphs in this process: a function call in place of a request, and Python values in place of JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from router.execution.errors import SubgraphTimeoutError, SubgraphUnreachableError
from router.execution.exchange import Headers
from router.execution.transports.port import SubgraphRequest, SubgraphResponse


class SubgraphExecutor(Protocol):
    """Executes an operation on a subgraph's schema and returns its response as a dictionary of plain JSON values.

    The response belongs to the router from then on.
    """

    def __call__(
        self,
        query: str,
        variables: Mapping[str, Any],
        operation_name: str | None,
        *,
        headers: Headers,
        context: Any,
    ) -> Awaitable[Mapping[str, Any]]:
        """Execute an operation; `context` is the value of the request's `RequestContext`."""
        ...


class InProcessTransport:
    """Calls a subgraph's executor, under the same timeout as a request over a wire."""

    def __init__(self, execute: SubgraphExecutor) -> None:
        self._execute = execute

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """Call the executor; an exception of it means what a broken connection means elsewhere."""
        operation = request.operation
        try:
            async with asyncio.timeout(request.timeout):
                decoded = await self._execute(
                    operation.document,
                    request.variables,
                    operation.operation_name,
                    headers=request.headers + request.trace,
                    context=request.value,
                )
        except TimeoutError:
            raise SubgraphTimeoutError(f"no answer within {request.timeout:g} s") from None
        except Exception as error:
            raise SubgraphUnreachableError(type(error).__name__) from error
        return SubgraphResponse(decoded=dict(decoded))
