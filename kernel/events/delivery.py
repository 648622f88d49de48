"""What carries recorded events to their consumers, whichever way they travel.

    outbox --relay--> carrier (straight into inboxes, or a broker) --> inbox --worker--> handler

The outbox, the inbox and the handlers are the same on every way; only the carrier between them differs: `embedded`
copies inside one PostgreSQL, `rabbitmq` goes through a broker. Nothing is kept in memory but wake-ups, so a process
may be killed at any instant: what was carried twice is refused by the inbox, and an effect commits with its inbox row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kernel.database import Database
from kernel.events.consumers import Consumer


class Delivery(Protocol):
    """Whatever carries recorded events to their consumers."""

    async def start(self) -> None:
        """Begin to deliver."""
        ...

    async def stop(self) -> None:
        """Finish what is at work and deliver no more."""
        ...


@dataclass(frozen=True, slots=True)
class Room:
    """A subgraph as delivery sees it: where its outbox and inbox are, and who listens in it."""

    database: Database
    consumers: tuple[Consumer, ...] = ()
