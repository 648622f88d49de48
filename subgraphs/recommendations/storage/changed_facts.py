"""What changed among the facts since it was copied to another store.

Triggers note each fact that is written, changed or deleted, by whatever statement, in the transaction that does it.
A fact is told with the place of the newest note about it that the same snapshot sees. Of one fact later notes have
higher places, since its row is locked until they are committed; so a store that keeps what came with the highest place
has each fact as it was last, in whatever order and however often portions reach it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import DateTime, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

_IDS: Final = {
    "sales": "order_id",
    "refunds": "refund_id",
    "checkouts_started": "checkout_id",
    "product_views": "event_id",
    "searches": "event_id || '/' || place",
}
KINDS: Final = tuple(_IDS)

_CLAIM: Final = text("""
    UPDATE facts_copy SET busy_until = :until WHERE target = :target AND (busy_until IS NULL OR busy_until < :now)
        AND EXISTS (SELECT FROM facts_to_copy)
    RETURNING 1""").bindparams(bindparam("until", type_=DateTime(True)), bindparam("now", type_=DateTime(True)))

_RELEASE: Final = text("UPDATE facts_copy SET busy_until = NULL WHERE target = :target")

_PORTION: Final = text("""
WITH portion AS (SELECT place, kind, id FROM facts_to_copy ORDER BY place LIMIT :size),
latest AS (SELECT kind, id, max(place) AS version, array_agg(place) AS places FROM portion GROUP BY kind, id)
SELECT kind, id, version, places, CASE kind
    WHEN 'sales' THEN (
        SELECT jsonb_build_object('buyer', buyer, 'who', coalesce(buyer, order_id), 'currency', currency,
            'total_minor', total_minor, 'units', units, 'confirmed_at', confirmed_at,
            'cancelled', cancelled_at IS NOT NULL, 'lines', (
                SELECT coalesce(jsonb_agg(jsonb_build_object('product_id', product_id, 'quantity', quantity,
                    'revenue_minor', revenue_minor)), '[]') FROM sold_lines WHERE order_id = sales.order_id))
        FROM sales WHERE order_id = latest.id)
    WHEN 'refunds' THEN (
        SELECT jsonb_build_object('currency', currency, 'amount_minor', amount_minor, 'refunded_at', refunded_at)
        FROM refunds WHERE refund_id = latest.id)
    WHEN 'checkouts_started' THEN (
        SELECT jsonb_build_object('started_at', started_at) FROM checkouts_started WHERE checkout_id = latest.id)
    WHEN 'product_views' THEN (
        SELECT jsonb_build_object('visitor', visitor, 'searched', searched, 'viewed_at', viewed_at)
        FROM product_views WHERE event_id = latest.id)
    WHEN 'searches' THEN (
        SELECT jsonb_build_object('words', words, 'found', found, 'searched_at', searched_at)
        FROM searches WHERE event_id = split_part(latest.id, '/', 1)
            AND place = split_part(latest.id, '/', 2)::smallint)
    END AS document
FROM latest
""")

_DONE: Final = text("DELETE FROM facts_to_copy WHERE place = ANY(:places)")


@dataclass(frozen=True, slots=True)
class ChangedFact:
    """A fact as it is now, or None for one that is gone; a higher version is newer."""

    kind: str
    id: str
    version: int
    places: Sequence[int]
    document: dict[str, Any] | None


async def follow(session: AsyncSession, target: str) -> bool:
    """Note all facts anew unless they are noted for this target already; tell whether that was done.

    Whoever writes facts waits meanwhile, so that none is missed.
    """
    if await _followed(session, target):
        return False
    await session.execute(text(f"LOCK TABLE {', '.join(KINDS)} IN SHARE ROW EXCLUSIVE MODE"))
    if await _followed(session, target):  # by who held the lock before us
        return False
    await session.execute(text("DELETE FROM facts_copy"))
    await session.execute(text("DELETE FROM facts_to_copy"))
    await session.execute(text("INSERT INTO facts_copy (target) VALUES (:target)"), {"target": target})
    for kind, key in _IDS.items():
        noted = f"INSERT INTO facts_to_copy (kind, id) SELECT '{kind}', {key} FROM {kind}"  # noqa: S608 # our own names
        await session.execute(text(noted))
    return True


async def _followed(session: AsyncSession, target: str) -> bool:
    found = await session.execute(text("SELECT 1 FROM facts_copy WHERE target = :target"), {"target": target})
    return found.first() is not None


async def claim(session: AsyncSession, target: str, now: datetime, until: datetime) -> bool:
    """Tell whether there is something to copy that nobody else copies; the caller does then, until released or over."""
    return (await session.execute(_CLAIM, {"target": target, "now": now, "until": until})).first() is not None


async def release(session: AsyncSession, target: str) -> None:
    """Let others copy."""
    await session.execute(_RELEASE, {"target": target})


async def portion(session: AsyncSession, size: int) -> list[ChangedFact]:
    """Read the facts of the oldest notes."""
    rows = await session.execute(_PORTION, {"size": size})
    return [ChangedFact(row.kind, row.id, row.version, row.places, row.document) for row in rows]


async def forget_notes(session: AsyncSession, facts: Sequence[ChangedFact]) -> None:
    """Forget the notes of facts that have been copied."""
    await session.execute(_DONE, {"places": [place for fact in facts for place in fact.places]})
