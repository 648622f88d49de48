"""Delivery inside one PostgreSQL world: relays copy events straight into the inboxes of those who subscribed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from typing_extensions import override

from kernel.events.delivery import Room
from kernel.events.inbox import accept
from kernel.events.loops import DeliveryLoops
from kernel.events.relay import Carrier, Outgoing


class EmbeddedDelivery(DeliveryLoops):
    """Delivers between rooms whose databases are all reachable from this process.

    With `only`, it works for the room of that name alone: relays its outbox to all, handles what reaches it.
    """

    def __init__(
        self, rooms: Sequence[Room], *, only: str | None = None, poll_every: float = 5.0, patience: float = 5.0
    ) -> None:
        served = [room for room in rooms if only in {None, room.database.schema}]
        super().__init__(served, _InboxCarrier(rooms), poll_every=poll_every, patience=patience)


class _InboxCarrier(Carrier):
    """Copies events into the inbox of every subscribed consumer."""

    def __init__(self, rooms: Sequence[Room]) -> None:
        self._targets = [room for room in rooms if room.consumers]

    @override
    async def carry(self, events: Sequence[Outgoing]) -> Collection[int]:
        """Copy all of them or raise."""
        for target in self._targets:
            arrivals = [
                (consumer.name, outgoing.event)
                for outgoing in events
                for consumer in target.consumers
                if outgoing.type in consumer.subscriptions
            ]
            if arrivals:
                async with target.database.transaction() as session:
                    await accept(session, arrivals)
        return [outgoing.position for outgoing in events]
