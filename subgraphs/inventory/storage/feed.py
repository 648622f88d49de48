"""Reading the whole ledger in an order that skips nothing, and projections that remember how far they have read.

A position is given out before its transaction commits, so a reader that only asked for positions above its last one
would miss an entry that commits late. Each entry therefore also keeps the number of its transaction. All numbers below
the oldest one still running are settled for good; so a reader takes *windows* of transaction numbers, each from where
the last one ended up to that horizon, and inside of a window goes by position. What a stream does later can never fall
into an earlier window, because it waited for the lock of what came before, hence the order of each stream is kept.
A long-running transaction, of whomever, holds the horizon back: projections then wait, and nobody else does.

After a dump is restored into another cluster, transaction numbers mean nothing there: renew the projections.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

PORTION: Final = 5000
_CLAIM: Final = text(
    """
    INSERT INTO projections (name, since, until, position) VALUES (:name, '0', '0', 0) ON CONFLICT DO NOTHING
    """
)
_READ: Final = text(
    """
    SELECT since, until, position, pg_snapshot_xmin(pg_current_snapshot()) AS horizon
    FROM projections WHERE name = :name FOR UPDATE
    """
)
_KEEP: Final = text(
    """
    UPDATE projections SET since = CAST(:since AS xid8), until = CAST(:until AS xid8), position = :position,
        updated_at = now() WHERE name = :name
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """A table that follows the ledger by itself; each statement sees the `portion` of entries that are new.

    `apply` is a data-changing statement that reads from `portion`; `forget` empties the table.
    """

    name: str
    apply: str
    forget: str


async def advance(session: AsyncSession, projection: Projection) -> int:
    """Let one portion of entries change a projection, and remember how far that was; tell how many entries."""
    await session.execute(_CLAIM, {"name": projection.name})
    at = (await session.execute(_READ, {"name": projection.name})).one()
    applied, last = await _apply(session, projection, at.since, at.until, at.position)
    if applied == PORTION:
        await _keep(session, projection, at.since, at.until, last)
    elif at.horizon > at.until:
        await _keep(session, projection, at.until, at.horizon, 0)
    else:
        await _keep(session, projection, at.since, at.until, last)
    return applied


async def renew(session: AsyncSession, projection: Projection) -> int:
    """Make a projection anew from the first entry, in the caller's transaction: readers see the old one until then."""
    await session.execute(_CLAIM, {"name": projection.name})
    at = (await session.execute(_READ, {"name": projection.name})).one()
    await session.execute(text(projection.forget))
    await _keep(session, projection, 0, at.horizon, 0)
    total = 0
    while applied := await advance(session, projection):
        total += applied
    return total


async def _apply(session: AsyncSession, projection: Projection, since: int, until: int, position: int) -> Any:
    statement = text(
        f"""
        WITH portion AS (
            SELECT * FROM stock_events
            WHERE transaction_id >= CAST(:since AS xid8) AND transaction_id < CAST(:until AS xid8)
                AND position > :position
            ORDER BY position LIMIT :many
        ), applied AS ({projection.apply})
        SELECT count(*), coalesce(max(position), :position) FROM portion
        """  # noqa: S608 - the projection is our own text
    )
    values = {"since": since, "until": until, "position": position, "many": PORTION}
    return (await session.execute(statement, values)).one()


async def _keep(session: AsyncSession, projection: Projection, since: int, until: int, position: int) -> None:
    await session.execute(_KEEP, {"name": projection.name, "since": since, "until": until, "position": position})
