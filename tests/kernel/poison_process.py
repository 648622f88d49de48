"""A process that delivers, and that the event named `poison` kills: `python poison_process.py URL BATCH`."""

import asyncio
import os
import signal
import sys

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.database import Database
from kernel.events.consumers import Consumer
from kernel.events.delivery import Room
from kernel.events.embedded import EmbeddedDelivery
from kernel.events.envelope import Event
from tests.kernel.effects import note_effect

ATTEMPTS = 3


async def deadly(event: Event, session: AsyncSession) -> None:
    """Note the effect, unless the event is poison: that ends the process at once."""
    await note_effect(event, session)
    if event.data.name == "poison":
        os.kill(os.getpid(), signal.SIGKILL)


def rooms(url: str, handler=deadly, *, batch: int) -> list[Room]:
    """The producer, and a consumer that dies of poison."""
    consumer = Consumer(
        name="noter", subscriptions={"UserRegistered": handler}, max_attempts=ATTEMPTS, batch=batch, lease=0.1
    )
    return [Room(Database(url, schema="producer")), Room(Database(url, schema="first"), (consumer,))]


async def main(url: str, batch: str) -> None:
    await EmbeddedDelivery(rooms(url, batch=int(batch)), poll_every=0.1).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
