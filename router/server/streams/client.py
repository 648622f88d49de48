"""What streams need to know of their clients, and what they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from router.execution.exchange import GraphQLRequest, Headers, RequestContext
from router.operations.resolver import OperationResolver
from router.policy.identity import Identity
from router.rates.executor import RateLimitedExecutor
from router.server.callers import Callers
from router.server.endpoint import Executor
from router.server.streams.revoked import RevokedWatch
from router.stream_settings import SubscriptionSettings
from router.subscriptions import Buffering, CredentialsRevokedError, Subscription, Subscriptions

if TYPE_CHECKING:
    from router.server.streams.event_session import EventSession

_REVOKED: Final = CredentialsRevokedError("The credentials of this subscription were taken back.")


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

    def end_revoked(self, is_revoked: Callable[[Identity], bool]) -> None:
        """End the connection, if the token of its client was taken back."""
        ...


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
        self._watch = None if callers.revoked is None else RevokedWatch(callers.revoked, self._is_any_open, self._end)

    async def hand_over(self, successor: StreamServices) -> None:
        """Let a successor serve the clients that are there."""
        for session in (*self.sessions, *self.event_sessions.values()):
            session.services = successor
        successor.sessions |= self.sessions
        successor.event_sessions |= self.event_sessions
        self.sessions.clear()
        self.event_sessions.clear()
        await self.subscriptions.hand_over(successor.subscriptions)
        successor.look_after()
        await self.unwatch()

    def look_after(self) -> None:
        """See to it that what is open ends when its client's token is taken back."""
        if self._watch is not None:
            self._watch.begin()

    async def unwatch(self) -> None:
        """Look after nothing any more."""
        if self._watch is not None:
            await self._watch.close()

    @property
    def executor(self) -> RateLimitedExecutor | Executor:
        """What runs operations other than subscriptions."""
        return self._limited or self.engine

    async def subscribe(self, request: GraphQLRequest, client: Client) -> Subscription:
        """Open a subscription, which ends with the credentials of its client.

        Raises:
            ExecutionError: the request is wrong, or there are too many.
        """
        if self._limited is not None:
            await self._limited.insist(request, self.context(client))
        subscription = await self.subscriptions.open(request, client, expires_at=client.expires_at)
        revoked = self.callers.revoked
        if revoked is not None and client.identity is not None and revoked.hold(client.identity):
            subscription.cut(_REVOKED)  # meanwhile
        self.look_after()
        return subscription

    def _is_any_open(self) -> bool:
        return bool(self.sessions or len(self.subscriptions))

    def _end(self, is_revoked: Callable[[Identity], bool]) -> None:
        for session in list(self.sessions):
            session.end_revoked(is_revoked)
        self.subscriptions.cut(lambda client: client.identity is not None and is_revoked(client.identity), _REVOKED)

    def context(self, client: Client) -> RequestContext:
        """Return what travels to the subgraphs for a client."""
        return self.callers.context(*client)
