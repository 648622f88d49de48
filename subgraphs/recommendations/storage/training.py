"""Learns which products are near to each other: sparse matrix products, done by PostgreSQL where the counts are.

`similar` compares what products are like, each feature weighed by how rare it is, and a little by who looked at both;
`taste` compares who bought or viewed them, adds what was bought in one order, and a little of `similar`, by which a new
product is found. Both are cosines with some doubt added below. People with long lists tell less about each pair.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.recommendations.domain.recommendation import PRIOR

_DOUBT: Final = 10.0
_VIEW_WEIGHT: Final = 0.3
_LONGEST: Final = 100
"""How many of a person's latest purchases and views are looked at: pairs grow with its square."""
_COMMONEST: Final = 1000
"""A feature that more products have than this tells nothing and would cost most of the work."""
_CONTENT: Final = 0.1
_VIEWED_TOGETHER: Final = 0.3
_KEPT: Final = 30

_DUE: Final = text("""
SELECT newest.at AS learnt_until FROM training, LATERAL (
    SELECT greatest(
        (SELECT max(greatest(last_bought_at, changed_at)) FROM products), (SELECT max(last_viewed_at) FROM views)) AS at
) AS newest
WHERE training.id = 1 AND newest.at IS NOT NULL AND newest.at IS DISTINCT FROM training.learnt_until
  AND (training.trained_at IS NULL OR training.trained_at <= :due)
FOR UPDATE OF training SKIP LOCKED
""")
_DONE: Final = text("UPDATE training SET trained_at = :now, learnt_until = :learnt_until WHERE id = 1")
_FORGET: Final = text("DELETE FROM neighbours")

_KEEP: Final = """
INSERT INTO neighbours (kind, product_id, rank, other_id, score)
SELECT :kind, product_id, rank, other_id, score FROM (
    SELECT product_id, other_id, sum(score) AS score,
        row_number() OVER (PARTITION BY product_id ORDER BY sum(score) DESC, other_id) AS rank
    FROM scored GROUP BY product_id, other_id
) AS ranked WHERE rank <= :kept"""

_MET: Final = """
people AS MATERIALIZED (SELECT person, 1 / ln(2 + count(*)) AS worth FROM signals GROUP BY person),
strength AS MATERIALIZED (SELECT product_id, sum(weight * weight) AS total FROM signals GROUP BY product_id),
met AS (
    SELECT one.product_id, other.product_id AS other_id, sum(one.weight * other.weight * people.worth) AS together
    FROM signals AS one
    JOIN signals AS other ON other.person = one.person AND other.product_id <> one.product_id
    JOIN people ON people.person = one.person
    GROUP BY one.product_id, other.product_id
),
near AS (
    SELECT met.product_id, met.other_id, met.together / (sqrt(own.total * other.total) + :doubt) AS score
    FROM met
    JOIN strength AS own ON own.product_id = met.product_id
    JOIN strength AS other ON other.product_id = met.other_id
)"""

_VIEWS: Final = """
SELECT viewer AS person, product_id, {weight} AS weight,
    row_number() OVER (PARTITION BY viewer ORDER BY last_viewed_at DESC, product_id) AS place
FROM views"""

_SIMILAR: Final = text(f"""
WITH signals AS MATERIALIZED (SELECT * FROM ({_VIEWS.format(weight="1::float8")}) AS each WHERE place <= :longest),
{_MET},
features AS MATERIALIZED (SELECT product_id, unnest(features) AS feature FROM products WHERE published),
rarity AS MATERIALIZED (
    SELECT feature, ln(1 + (SELECT count(*) FROM products WHERE published)::float8 / count(*)) AS weight
    FROM features GROUP BY feature HAVING count(*) <= :commonest
),
vectors AS MATERIALIZED (SELECT product_id, feature, weight FROM features JOIN rarity USING (feature)),
lengths AS MATERIALIZED (SELECT product_id, sqrt(sum(weight * weight)) AS length FROM vectors GROUP BY product_id),
alike AS (
    SELECT one.product_id, other.product_id AS other_id, sum(one.weight * other.weight) AS dot
    FROM vectors AS one JOIN vectors AS other ON other.feature = one.feature AND other.product_id <> one.product_id
    GROUP BY one.product_id, other.product_id
),
scored AS (
    SELECT alike.product_id, alike.other_id,
        (1 - :viewed) * alike.dot / (own.length * other.length) + :viewed * coalesce(near.score, 0) AS score
    FROM alike
    JOIN lengths AS own ON own.product_id = alike.product_id
    JOIN lengths AS other ON other.product_id = alike.other_id
    LEFT JOIN near ON near.product_id = alike.product_id AND near.other_id = alike.other_id
)
{_KEEP}""")  # noqa: S608 # our own pieces

_TASTE: Final = text(f"""
WITH signals AS MATERIALIZED (
    SELECT person, product_id, max(weight) AS weight FROM (
        SELECT customer_id AS person, product_id, 1::float8 AS weight,
            row_number() OVER (PARTITION BY customer_id ORDER BY last_bought_at DESC, product_id) AS place
        FROM purchases
        UNION ALL
        {_VIEWS.format(weight=":view_weight")}
    ) AS each WHERE place <= :longest GROUP BY person, product_id
),
{_MET},
scored AS (
    SELECT product_id, other_id, score FROM near
    UNION ALL
    SELECT pair.product_id, pair.other_id, pair.orders / (sqrt(own.orders::float8 * other.orders) + :prior)
    FROM product_pairs AS pair
    JOIN products AS own ON own.product_id = pair.product_id
    JOIN products AS other ON other.product_id = pair.other_id
    UNION ALL
    SELECT product_id, other_id, score * :content FROM neighbours WHERE kind = 'similar'
)
{_KEEP}""")  # noqa: S608 # our own pieces


async def train_if_due(session: AsyncSession, now: datetime, due: datetime) -> bool:
    """Train when something new was counted and the last training was before `due`; tell whether it was done.

    The row of the training is locked until the transaction ends, so that one process trains at a time, and one that
    dies leaves nothing half done. Readers see the former neighbours until then.
    """
    row = (await session.execute(_DUE, {"due": due})).one_or_none()
    if row is None:
        return False
    await train(session)
    await session.execute(_DONE, {"now": now, "learnt_until": row.learnt_until})
    return True


async def train(session: AsyncSession) -> None:
    """Learn all neighbours anew."""
    bounds = {"longest": _LONGEST, "doubt": _DOUBT, "kept": _KEPT}
    content = {"viewed": _VIEWED_TOGETHER, "commonest": _COMMONEST}
    taste = {"view_weight": _VIEW_WEIGHT, "prior": PRIOR, "content": _CONTENT}
    await session.execute(_FORGET)
    await session.execute(_SIMILAR, {**bounds, **content, "kind": "similar"})
    await session.execute(_TASTE, {**bounds, **taste, "kind": "taste"})
