"""An engine whose requests keep rate limits, whichever way they came."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Protocol

from router.execution.errors import ExecutionError, RequestError
from router.execution.exchange import GraphQLRequest, GraphQLResponse, Outcome, RequestContext
from router.execution.payloads import Payload
from router.policy.identity import Identity
from router.rates.gcra import Charges
from router.rates.limiter import Admission, Operation, RateLimiter


class Limited(Protocol):
    """The engine."""

    async def execute(self, request: GraphQLRequest, context: RequestContext) -> GraphQLResponse:
        """Answer a request; no error leaves this."""
        ...

    def execute_incremental(self, request: GraphQLRequest, context: RequestContext) -> AsyncGenerator[Payload]:
        """Answer a request in parts."""
        ...

    async def prepare(self, request: GraphQLRequest) -> Operation:
        """Return the operation of a request.

        Raises:
            ExecutionError: the operation is not valid.
        """
        ...


class RateLimitedExecutor:
    """Counts requests before the engine gets them.

    Args:
        engine: answers them.
        limiter: knows the rules.
    """

    def __init__(self, engine: Limited, limiter: RateLimiter) -> None:
        self._engine = engine
        self._limiter = limiter

    async def aclose(self) -> None:
        """Let go of the store."""
        await self._limiter.aclose()

    async def execute(self, request: GraphQLRequest, context: RequestContext) -> GraphQLResponse:
        """Answer a request; no error leaves this."""
        return await self.admit(request, context, lambda: self._engine.execute(request, context))

    async def execute_incremental(self, request: GraphQLRequest, context: RequestContext) -> AsyncGenerator[Payload]:
        """Answer a request in parts."""
        try:
            await self.insist(request, context)
        except RequestError as error:
            yield Payload(GraphQLResponse(Outcome.REFUSED, errors=error.as_dicts(), status=error.status))
            return
        async for payload in self._engine.execute_incremental(request, context):
            yield payload

    async def admit(
        self, request: GraphQLRequest, context: RequestContext, run: Callable[[], Awaitable[GraphQLResponse]]
    ) -> GraphQLResponse:
        """Return what comes of running something for a request, or why it may not run."""
        return await self._limiter.admit(await self._charges(request, context), run)

    async def insist(self, request: GraphQLRequest, context: RequestContext) -> None:
        """Let pass what keeps the rules.

        Raises:
            RequestError: the request does not.
        """
        await self._limiter.insist(await self._charges(request, context))

    def admission(self, request: GraphQLRequest, caller: Identity | None, address: str) -> Admission | None:
        """Count a request of somebody at some address; None if its operation is not known yet."""
        charges = self._limiter.charges(request, caller, address)
        return None if charges is None else Admission(self._limiter, charges)

    async def _charges(self, request: GraphQLRequest, context: RequestContext) -> Charges:
        who = (context.value if isinstance(context.value, Identity) else None, context.address)
        known = self._limiter.charges(request, *who)
        if known is not None:
            return known
        try:
            operation = await self._engine.prepare(request)
        except ExecutionError:
            return self._limiter.charges_of_invalid(request, *who)
        self._limiter.learn(request, operation)
        return self._limiter.charges(request, *who) or Charges()
