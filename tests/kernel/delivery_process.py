"""A process that delivers until it is killed by test_delivery_kill: `python delivery_process.py URL [BROKER]`."""

import asyncio
import sys

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.database import Database
from kernel.events.consumers import Consumer
from kernel.events.delivery import Room
from kernel.events.embedded import EmbeddedDelivery
from kernel.events.envelope import Event
from kernel.events.rabbitmq import RabbitDelivery
from tests.kernel.effects import note_effect


async def slow_effect(event: Event, session: AsyncSession) -> None:
    await note_effect(event, session)
    await asyncio.sleep(0.002)


async def main(url: str, broker: str | None = None) -> None:
    rooms = [
        Room(Database(url, schema="producer")),
        *(
            Room(
                Database(url, schema=schema),
                (Consumer(name=f"noter_of_{schema}", subscriptions={"UserRegistered": slow_effect}, concurrency=2),),
            )
            for schema in ("first", "second")
        ),
    ]
    delivery = RabbitDelivery(rooms, url=broker) if broker else EmbeddedDelivery(rooms)
    await delivery.start()
    sys.stdout.write("up\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
