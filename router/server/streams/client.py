"""What streams need to know of their clients, and what they share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from router.execution.exchange import GraphQLRequest, Headers, RequestContext
from router.operations.resolver import OperationResolver
from router.policy.identity import Identity
from router.rates.executor import RateLimitedExecutor
from router.server.callers import Callers
from router.server.endpoint import Executor
from router.stream_settings import SubscriptionSettings
from router.subscriptions import Buffering, Subscription, Subscriptions

if TYPE_CHECKING:
    from router.server.streams.event_session import EventSession


class Client(NamedTuple):
    """A client, as its request or its greeting introduced it."""

    identity: Identity | None
    forwarded: Headers
    request_id: bytes
    headers: Mapping[bytes, bytes]

    @property
    def expires_at(self) -> float:
        """When its credentials end, in seconds since 1970."""
        return float("inf") if self.identity is None else self.identity.expires_at


class Session(Protocol):
    """A client that stays, and is served by whoever serves at the time."""

    services: StreamServices


class StreamServices:
    """What serves all streams of one router.

    Args:
        engine: runs operations.
        callers: knows the clients.
        operations: knows operations that are named rather than spelt out.
        settings: bounds.
        limited: the engine with rate limits, where there are any.

    Attributes:
        subscriptions: those that are open.
        sessions: the WebSockets that are open.
        event_sessions: event streams that are open or reserved and carry several operations, by their tokens.
    """

    def __init__(
        self,
        engine: Executor,
        callers: Callers,
        operations: OperationResolver,
        settings: SubscriptionSettings,
        limited: RateLimitedExecutor | None = None,
    ) -> None:
        self.engine = engine
        self._limited = limited
        self.callers = callers
        self.operations = operations
        self.settings = settings
        self.sessions: set[Session] = set()
        self.event_sessions: dict[str, EventSession] = {}
        self.subscriptions: Subscriptions[Client] = Subscriptions(
            engine, self.context, Buffering(settings.buffer, settings.overflow), most=settings.max_open
        )

    async def hand_over(self, successor: StreamServices) -> None:
        """Let a successor serve the clients that are there."""
        for session in (*self.sessions, *self.event_sessions.values()):
            session.services = successor
        successor.sessions |= self.sessions
        successor.event_sessions |= self.event_sessions
        self.sessions.clear()
        self.event_sessions.clear()
        await self.subscriptions.hand_over(successor.subscriptions)

    @property
    def executor(self) -> RateLimitedExecutor | Executor:
        """What runs operations other than subscriptions."""
        return self._limited or self.engine

    async def subscribe(self, request: GraphQLRequest, client: Client, expires_at: float = math.inf) -> Subscription:
        """Open a subscription.

        Raises:
            ExecutionError: the request is wrong, or there are too many.
        """
        if self._limited is not None:
            await self._limited.insist(request, self.context(client))
        return await self.subscriptions.open(request, client, expires_at=expires_at)

    def context(self, client: Client) -> RequestContext:
        """Return what travels to the subgraphs for a client."""
        return self.callers.context(*client)
