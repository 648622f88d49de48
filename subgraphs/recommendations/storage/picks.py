"""What goes with somebody's past: put together now, or found ready in the person's row.

A list that was put together is kept with its person, so that it is served by one look at a primary key. What the person
does next makes it out of date at once; until a job has remade it, it is put together when it is asked for. A training
makes all lists a little old: they are remade one portion after another, and shown meanwhile.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import DateTime, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

_KEPT: Final = 60
"""How many picks are kept of each person: more than can be asked for, since some of them will be out of stock."""
_PORTION: Final = 50

_PURCHASES: Final = 30
_VIEWS: Final = 20
"""How much of a person's past is looked at."""
_PURCHASES_HALF_LIFE: Final = 90 * 86400.0
_VIEWS_HALF_LIFE: Final = 7 * 86400.0
"""The seconds after which it counts half."""
_VIEW_WEIGHT: Final = 0.5
"""What a view counts, beside 1 for a purchase."""

# The candidates are ranked before it is looked up which of them may be shown: then only the first ones are looked up.
_LIVE: Final = f"""
SELECT 0 AS tier, product_id,
    CASE WHEN EXISTS (SELECT FROM purchases WHERE customer_id = wanted.id AND purchases.product_id = because)
        THEN 'based_on_purchases' ELSE 'based_on_views' END AS reason,
    because, 1 - 1 / (1 + score) AS score
FROM (
    SELECT near.other_id AS product_id, sum(past.weight * near.score) AS score,
        (array_agg(past.product_id ORDER BY past.weight * near.score DESC, past.product_id))[1] AS because
    FROM (
        (SELECT product_id,
            power(2, -extract(epoch FROM CAST(:now AS timestamptz) - last_bought_at)::float8 / {_PURCHASES_HALF_LIFE})
            AS weight
         FROM purchases WHERE customer_id = wanted.id ORDER BY last_bought_at DESC, product_id LIMIT {_PURCHASES})
        UNION ALL
        (SELECT product_id,
            {_VIEW_WEIGHT}
            * power(2, -extract(epoch FROM CAST(:now AS timestamptz) - last_viewed_at)::float8 / {_VIEWS_HALF_LIFE})
         FROM views WHERE viewer = wanted.id ORDER BY last_viewed_at DESC, product_id LIMIT {_VIEWS})
    ) AS past (product_id, weight)
    JOIN neighbours AS near ON near.kind = 'taste' AND near.product_id = past.product_id
    GROUP BY near.other_id
    ORDER BY score DESC, product_id OFFSET 0
) AS candidates
WHERE (SELECT shown FROM products WHERE products.product_id = candidates.product_id)
  AND (SELECT count(*) FROM purchases AS has
       WHERE has.customer_id = wanted.id AND has.product_id = candidates.product_id) = 0
LIMIT :first"""  # noqa: S608 # our own constants

PERSONAL: Final = f"""
(SELECT 0 AS tier, product_id, reason, because, score FROM (
    SELECT pick.* FROM picks CROSS JOIN LATERAL
        ROWS FROM (jsonb_to_recordset(picks.list) AS (product_id text, reason text, because text, score float8))
        WITH ORDINALITY AS pick (product_id, reason, because, score, place)
    WHERE picks.person = wanted.id AND picks.made_at IS NOT NULL ORDER BY pick.place OFFSET 0
) AS kept
WHERE (SELECT shown FROM products WHERE products.product_id = kept.product_id)
LIMIT :first)
UNION ALL
(SELECT * FROM ({_LIVE}) AS live
WHERE (SELECT count(*) FROM picks WHERE picks.person = wanted.id AND picks.made_at IS NOT NULL) = 0)"""  # noqa: S608
"""The tier of a person's picks: those that are kept, or else those that are put together now."""

_DUE: Final = text("""
SELECT person FROM picks
WHERE made_at IS NULL OR made_at < (SELECT trained_at FROM training WHERE id = 1)
ORDER BY made_at NULLS FIRST LIMIT :portion FOR UPDATE SKIP LOCKED
""")
_MAKE: Final = text(f"""
UPDATE picks SET made_at = :now, list = made.list
FROM (
    SELECT wanted.id, coalesce(jsonb_agg(
        jsonb_build_object('product_id', best.product_id, 'reason', best.reason, 'because', best.because,
            'score', best.score)
        ORDER BY best.score DESC, best.product_id) FILTER (WHERE best.product_id IS NOT NULL), '[]') AS list
    FROM jsonb_array_elements_text(:ids) AS wanted (id) LEFT JOIN LATERAL ({_LIVE}) AS best ON true
    GROUP BY wanted.id
) AS made
WHERE picks.person = made.id
""").bindparams(bindparam("ids", type_=JSONB), bindparam("now", type_=DateTime(timezone=True)))  # noqa: S608


async def make_due(session: AsyncSession, now: datetime) -> int:
    """Remake a portion of the lists that are out of date, oldest first; tell how many.

    Their rows are locked before the past is read, so that what a person does meanwhile makes the new list out of date.
    """
    people = list((await session.execute(_DUE, {"portion": _PORTION})).scalars())
    if people:
        await session.execute(_MAKE, {"ids": people, "first": _KEPT, "now": now})
    return len(people)
