"""Templates that the staff changed, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.notifications.domain.messages import Topic, Words
from subgraphs.notifications.storage.tables import template_overrides as table


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """The words of a topic in a language, as the staff wants them."""

    topic: Topic
    language: str
    words: Words
    changed_by: str
    changed_at: datetime


async def overrides_of(session: AsyncSession, topic: Topic, languages: Sequence[str]) -> dict[str, Words]:
    """Read the changed words of a topic in some languages."""
    rows = await session.execute(select(table).where(table.c.topic == topic, table.c.language.in_(languages)))
    return {row.language: Words(row.subject, row.text, row.html) for row in rows}


async def all_overrides(session: AsyncSession) -> list[Override]:
    """Read everything that was changed."""
    rows = await session.execute(select(table).order_by(table.c.topic, table.c.language))
    return [
        Override(
            topic=Topic(row.topic),
            language=row.language,
            words=Words(row.subject, row.text, row.html),
            changed_by=row.changed_by,
            changed_at=row.changed_at,
        )
        for row in rows
    ]


async def store(session: AsyncSession, override: Override) -> None:
    """Put words in the place of those that the shop came with."""
    values = {
        "subject": override.words.subject,
        "text": override.words.text,
        "html": override.words.html,
        "changed_by": override.changed_by,
        "changed_at": override.changed_at,
    }
    adding = insert(table).values(topic=override.topic, language=override.language, **values)
    await session.execute(adding.on_conflict_do_update(index_elements=["topic", "language"], set_=values))


async def remove(session: AsyncSession, topic: Topic, language: str) -> None:
    """Return to the words that the shop came with."""
    await session.execute(delete(table).where(table.c.topic == topic, table.c.language == language))
