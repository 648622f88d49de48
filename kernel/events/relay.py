"""From an outbox to a carrier of its events.

An advisory lock keeps one relay at work per outbox, in whatever process, because two could overtake each other; the
others stand by. An event is marked as published when the carrier has it safe. If the relay dies in between, the event
is carried again, and the inbox refuses what it has.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sqlalchemy import text
from typing_extensions import override

from kernel.database import Database
from kernel.events.signals import Signal

_BATCH: Final = 200
_CLAIM: Final = text(
    """
    WITH held AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 0)) AS alone)
    SELECT position, type, subject, event FROM outbox, held
    WHERE held.alone AND published_at IS NULL ORDER BY position LIMIT :batch
    """
)
_MARK_PUBLISHED: Final = text("UPDATE outbox SET published_at = now() WHERE position = ANY(:positions)")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event on its way out: its place in the outbox, and the envelope as JSON values."""

    position: int
    type: str
    subject: str
    event: dict[str, Any]


class Carrier(Protocol):
    """Takes events from an outbox to those who subscribed to them."""

    async def carry(self, events: Sequence[Outgoing]) -> Collection[int]:
        """Carry events in their order, and return the positions of those that are safe on the other side.

        Of one subject, an event is only ever carried after those before it.
        """
        ...


class Relay(ABC):
    """Publishes what one outbox holds."""

    def __init__(self, database: Database) -> None:
        self.signal = Signal()
        """Wakes it."""
        self.database = database
        self.claim: Final = {"key": f"outbox:{database.schema}", "batch": _BATCH}
        """What a statement that claims a batch needs to know."""

    async def publish(self) -> int:
        """Publish what is there; tell how many events were carried."""
        carried = 0
        while self.signal.running:
            count = await self.publish_batch()
            carried += count
            if count < _BATCH:
                break
        return carried

    @abstractmethod
    async def publish_batch(self) -> int:
        """Claim some of what is there and publish it; tell how many events were carried."""


class CarrierRelay(Relay):
    """Gives what one outbox holds to a carrier."""

    def __init__(self, database: Database, carrier: Carrier) -> None:
        super().__init__(database)
        self._carrier = carrier

    @override
    async def publish_batch(self) -> int:
        async with self.database.transaction() as session:
            rows = (await session.execute(_CLAIM, self.claim)).all()
            if not rows:
                return 0
            carried = await self._carrier.carry([Outgoing(*row) for row in rows])
            await session.execute(_MARK_PUBLISHED, {"positions": list(carried)})
        return len(carried)
