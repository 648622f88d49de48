"""The effect that the sample consumers have: a row that says which event came, in which order."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.database import Database
from kernel.events.envelope import Event

_NOTE: Final = text("INSERT INTO effects (event_id, subject, note) VALUES (:id, :subject, :note)")
_NOTES: Final = text("SELECT note FROM effects ORDER BY position")


async def note_effect(event: Event, session: AsyncSession) -> None:
    """Handle an event by noting the name in it."""
    await session.execute(_NOTE, {"id": event.id, "subject": event.subject, "note": event.data.name})


async def effects(database: Database) -> list[str]:
    """List what was noted, in the order in which it was."""
    async with database.session() as session:
        return list((await session.execute(_NOTES)).scalars())
