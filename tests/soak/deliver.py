"""A process that delivers for one of the soak's schemas until it is killed: `python -m tests.soak.deliver SCHEMA`."""

from __future__ import annotations

import asyncio
import os
import sys

from kernel.events.rabbitmq import RabbitDelivery
from tests.soak.tables import rooms


async def main(schema: str) -> None:
    """Deliver for ever."""
    url, broker = os.environ["SOAK_DATABASE"], os.environ["SOAK_BROKER"]
    await RabbitDelivery(rooms(url), url=broker, only=schema, poll_every=0.5).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
