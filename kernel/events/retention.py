"""How long what was delivered is kept: long enough to look back and to replay, not for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import Interval, bindparam, text

from kernel.database import Database
from kernel.jobs import Job

KEPT: Final = timedelta(days=30)
"""How long a published event stays in its outbox, and a handled one in an inbox; dead letters stay until settled.

An inbox refuses a second copy for as long as it keeps the first. No carrier holds a copy back for that long.
"""

_PORTION: Final = 5_000
_FORGET: Final = text(
    """
    WITH published AS (
        DELETE FROM outbox WHERE position IN
            (SELECT position FROM outbox WHERE published_at < now() - :kept ORDER BY position LIMIT :portion)
        RETURNING 1
    ), handled AS (
        DELETE FROM inbox WHERE (consumer, event_id) IN
            (SELECT consumer, event_id FROM inbox WHERE state = 'done' AND settled_at < now() - :kept LIMIT :portion)
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM published) + (SELECT count(*) FROM handled)
    """
).bindparams(bindparam("kept", type_=Interval))


async def forget_delivered(database: Database, kept: timedelta = KEPT) -> int:
    """Delete a portion of what was delivered longer ago than `kept`; tell how many rows went."""
    async with database.transaction() as session:
        return (await session.execute(_FORGET, {"kept": kept, "portion": _PORTION})).scalar_one()


def retention_job(database: Database) -> Job:
    """Describe the job that keeps the event tables of a subgraph bounded."""
    return Job(name=f"{database.schema}.forget-events", run=lambda: forget_delivered(database), every=3600.0)
