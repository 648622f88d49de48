"""The transports that the contract of delivery is tested on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

import aio_pika
from sqlalchemy import text
from typing_extensions import override

from kernel.database import Database
from kernel.events.delivery import Delivery, Room
from kernel.events.embedded import EmbeddedDelivery
from kernel.events.rabbitmq import RabbitDelivery
from kernel.events.rabbitmq.topology import DEAD_LETTERS, queue_name


class Transport(Protocol):
    """Makes deliveries of one kind."""

    def delivery(self, rooms: Sequence[Room], **options: Any) -> Delivery:
        """Make a delivery between these rooms."""
        ...

    async def clear(self) -> None:
        """Leave nothing behind for the next test."""
        ...


class EmbeddedTransport(Transport):
    """Copies inside PostgreSQL."""

    @override
    def delivery(self, rooms: Sequence[Room], **options: Any) -> Delivery:
        return EmbeddedDelivery(rooms, **options)

    @override
    async def clear(self) -> None:
        pass


class RabbitTransport(Transport):
    """Goes through a real broker."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._queues: set[str] = {DEAD_LETTERS}

    @override
    def delivery(self, rooms: Sequence[Room], **options: Any) -> Delivery:
        self._queues.update(queue_name(consumer) for room in rooms for consumer in room.consumers)
        return RabbitDelivery(rooms, url=self.url, **options)

    @override
    async def clear(self) -> None:
        async with await aio_pika.connect(self.url) as connection:
            channel = await connection.channel()
            for queue in self._queues:
                await channel.queue_delete(queue)


async def settled(transport: Transport, rooms: Sequence[Room], patience: float = 20.0) -> int:
    """Deliver until all that was recorded is handled; tell how many events were."""
    before = await _handled(rooms)
    delivery = transport.delivery(rooms, poll_every=0.2)
    await delivery.start()
    try:
        async with asyncio.timeout(patience):
            while not await all_settled(rooms):  # noqa: ASYNC110 # the facts are rows in databases
                await asyncio.sleep(0.01)
    finally:
        await delivery.stop()
    return await _handled(rooms) - before


async def _handled(rooms: Sequence[Room]) -> int:
    return sum([await _count(room.database, "SELECT count(*) FROM inbox WHERE state <> 'pending'") for room in rooms])


async def all_settled(rooms: Sequence[Room]) -> bool:
    """Whether each consumer has settled every event that it subscribes to, whichever outbox that is in."""
    for room in rooms:
        for consumer in room.consumers:
            types = list(consumer.subscriptions)
            recorded = [await _count(each.database, _OF_TYPES, types=types) for each in rooms]
            if await _count(room.database, _SETTLED, consumer=consumer.name) < sum(recorded):
                return False
    return True


_OF_TYPES = "SELECT count(*) FROM outbox WHERE type = ANY(:types)"
_SETTLED = "SELECT count(*) FROM inbox WHERE consumer = :consumer AND state <> 'pending'"


async def _count(database: Database, statement: str, **facts: Any) -> int:
    async with database.session() as session:
        return (await session.execute(text(statement), facts)).scalar_one()
