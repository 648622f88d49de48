"""From a consumer's queue into its inbox: messages are acknowledged when the inbox has them, in batches."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Final

import aio_pika
import msgspec
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError
from sqlalchemy.exc import SQLAlchemyError

from kernel import telemetry
from kernel.database import Database
from kernel.errors import InfrastructureError
from kernel.events.consumers import Consumer
from kernel.events.inbox import accept
from kernel.events.rabbitmq.topology import declare_queue

_BATCH: Final = 200
_PREFETCH: Final = 2 * _BATCH
_AGAIN_AFTER: Final = 0.5
_SET_UP_WITHIN: Final = 15.0
"""Seconds; the client library waits for ever where a broker that is starting fails to answer."""

_log = telemetry.get_logger("delivery")


class Receiver:
    """Receives for one consumer, over connections that are made again whenever they are lost.

    What was taken from the queue and is not in the inbox is still the broker's, so a process may end at any instant.
    At most `_PREFETCH` messages wait here while the database is away: the rest waits in the queue.
    """

    def __init__(self, url: str, consumer: Consumer, database: Database) -> None:
        self.ready = asyncio.Event()
        self._url = url
        self._consumer = consumer
        self._database = database

    async def receive(self) -> None:
        """Receive until cancelled."""
        while True:
            try:
                connection = await aio_pika.connect(self._url, timeout=_SET_UP_WITHIN)
                async with connection:
                    await self._receive_on(connection)
            except (AMQPError, OSError) as error:
                _log.warning("broker lost", consumer=self._consumer.name, error=repr(error))
            await asyncio.sleep(_AGAIN_AFTER)

    async def _receive_on(self, connection: AbstractConnection) -> None:
        arrived: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
        connection.close_callbacks.add(lambda *_: arrived.put_nowait(None))
        async with asyncio.timeout(_SET_UP_WITHIN):
            channel = await connection.channel()
            channel.close_callbacks.add(lambda *_: arrived.put_nowait(None))
            await channel.set_qos(prefetch_count=_PREFETCH)
            queue = await declare_queue(channel, self._consumer)
            await queue.consume(arrived.put)
        self.ready.set()
        while (first := await arrived.get()) is not None:
            await self._store(_gather(first, arrived))

    async def _store(self, messages: list[AbstractIncomingMessage]) -> None:
        """Put messages into the inbox, however long the database is away, and acknowledge them."""
        events = [(message, _read(message)) for message in messages]
        arrivals = [event for _, event in events if event is not None]
        while arrivals:
            try:
                async with self._database.transaction() as session:
                    await accept(session, self._consumer, arrivals)
                break
            except (SQLAlchemyError, InfrastructureError, OSError) as error:
                _log.warning("inbox away", consumer=self._consumer.name, error=repr(error))
                await asyncio.sleep(_AGAIN_AFTER)
        await self._settle(events)

    async def _settle(self, events: list[tuple[AbstractIncomingMessage, dict[str, Any] | None]]) -> None:
        """Tell the broker which messages are kept here, and send away what is no event."""
        for message, event in events:
            if event is None:
                _log.error("no event", consumer=self._consumer.name, message_id=message.message_id)
                await message.reject(requeue=False)
        kept = [message for message, event in events if event is not None]
        if kept:
            await kept[-1].ack(multiple=True)


def _gather(first: AbstractIncomingMessage, arrived: asyncio.Queue[Any]) -> list[AbstractIncomingMessage]:
    """Take what is there already beside the first message, up to a batch."""
    messages = [first]
    with suppress(asyncio.QueueEmpty):
        while len(messages) < _BATCH:
            message = arrived.get_nowait()
            if message is None:
                arrived.put_nowait(None)
                break
            messages.append(message)
    return messages


def _read(message: AbstractIncomingMessage) -> dict[str, Any] | None:
    """Read a message as the JSON object of an event, of whatever type; None if it is none."""
    try:
        event = msgspec.json.decode(message.body, type=dict[str, Any])
    except msgspec.DecodeError:
        return None
    return event if all(isinstance(event.get(name), str) for name in ("id", "type", "subject")) else None
