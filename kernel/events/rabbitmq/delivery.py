"""Delivery of one process through the broker: its relays publish, its receivers fill inboxes, its workers handle."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from typing_extensions import override

from kernel.events.delivery import Room
from kernel.events.loops import DeliveryLoops
from kernel.events.rabbitmq.carrier import BrokerCarrier
from kernel.events.rabbitmq.receiver import Receiver
from kernel.events.relay import CarrierRelay


class RabbitDelivery(DeliveryLoops):
    """Delivers between rooms that may be anywhere the broker can be reached from.

    With `only`, this process works for the room of that name alone: publishes its outbox, runs its consumers.

    Args:
        rooms: all rooms, whose consumers are to get what is published.
        url: the broker, as `amqp://user:password@host:port/vhost`.
        only: the room to work for; None means all.
        poll_every: seconds after which a loop looks for work without being woken.
        patience: seconds to wait for connections at the start, and for handlers at the end.
    """

    def __init__(
        self,
        rooms: Sequence[Room],
        *,
        url: str,
        only: str | None = None,
        poll_every: float = 5.0,
        patience: float = 5.0,
    ) -> None:
        served = [room for room in rooms if only in {None, room.database.schema}]
        self._carrier = BrokerCarrier(url, [consumer for room in rooms for consumer in room.consumers])
        relays = {room.database.schema: CarrierRelay(room.database, self._carrier) for room in served}
        super().__init__(served, relays, poll_every=poll_every, patience=patience)
        self._receivers = [Receiver(url, consumer, room.database) for room in served for consumer in room.consumers]
        self._receiving: list[asyncio.Task[None]] = []

    @override
    async def start(self) -> None:
        """Begin to deliver, first of all what an earlier process left."""
        self._receiving = [asyncio.create_task(receiver.receive()) for receiver in self._receivers]
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                await asyncio.gather(*(receiver.ready.wait() for receiver in self._receivers))
        await super().start()

    @override
    async def stop(self) -> None:
        """Take no more from the queues, let handlers finish, and close the connections."""
        for task in self._receiving:
            task.cancel()
        await asyncio.gather(*self._receiving, return_exceptions=True)
        self._receiving.clear()
        await super().stop()
        await self._carrier.close()
