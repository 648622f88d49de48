"""What somebody has looked at lately."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.recommendations.storage.sizes import sized, sized_statement


@dataclass(frozen=True, slots=True)
class Viewed:
    """A product that somebody viewed, and when that was for the last time."""

    product_id: str
    viewed_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides whether a view is recorded."""

    known: bool
    """Whether there is such a product."""
    last_at: datetime | None
    """When the same viewer viewed it before."""
    recent: int
    """How many products the viewer has viewed since an instant."""
    recognised: bool
    """Whether the viewer is a guest who has logged in since."""


_RECENT: Final = sized_statement("""
SELECT wanted.id AS viewer, latest.product_id, latest.last_viewed_at
FROM jsonb_array_elements_text(:viewers) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT views.product_id, views.last_viewed_at
    FROM views LEFT JOIN products ON products.product_id = views.product_id
    WHERE views.viewer = wanted.id AND products.published IS NOT FALSE
    ORDER BY views.last_viewed_at DESC, views.product_id
    LIMIT :first
) AS latest
ORDER BY wanted.id, latest.last_viewed_at DESC, latest.product_id
""").bindparams(bindparam("viewers", type_=JSONB))

_STANDING: Final = text("""
SELECT
    EXISTS (SELECT FROM products WHERE product_id = :product_id AND published) AS known,
    (SELECT last_viewed_at FROM views WHERE viewer = :viewer AND product_id = :product_id) AS last_at,
    (SELECT count(*) FROM views WHERE viewer = :viewer AND last_viewed_at > :since) AS recent,
    EXISTS (SELECT FROM known_guests WHERE guest = :viewer) AS recognised
""")


_RECOGNISE: Final = text("""
INSERT INTO known_guests (guest, customer_id, known_at) VALUES (:guest, :user, :now) ON CONFLICT DO NOTHING
""")
_MERGE: Final = """
WITH moved AS (
    DELETE FROM views USING known_guests WHERE views.viewer = known_guests.guest {of}
    RETURNING known_guests.guest, known_guests.customer_id, product_id, views, last_viewed_at
), merged AS (
    INSERT INTO views AS known (viewer, product_id, views, last_viewed_at)
    SELECT customer_id, product_id, sum(views), max(last_viewed_at) FROM moved GROUP BY customer_id, product_id
    ON CONFLICT (viewer, product_id) DO UPDATE SET
        views = known.views + excluded.views,
        last_viewed_at = greatest(known.last_viewed_at, excluded.last_viewed_at)
), outdated AS (
    INSERT INTO picks (person) SELECT DISTINCT customer_id FROM moved
    ON CONFLICT (person) DO UPDATE SET made_at = NULL WHERE picks.made_at IS NOT NULL
)
DELETE FROM picks WHERE person IN (SELECT guest FROM moved)
"""
_MERGE_ONE: Final = text(_MERGE.format(of="AND known_guests.guest = :guest"))
_MERGE_ALL: Final = text(_MERGE.format(of=""))


async def merge(session: AsyncSession, guest: str, user: str, now: datetime) -> None:
    """Give a user what was viewed, and will still be told, of a guest's session; who comes first keeps it."""
    await session.execute(_RECOGNISE, {"guest": guest, "user": user, "now": now})
    await session.execute(_MERGE_ONE, {"guest": guest})


async def merge_late(session: AsyncSession) -> None:
    """Give users what was told of their guests' sessions at the very moment when these were merged."""
    await session.execute(_MERGE_ALL)


async def recently_viewed(session: AsyncSession, viewers: Sequence[str], first: int) -> dict[str, list[Viewed]]:
    """Give what each viewer looked at, the latest first, as far as it is still published."""
    found: dict[str, list[Viewed]] = defaultdict(list)
    for row in await session.execute(_RECENT, {"viewers": list(viewers), "first": sized(first)}):
        if len(found[row.viewer]) < first:
            found[row.viewer].append(Viewed(row.product_id, row.last_viewed_at))
    return found


async def standing(session: AsyncSession, viewer: str, product_id: str, since: datetime) -> Standing:
    """Look up what decides whether a view is recorded."""
    row = (await session.execute(_STANDING, {"viewer": viewer, "product_id": product_id, "since": since})).one()
    return Standing(row.known, row.last_at, row.recent, row.recognised)
