"""Writing a subscription into the body of an HTTP response."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from router.execution.exchange import GraphQLResponse
from router.execution.json_text import write_json
from router.server.streams.formats import Format, Incremental
from router.server.streams.port import Outlet
from router.subscriptions import ClientTooSlowError, RouterStoppingError, Subscription, SubscriptionEndedError

if TYPE_CHECKING:
    from router.execution.payloads import Payload


class Rendering:
    """Results as one format writes them; all who get the same result get the same bytes."""

    def __init__(self, form: Format) -> None:
        self.form = form
        self._last: tuple[GraphQLResponse, bytes] | None = None

    def of(self, answer: GraphQLResponse) -> bytes:
        """Return a result as it is written."""
        if self._last is None or self._last[0] is not answer:
            self._last = (answer, self.form.result(answer.body))
        return self._last[1]


class StreamWriter:
    """Writes the events of a subscription, and signs of life where there are none.

    Args:
        subscription: where the events come from.
        rendering: how they are written.
        heartbeat: seconds between two signs of life.
    """

    def __init__(self, subscription: Subscription, rendering: Rendering, heartbeat: float) -> None:
        self._subscription = subscription
        self._rendering = rendering
        self._heartbeat = heartbeat
        self._loop = asyncio.get_running_loop()
        self._outlet: Outlet
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._silent = True

    async def run(self, outlet: Outlet) -> None:
        """Write until the subscription ends; cancelling this ends it."""
        self._outlet = outlet
        self._timer = self._loop.call_later(self._heartbeat, self._beat)
        try:
            outlet.on_room = self._subscription.release
            outlet.on_stop = self._stop
            outlet.write(self._rendering.form.opening)
            self._subscription.attach(self)
            await self._over
        finally:
            self._timer.cancel()
            self._subscription.close()

    def take(self, answer: GraphQLResponse) -> None:
        """Write an event."""
        self._silent = False
        self._outlet.write(self._rendering.of(answer))
        if self._outlet.full:
            self._subscription.hold()

    def ended(self, error: SubscriptionEndedError | None) -> None:
        """Write the end; a client that takes nothing is cut off instead."""
        if isinstance(error, ClientTooSlowError) and self._outlet.full:
            self._outlet.abort()
        else:
            form = self._rendering.form
            last = b"" if error is None else form.failure(error.as_dicts())
            if self._silent and not last:
                last = form.heartbeat
            self._outlet.write(last + form.closing)
        if not self._over.done():
            self._over.set_result(None)

    def _stop(self) -> None:
        self._subscription.cut(RouterStoppingError("The router is stopping."))

    def _beat(self) -> None:
        if self._silent and not self._outlet.full and self._rendering.form.heartbeat:
            self._outlet.write(self._rendering.form.heartbeat)
        self._silent = True
        self._timer = self._loop.call_later(self._heartbeat, self._beat)


class PartsWriter:
    """Writes an answer that comes in parts."""

    def __init__(self, parts: AsyncGenerator[Payload], incremental: Incremental) -> None:
        self._parts = parts
        self._incremental = incremental

    async def run(self, outlet: Outlet) -> None:
        """Write each part when it is there and there is room; cancelling this gives up what is missing."""
        form, room = self._incremental.form, asyncio.Event()
        outlet.on_room = room.set
        outlet.write(form.opening)
        async with aclosing(self._parts) as parts:
            async for part in parts:
                outlet.write(form.result(write_json(self._incremental.spell(part))))
                if outlet.full:
                    room.clear()
                    await room.wait()
        outlet.write(form.closing)


class ResultWriter:
    """Writes one result as a stream that ends with it, for clients that take nothing but streams."""

    def __init__(self, answer: GraphQLResponse, form: Format) -> None:
        self._body = form.opening + form.result(answer.body) + form.closing

    async def run(self, outlet: Outlet) -> None:
        """Write the result."""
        outlet.write(self._body)
