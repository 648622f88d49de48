"""The log of who of the shop looked at or changed whose data: rows are added, and leave by age alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.pagination import Page, Slice, SortKey, apply_page, slice_rows
from subgraphs.users.storage.tables import access_log

_NEWEST_FIRST = (SortKey("position", access_log.c.position, int, descending=True),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Somebody of the shop did something with somebody's data."""

    actor_id: str
    action: str
    subject_id: str | None
    detail: str
    at: datetime


async def insert_accesses(
    session: AsyncSession, *, actor_id: str, action: str, subject_ids: Collection[str], detail: str, at: datetime
) -> None:
    """Note what was done, once for each person it was done to; without any, once."""
    shared = {"actor_id": actor_id, "action": action, "detail": detail, "at": at}
    rows = [{**shared, "subject_id": subject_id} for subject_id in subject_ids or (None,)]
    await session.execute(insert(access_log).values(rows))


async def page_of_accesses(
    session: AsyncSession, page: Page, *, subject_id: str | None, actor_id: str | None
) -> Slice[Access]:
    """Read one page of the log, newest first."""
    query = select(access_log)
    if subject_id is not None:
        query = query.where(access_log.c.subject_id == subject_id)
    if actor_id is not None:
        query = query.where(access_log.c.actor_id == actor_id)
    rows = (await session.execute(apply_page(query, page, _NEWEST_FIRST))).all()
    return slice_rows(rows, page, _NEWEST_FIRST, lambda row: (row.position,)).map(
        lambda row: Access(
            actor_id=row.actor_id, action=row.action, subject_id=row.subject_id, detail=row.detail, at=row.at
        )
    )


async def delete_older(session: AsyncSession, before: datetime, *, at_most: int = 1000) -> int:
    """Forget what happened too long ago; tell how many rows."""
    old = select(access_log.c.position).where(access_log.c.at < before).limit(at_most)
    gone = await session.execute(
        delete(access_log).where(access_log.c.position.in_(old)).returning(access_log.c.position)
    )
    return len(gone.all())
