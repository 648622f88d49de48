"""All subscriptions that are open in this process."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

from router.execution.errors import ExecutionError
from router.execution.exchange import GraphQLRequest, RequestContext
from router.execution.streaming import EventStream
from router.subscriptions.channel import Channel
from router.subscriptions.errors import (
    RouterStoppingError,
    SchemaReloadedError,
    SubscriptionEndedError,
    TooManySubscriptionsError,
)
from router.subscriptions.subscription import Buffering, Subscription

C = TypeVar("C")


class Streaming(Protocol):
    """What is asked of the engine."""

    async def stream(self, request: GraphQLRequest, context: RequestContext) -> EventStream:
        """Return the stream that a subscription asks for.

        Raises:
            ExecutionError: the request is wrong.
        """
        ...


class Subscriptions(Generic[C]):
    """Opens subscriptions; equal ones of equal callers share one source and one answer to each event.

    Args:
        engine: plans them and completes their events.
        make_context: makes what travels to the subgraphs out of what is known of a client. It is asked before each
            event, since credentials for subgraphs are short-lived and subscriptions are not.
        buffering: how much a slow client may be behind.
        most: how many may be open at a time.
    """

    def __init__(
        self,
        engine: Streaming,
        make_context: Callable[[C], RequestContext],
        buffering: Buffering | None = None,
        *,
        most: int = 10_000,
    ) -> None:
        self._make_context = make_context
        self._engine = engine
        self._buffering = buffering or Buffering()
        self._most = most
        self._channels: dict[Channel, Hashable] = {}
        self._by_key: dict[Hashable, Channel] = {}
        self._open: dict[Subscription, Channel] = {}
        self._clients: dict[Subscription, C] = {}
        self._stopping = False
        self._successor: Subscriptions[C] | None = None

    def __len__(self) -> int:
        """Return how many subscriptions are open."""
        return len(self._open)

    @property
    def sources(self) -> int:
        """How many sources they listen to."""
        return len(self._channels)

    async def open(self, request: GraphQLRequest, client: C, *, expires_at: float = float("inf")) -> Subscription:
        """Open a subscription.

        Args:
            request: the operation.
            client: what the contexts are made from.
            expires_at: when the client's credentials end, in seconds since 1970.

        Raises:
            ExecutionError: the request is wrong, or as many are open as may be.
        """
        context = self.make_context(client)
        stream = await self._engine.stream(request, context)
        if self._successor is not None:
            return await self._successor.open(request, client, expires_at=expires_at)
        if self._stopping:
            raise RouterStoppingError("The router is stopping.")
        if len(self._open) >= self._most:
            raise TooManySubscriptionsError("Too many subscriptions are open.")
        key = _key(stream, context)
        channel = self._by_key.get(key)
        if channel is None:
            channel = Channel(request, client, stream, self)
            self._keep(key, channel)
        subscription = Subscription(self._leave, self._buffering)
        self._clients[subscription] = client
        self._join(channel, subscription)
        subscription.expire(expires_at)
        return subscription

    async def hand_over(self, successor: Subscriptions[C]) -> None:
        """Let a successor look after the subscriptions whose sources its engine would ask for the same.

        The sources stay open, so that no event is lost. The others end, and their clients begin them anew.
        """
        self._successor = successor
        for channel in list(self._channels):
            try:
                taken = await successor._take_over(channel)
            except ExecutionError:
                taken = False
            if not taken:
                channel.end(SchemaReloadedError("The schema has changed; subscribe again."))
                continue
            self.forget(channel)
            for subscription in channel.listeners:
                del self._open[subscription]
                successor._clients[subscription] = self._clients.pop(subscription)

    def cut(self, concerns: Callable[[C], bool], error: SubscriptionEndedError) -> None:
        """End those of some clients at once."""
        for subscription in [each for each, client in self._clients.items() if concerns(client)]:
            subscription.cut(error)

    async def close(self) -> None:
        """End all, and wait until their sources are closed."""
        self._stopping = True
        channels = list(self._channels)
        for channel in channels:
            channel.end(RouterStoppingError("The router is stopping."))
        for channel in channels:
            await channel.closed()

    def make_context(self, client: C) -> RequestContext:
        """Return what travels to the subgraphs now."""
        return self._make_context(client)

    def forget(self, channel: Channel) -> None:
        """Let nobody else join a channel."""
        key = self._channels.pop(channel, None)
        if self._by_key.get(key) is channel:
            del self._by_key[key]

    async def _take_over(self, channel: Channel) -> bool:
        context = self.make_context(channel.client)
        stream = await self._engine.stream(channel.request, context)
        if not channel.pass_on(stream, self):
            return False
        self._keep(_key(stream, context), channel)
        for subscription in channel.listeners:
            subscription.on_over = self._leave
            self._open[subscription] = channel
        return True

    def _keep(self, key: Hashable, channel: Channel) -> None:
        self._channels[channel] = key
        self._by_key.setdefault(key, channel)

    def _join(self, channel: Channel, subscription: Subscription) -> None:
        self._open[subscription] = channel
        channel.join(subscription)

    def _leave(self, subscription: Subscription) -> None:
        del self._clients[subscription]
        self._open.pop(subscription).leave(subscription)


def _key(stream: EventStream, context: RequestContext) -> Hashable:
    """Return what two subscriptions must have in common to share a source and its answers."""
    return (*stream.key, context.identity, context.headers)
