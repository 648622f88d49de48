"""What must exist in the broker, declared by whoever comes first; declaring it again changes nothing.

    exchange storegraph.events (topic, key = type of the event)
      -> queue of each consumer (quorum, single active consumer)
           -> what is no event at all, or kills its receiver again and again: exchange storegraph.dead-letters
                -> queue storegraph.dead-letters

Retries with growing delays are not made here but in the inbox, where an event that waits holds up its own subject and
no other; a delay queue of the broker would let later events of the subject pass.
"""

from __future__ import annotations

from typing import Final

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractQueue

from kernel.events.consumers import Consumer

EVENTS: Final = "storegraph.events"
"""The exchange that all events go to."""
DEAD_LETTERS: Final = "storegraph.dead-letters"
"""The exchange, and the queue on it, of messages that nobody can take."""

_DELIVERY_LIMIT: Final = 20


async def declare_exchange(channel: AbstractChannel) -> AbstractExchange:
    """Declare where events are published, and where messages end that cannot be taken."""
    dead = await channel.declare_exchange(DEAD_LETTERS, ExchangeType.FANOUT, durable=True)
    queue = await channel.declare_queue(DEAD_LETTERS, durable=True, arguments={"x-queue-type": "quorum"})
    await queue.bind(dead)
    return await channel.declare_exchange(EVENTS, ExchangeType.TOPIC, durable=True)


async def declare_queue(channel: AbstractChannel, consumer: Consumer) -> AbstractQueue:
    """Declare a consumer's queue and bind it to what the consumer subscribes to.

    A single active consumer keeps the order of the queue when several processes stand ready to receive.
    """
    exchange = await declare_exchange(channel)
    queue = await channel.declare_queue(
        queue_name(consumer),
        durable=True,
        arguments={
            "x-queue-type": "quorum",
            "x-single-active-consumer": True,
            "x-dead-letter-exchange": DEAD_LETTERS,
            "x-delivery-limit": _DELIVERY_LIMIT,
        },
    )
    for event_type in sorted(consumer.subscriptions):
        await queue.bind(exchange, event_type)
    return queue


def queue_name(consumer: Consumer) -> str:
    """Name the queue of a consumer."""
    return f"storegraph.{consumer.name}"
