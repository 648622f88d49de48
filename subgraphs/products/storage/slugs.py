"""Slugs that were given up still lead to what had them; one that is in use again leads to its new owner."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.products.storage.tables import slug_redirects

Kind = Literal["product", "category", "collection"]


async def retire(session: AsyncSession, kind: Kind, target_id: str, *, old: str, new: str) -> None:
    """Note that something has another slug now."""
    taken_up = slug_redirects.c.kind == kind, slug_redirects.c.slug == new
    await session.execute(delete(slug_redirects).where(*taken_up))
    statement = upsert(slug_redirects).values(kind=kind, slug=old, target_id=target_id)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[slug_redirects.c.kind, slug_redirects.c.slug],
            set_={"target_id": statement.excluded.target_id, "retired_at": statement.excluded.retired_at},
        )
    )


async def target_of(session: AsyncSession, kind: Kind, slug: str) -> str | None:
    """Tell what had a slug last that nothing has now."""
    statement = select(slug_redirects.c.target_id)
    wanted = slug_redirects.c.kind == kind, slug_redirects.c.slug == slug
    return (await session.execute(statement.where(*wanted))).scalar()


async def forget(session: AsyncSession, target_id: str) -> None:
    """Let the old slugs of something that is gone lead nowhere."""
    await session.execute(delete(slug_redirects).where(slug_redirects.c.target_id == target_id))
