"""The loops of a process that delivers: its relays, its workers, and the listener that wakes them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final

from kernel.database import plain_url
from kernel.events.delivery import Room
from kernel.events.inbox import InboxWorker
from kernel.events.listening import Listener
from kernel.events.relay import Relay
from kernel.events.signals import Signal, keep_at

PACE: Final = 0.05
"""Seconds between two rounds of a relay or worker: what follows from one click is delivered together."""


class DeliveryLoops:
    """Relays the outboxes of some rooms and handles what is in their inboxes.

    Args:
        rooms: whose inboxes to serve.
        relays: of their outboxes, by schema.
        poll_every: seconds after which a loop looks for work without being woken, in case a wake-up was lost.
        patience: seconds to wait for listeners at the start, and for handlers at the end.
        hurried: whether handlers may commit without waiting for the disk, see `InboxWorker`.
    """

    def __init__(
        self,
        rooms: Sequence[Room],
        relays: Mapping[str, Relay],
        *,
        poll_every: float,
        patience: float,
        hurried: bool = False,
    ) -> None:
        self._relays = relays
        self._workers = {
            room.database.schema: [
                InboxWorker(consumer, room.database, look_every=poll_every, hurried=hurried)
                for consumer in room.consumers
            ]
            for room in rooms
        }
        self._urls = {plain_url(room.database.url) for room in rooms}
        self._poll_every = poll_every
        self._patience = patience
        self._loops: list[asyncio.Task[None]] = []
        self._listeners: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to deliver, first of all what an earlier process left."""
        for relay in self._relays.values():
            self._keep_at(relay.signal, relay.publish)
        for worker in self._all_workers():
            for _ in range(worker.consumer.concurrency):
                self._keep_at(worker.signal, worker.handle_due)
        listeners = [Listener(url, self._wake, self._wake_all) for url in self._urls]
        self._listeners = [asyncio.create_task(listener.listen()) for listener in listeners]
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                await asyncio.gather(*(listener.ready.wait() for listener in listeners))

    async def stop(self) -> None:
        """Let handlers that are at work finish, then stop."""
        for part in (*self._relays.values(), *self._all_workers()):
            part.signal.stop()
        for task in self._listeners:
            task.cancel()
        if self._loops:
            _, late = await asyncio.wait(self._loops, timeout=self._patience)
            for task in late:
                task.cancel()
        await asyncio.gather(*self._loops, *self._listeners, return_exceptions=True)
        self._loops.clear()
        self._listeners.clear()

    async def drain(self) -> int:
        """Deliver all that is due now, without the loops; tell how many events were handled."""
        handled = 0
        while True:
            moved = sum([await relay.publish() for relay in self._relays.values()])
            done = 0
            for worker in self._all_workers():
                while handled_now := await worker.handle_due():
                    done += handled_now
            handled += done
            if not moved and not done:
                return handled

    def _keep_at(self, signal: Signal, work: Callable[[], Awaitable[int]]) -> None:
        looping = keep_at(signal, work, poll_every=self._poll_every, pace=PACE)
        self._loops.append(asyncio.create_task(looping))

    def _all_workers(self) -> list[InboxWorker]:
        return [worker for workers in self._workers.values() for worker in workers]

    def _wake(self, payload: str) -> None:
        kind, schema, consumer, *_ = *payload.split(":"), "", ""
        if kind == "outbox" and schema in self._relays:
            self._relays[schema].signal.set()
        elif kind == "inbox":
            for worker in self._workers.get(schema, ()):
                if consumer in {"", worker.consumer.name}:
                    worker.signal.set()

    def _wake_consumers(self, names: Collection[str]) -> None:
        for worker in self._all_workers():
            if worker.consumer.name in names:
                worker.signal.set()

    def _wake_all(self) -> None:
        for schema in self._relays:
            self._wake(f"outbox:{schema}")
            self._wake(f"inbox:{schema}")
