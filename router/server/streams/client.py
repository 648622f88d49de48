"""What streams need to know of their clients, and what they share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from router.execution.exchange import Headers, RequestContext
from router.operations.resolver import OperationResolver
from router.policy.identity import Identity
from router.server.callers import Callers
from router.server.endpoint import Executor
from router.stream_settings import SubscriptionSettings
from router.subscriptions import Buffering, Subscriptions


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

    Attributes:
        subscriptions: those that are open.
        sessions: the WebSockets that are open.
    """

    def __init__(
        self, engine: Executor, callers: Callers, operations: OperationResolver, settings: SubscriptionSettings
    ) -> None:
        self.engine = engine
        self.callers = callers
        self.operations = operations
        self.settings = settings
        self.sessions: set[Session] = set()
        self.subscriptions: Subscriptions[Client] = Subscriptions(
            engine, self.context, Buffering(settings.buffer, settings.overflow), most=settings.max_open
        )

    async def hand_over(self, successor: StreamServices) -> None:
        """Let a successor serve the clients that are there."""
        for session in self.sessions:
            session.services = successor
        successor.sessions |= self.sessions
        self.sessions.clear()
        await self.subscriptions.hand_over(successor.subscriptions)

    def context(self, client: Client) -> RequestContext:
        """Return what travels to the subgraphs for a client."""
        return self.callers.context(*client)
