"""The schemas of the soak: one that records events, two that note the effect of each."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.database import Database
from kernel.events.consumers import Consumer
from kernel.events.delivery import Room
from kernel.events.envelope import Event

MIGRATIONS: Final = Path(__file__).parents[1] / "kernel" / "sample_migrations"
READERS: Final = ("first", "second")
SCHEMAS: Final = ("producer", *READERS)

_NOTE: Final = text(
    """
    INSERT INTO effects (event_id, subject, note)
    VALUES (:id, :subject,
            CAST(:number AS text) || ' ' || extract(epoch FROM clock_timestamp() - CAST(:recorded AS timestamptz)))
    """
)


async def note_effect(event: Event, session: AsyncSession) -> None:
    """Note that the event had its effect, its number and how many seconds after it was recorded."""
    facts = {"id": event.id, "subject": event.subject, "number": event.data.name, "recorded": event.time}
    await session.execute(_NOTE, facts)


def rooms(url: str) -> list[Room]:
    """The three schemas on a database, with the consumers of the two readers."""
    readers = [
        Room(
            Database(url, schema=schema, pool_size=4),
            (
                Consumer(
                    name=f"soak_of_{schema}", subscriptions={"UserRegistered": note_effect}, concurrency=2, batch=100
                ),
            ),
        )
        for schema in READERS
    ]
    return [Room(Database(url, schema="producer", pool_size=2)), *readers]
