"""One client's subscription: a buffer with a bound between the source and the client's connection.

A source never waits for a client. While the connection takes what is written, events go straight through; while it does
not, they wait in the buffer, and when that is full the declared policy decides: the subscription ends, or forgets its
oldest event.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, Self

from router.execution.exchange import GraphQLResponse
from router.subscriptions.errors import ClientTooSlowError, CredentialsExpiredError, SubscriptionEndedError

Overflow = Literal["close", "drop_oldest"]


@dataclass(frozen=True, slots=True)
class Buffering:
    """How much a slow client may be behind.

    Attributes:
        capacity: events that wait.
        overflow: what happens when one more comes: the subscription is closed, or the oldest of them is dropped.
    """

    capacity: int = 100
    overflow: Overflow = "close"


class Sink(Protocol):
    """Writes the events of a subscription to its client."""

    def take(self, answer: GraphQLResponse) -> None:
        """Write an event."""
        ...

    def ended(self, error: SubscriptionEndedError | None) -> None:
        """Write that no event will follow; without an error, because the source is complete."""
        ...


class Subscription:
    """What one client listens to: either by iterating, or by a sink that gets each event at once.

    Args:
        on_over: called once when it is over, from whichever side.
        buffering: how much may wait.
    """

    __slots__ = (
        "_buffering",
        "_error",
        "_expiry",
        "_held",
        "_over",
        "_sink",
        "_waiter",
        "_waiting",
        "dropped",
        "on_over",
    )

    def __init__(self, on_over: Callable[[Subscription], None], buffering: Buffering) -> None:
        self.on_over = on_over
        self._buffering = buffering
        self._waiting: deque[GraphQLResponse] = deque()
        self._sink: Sink | None = None
        self._held = False
        self._over = False
        self._error: SubscriptionEndedError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self.dropped = 0
        """How many events were forgotten because the client was too slow."""

    def expire(self, at: float) -> None:
        """End with the client's credentials, at a time in seconds since 1970."""
        if at < float("inf"):
            loop = asyncio.get_running_loop()
            error = CredentialsExpiredError("The credentials of this subscription have expired.")
            self._expiry = loop.call_later(max(0.0, at - time.time()), self.cut, error)

    # From the source ------------------------------------------------------------------------------------------

    def push(self, answer: GraphQLResponse) -> None:
        """Pass an event on, or keep it until the client takes it."""
        if self._over:
            return
        if self._sink is not None and not self._held and not self._waiting:
            self._sink.take(answer)
            return
        if len(self._waiting) >= self._buffering.capacity:
            if self._buffering.overflow == "close":
                self.cut(ClientTooSlowError("The events of this subscription were not taken in time."))
                return
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(answer)
        self._wake()

    def end(self, error: SubscriptionEndedError | None = None) -> None:
        """End after the events that wait."""
        if self._over:
            return
        self._over = True
        self._error = error
        self._forsake()
        self._wake()
        if not self._waiting:
            self._tell_end()

    def cut(self, error: SubscriptionEndedError) -> None:
        """End at once; what waits is forgotten."""
        self._waiting.clear()
        self.end(error)

    # From the client ------------------------------------------------------------------------------------------

    def attach(self, sink: Sink) -> None:
        """Give the events to a sink from now on, those that wait first."""
        self._sink = sink
        self.release()

    def hold(self) -> None:
        """Let events wait: the connection is full."""
        self._held = True

    def release(self) -> None:
        """Go on."""
        self._held = False
        sink = self._sink
        while self._waiting and sink is not None and not self._held:
            sink.take(self._waiting.popleft())
        if self._over and not self._waiting:
            self._tell_end()

    def close(self) -> None:
        """Listen no longer; nothing more is said to the sink."""
        self._sink = None
        self._waiting.clear()
        if not self._over:
            self._over = True
            self._forsake()
            self._wake()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> GraphQLResponse:
        while not self._waiting:
            if self._over:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._waiting.popleft()

    def _tell_end(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.ended(self._error)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _forsake(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        self.on_over(self)
