"""One source of events and all who listen to it.

Each event is completed once, by the fetches of the plan, and the one answer goes to every listener. The next event is
only asked of the source when the one before is done, so that a source which is faster than the router is slowed down by
the protocol it comes by.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any, Protocol

import structlog

from router.execution.errors import TransportError
from router.execution.exchange import GraphQLRequest, RequestContext
from router.execution.streaming import EventStream
from router.subscriptions.errors import SourceLostError, SubscriptionEndedError
from router.subscriptions.subscription import Subscription

logger = structlog.get_logger(__name__)


class Care(Protocol):
    """What looks after channels."""

    def make_context(self, client: Any) -> RequestContext:
        """Return what travels to the subgraphs now, with credentials that are fresh."""
        ...

    def forget(self, channel: Channel) -> None:
        """Take note that the source has ended, or that nobody listens any more."""
        ...


class Channel:
    """A source that is open as long as somebody listens.

    Args:
        request: what all listeners asked for.
        client: who asks; all listeners are alike in what may vary the answer.
        stream: opens the source and completes its events.
        care: who looks after the channel.
    """

    def __init__(self, request: GraphQLRequest, client: Any, stream: EventStream, care: Care) -> None:
        self.request = request
        self.client = client
        self.listeners: dict[Subscription, None] = {}
        self._stream = stream
        self._care = care
        self._task = asyncio.create_task(self._listen())

    def pass_on(self, stream: EventStream, care: Care) -> bool:
        """Have the next events completed by another stream, if it would ask its source for the same."""
        if not stream.continues(self._stream):
            return False
        self._stream = stream
        self._care = care
        return True

    def join(self, subscription: Subscription) -> None:
        """Let a subscription have the events from now on."""
        self.listeners[subscription] = None

    def leave(self, subscription: Subscription) -> None:
        """Give a subscription no further events; the source is closed with the last of them."""
        self.listeners.pop(subscription, None)
        if not self.listeners:
            self._task.cancel()
            self._care.forget(self)

    def end(self, error: SubscriptionEndedError | None) -> None:
        """End all subscriptions, and with them the source."""
        for subscription in tuple(self.listeners):
            subscription.end(error)

    async def closed(self) -> None:
        """Wait until the source is closed."""
        await asyncio.wait((self._task,))

    def _context(self) -> RequestContext:
        return self._care.make_context(self.client)

    async def _listen(self) -> None:
        error: SubscriptionEndedError | None = None
        try:
            async with aclosing(self._stream.open(self._context())) as events:
                async for event in events:
                    answer = await self._stream.complete(event, self._context())
                    for subscription in tuple(self.listeners):
                        subscription.push(answer)
        except TransportError as cause:
            error = SourceLostError(cause, self._stream.source.subgraph)
        except Exception:
            logger.exception("A subscription failed for a reason of the router's own")
            error = SubscriptionEndedError("Internal error")
        self._care.forget(self)
        self.end(error)
