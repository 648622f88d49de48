"""What somebody has looked at lately."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession


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


_RECENT: Final = text("""
SELECT wanted.id AS viewer, latest.product_id, latest.last_viewed_at
FROM unnest(:viewers) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT views.product_id, views.last_viewed_at
    FROM views LEFT JOIN products ON products.product_id = views.product_id
    WHERE views.viewer = wanted.id AND products.published IS NOT FALSE
    ORDER BY views.last_viewed_at DESC, views.product_id
    LIMIT :first
) AS latest
ORDER BY wanted.id, latest.last_viewed_at DESC, latest.product_id
""").bindparams(bindparam("viewers", type_=ARRAY(Text)))

_STANDING: Final = text("""
SELECT
    EXISTS (SELECT FROM products WHERE product_id = :product_id AND published) AS known,
    (SELECT last_viewed_at FROM views WHERE viewer = :viewer AND product_id = :product_id) AS last_at,
    (SELECT count(*) FROM views WHERE viewer = :viewer AND last_viewed_at > :since) AS recent
""")


async def recently_viewed(session: AsyncSession, viewers: Sequence[str], first: int) -> dict[str, list[Viewed]]:
    """Give what each viewer looked at, the latest first, as far as it is still published."""
    found: dict[str, list[Viewed]] = defaultdict(list)
    for row in await session.execute(_RECENT, {"viewers": list(viewers), "first": first}):
        found[row.viewer].append(Viewed(row.product_id, row.last_viewed_at))
    return found


async def standing(session: AsyncSession, viewer: str, product_id: str, since: datetime) -> Standing:
    """Look up what decides whether a view is recorded."""
    row = (await session.execute(_STANDING, {"viewer": viewer, "product_id": product_id, "since": since})).one()
    return Standing(row.known, row.last_at, row.recent)
