"""Events that a consumer could not handle, and what an operator may do about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, text

from kernel.database import Database
from kernel.events.outbox import CHANNEL


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event whose attempts are spent: whose, since when, and the last traceback or what else is known of its end."""

    consumer: str
    event_id: str
    type: str
    subject: str
    attempts: int
    settled_at: datetime
    reason: str

    @property
    def replay(self) -> str:
        """The command that hands it to its consumer again; done twice, it has one effect."""
        return f"storegraph events dead-letters --event {self.event_id} --retry"


_LIST: Final = text(
    """
    SELECT consumer, event_id, type, subject, attempts, settled_at, coalesce(reason, '') FROM inbox
    WHERE state = 'dead' AND (:consumer = '' OR consumer = :consumer) ORDER BY consumer, position LIMIT :limit
    """
)
_FIND: Final = text(
    """
    SELECT consumer, event_id, type, subject, attempts, settled_at, coalesce(reason, '') FROM inbox
    WHERE state = 'dead' AND consumer = :consumer AND event_id = :event_id
    """
)
_RETRY: Final = text(
    """
    WITH again AS (
        UPDATE inbox SET state = 'pending', attempts = 0, due_at = now(), settled_at = NULL
        WHERE state = 'dead' AND (:consumer = '' OR consumer = :consumer) AND (:event_id = '' OR event_id = :event_id)
        RETURNING 1
    )
    SELECT count(*), pg_notify(:channel, 'inbox:' || current_schema()) FROM again
    """
).bindparams(bindparam("channel", CHANNEL))
_DISCARD: Final = text(
    """
    WITH discarded AS (
        UPDATE inbox SET state = 'done', settled_at = now()
        WHERE state = 'dead' AND (:consumer = '' OR consumer = :consumer) AND (:event_id = '' OR event_id = :event_id)
        RETURNING 1
    )
    SELECT count(*) FROM discarded
    """
)


async def dead_letters(database: Database, consumer: str = "", limit: int = 100) -> list[DeadLetter]:
    """List the dead letters of a subgraph, or of one of its consumers, oldest first."""
    async with database.session() as session:
        rows = await session.execute(_LIST, {"consumer": consumer, "limit": limit})
        return [DeadLetter(*row) for row in rows]


async def find_dead_letter(database: Database, consumer: str, event_id: str) -> DeadLetter | None:
    """Find one dead letter; None if it is none any more."""
    async with database.session() as session:
        row = (await session.execute(_FIND, {"consumer": consumer, "event_id": event_id})).one_or_none()
        return DeadLetter(*row) if row else None


async def retry_dead_letters(database: Database, consumer: str = "", event_id: str = "") -> int:
    """Hand dead letters to their consumers again, with all their attempts; tell how many."""
    async with database.transaction() as session:
        row = (await session.execute(_RETRY, {"consumer": consumer, "event_id": event_id})).one()
        return row[0]


async def discard_dead_letters(database: Database, consumer: str = "", event_id: str = "") -> int:
    """Settle dead letters without an effect; their rows and reasons stay until retention ends. Tell how many."""
    async with database.transaction() as session:
        return (await session.execute(_DISCARD, {"consumer": consumer, "event_id": event_id})).scalar_one()
