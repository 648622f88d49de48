"""Publishes events to the broker and vouches for those that it has confirmed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Final

import aio_pika
import msgspec
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange
from aio_pika.exceptions import AMQPError
from typing_extensions import override

from kernel import telemetry
from kernel.events.consumers import Consumer
from kernel.events.rabbitmq.topology import declare_exchange, declare_queue
from kernel.events.relay import Carrier, Outgoing

CONTENT_TYPE: Final = "application/cloudevents+json"
_CONFIRM_WITHIN: Final = 10.0
_log = telemetry.get_logger("delivery")


class BrokerCarrier(Carrier):
    """Publishes with confirms on one connection, made when it is first needed and again when it was lost.

    It declares the queues of all `consumers`, wherever they run: an event that is published before a consumer was ever
    up waits for it.
    """

    def __init__(self, url: str, consumers: Sequence[Consumer]) -> None:
        self._url = url
        self._consumers = consumers
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._exchange: AbstractExchange | None = None
        self._connecting = asyncio.Lock()

    @override
    async def carry(self, events: Sequence[Outgoing]) -> Collection[int]:
        """Publish the subjects side by side and the events of a subject one after another.

        An event that the broker does not confirm ends its subject's turn, so that none can overtake it.

        Raises:
            AMQPError | OSError: the broker cannot be reached.
        """
        exchange = await self._open()
        subjects: dict[str, list[Outgoing]] = defaultdict(list)
        for event in events:
            subjects[event.subject].append(event)
        carried: list[int] = []
        await asyncio.gather(*(_publish_in_turn(exchange, each, carried) for each in subjects.values()))
        if len(carried) < len(events):
            _log.warning("events not confirmed", count=len(events) - len(carried))
            await self.close()
        return carried

    async def close(self) -> None:
        """Close the connection; the next event opens another."""
        connection, self._connection, self._channel, self._exchange = self._connection, None, None, None
        if connection is not None:
            await connection.close()

    async def _open(self) -> AbstractExchange:
        async with self._connecting:
            if self._exchange is None or self._channel is None or self._channel.is_closed:
                await self.close()
                self._connection = await aio_pika.connect(self._url, timeout=_CONFIRM_WITHIN)
                self._channel = await self._connection.channel()
                for consumer in self._consumers:
                    await declare_queue(self._channel, consumer)
                self._exchange = await declare_exchange(self._channel)
            return self._exchange


async def _publish_in_turn(exchange: AbstractExchange, events: Sequence[Outgoing], carried: list[int]) -> None:
    """Publish events one after another, each when the one before is confirmed, and note which were."""
    for event in events:
        try:
            await exchange.publish(_message(event), event.type, mandatory=False, timeout=_CONFIRM_WITHIN)
        except (AMQPError, OSError, RuntimeError, TimeoutError):
            return
        carried.append(event.position)


def _message(outgoing: Outgoing) -> Message:
    return Message(
        msgspec.json.encode(outgoing.event),
        content_type=CONTENT_TYPE,
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=outgoing.event["id"],
        type=outgoing.type,
    )
