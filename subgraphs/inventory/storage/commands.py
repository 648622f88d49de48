"""Commands that were carried out: kept as long as somebody may repeat one, and then forgotten."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_FORGET: Final = text(
    """
    WITH gone AS (
        DELETE FROM commands WHERE idempotency_key IN (
            SELECT idempotency_key FROM commands
            WHERE executed_at < now() - make_interval(secs => :seconds)
            ORDER BY executed_at LIMIT 1000 FOR UPDATE SKIP LOCKED)
        RETURNING 1)
    SELECT count(*) FROM gone
    """
)


async def forget(session: AsyncSession, seconds: float) -> int:
    """Forget some of what was carried out longer ago than that; tell how many commands."""
    return int(await session.scalar(_FORGET, {"seconds": seconds}) or 0)
