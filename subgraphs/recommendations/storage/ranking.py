"""The best recommendations out of what was counted and learnt: for any number of products or people in one statement.

Each list is put together of tiers: what was asked for, then what fills it up. A tier gives one more than is wanted, so
that what it has in common with the tiers before, or with what the list is for, leaves enough.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import TextClause, bindparam
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.recommendations.domain.recommendation import PRIOR, Kind, Reason, Recommendation
from subgraphs.recommendations.storage import picks
from subgraphs.recommendations.storage.sizes import sized, sized_statement

Ranked = dict[str, list[Recommendation]]
"""Recommendations by whom they are for, best first."""

_TOGETHER: Final = f"""
SELECT 0 AS tier, pair.other_id AS product_id, 'bought_together' AS reason, wanted.id AS because,
    pair.orders / (sqrt(own.orders::float8 * other.orders) + {PRIOR}) AS score
FROM product_pairs AS pair
JOIN products AS own ON own.product_id = pair.product_id
JOIN products AS other ON other.product_id = pair.other_id AND other.shown
WHERE pair.product_id = wanted.id
ORDER BY score DESC, product_id LIMIT :first"""  # noqa: S608 # our own constant

_SIMILAR: Final = """
SELECT 0 AS tier, near.other_id AS product_id, 'similar' AS reason, wanted.id AS because, near.score
FROM neighbours AS near JOIN products AS other ON other.product_id = near.other_id AND other.shown
WHERE near.kind = 'similar' AND near.product_id = wanted.id
ORDER BY near.rank LIMIT :first"""

_POPULAR: Final = """
SELECT {tier} AS tier, product_id, 'popular' AS reason, NULL AS because,
    orders / (SELECT max(orders) FROM products WHERE shown)::float8 AS score
FROM products WHERE shown AND orders > 0 {also}
ORDER BY orders DESC, product_id DESC LIMIT :first + 1"""

_TRENDING: Final = """
SELECT {tier} AS tier, product_id, 'trending' AS reason, NULL AS because,
    trend / (SELECT max(trend) FROM products WHERE shown) AS score
FROM products WHERE shown AND trend > 0 {also}
ORDER BY trend DESC, product_id DESC LIMIT :first + 1"""

_OF_ITS_CATEGORY: Final = "AND category_id = (SELECT category_id FROM products WHERE product_id = wanted.id)"
_NOT_THEIRS: Final = """AND NOT EXISTS (
    SELECT FROM purchases WHERE customer_id = wanted.id AND purchases.product_id = products.product_id)"""


def _for_each(*tiers: str) -> TextClause:
    """Put a statement together that makes a list of these tiers for each wanted id.

    A tier is only looked into where those before it leave room. The ids come as JSON: PostgreSQL would look into an
    array and plan anew for its length each time, which takes as long as the answer.
    """
    names = [f"tier_{number}" for number in range(len(tiers))]
    steps = [f"{names[0]} AS MATERIALIZED ({tiers[0]})"]
    for number, tier in enumerate(tiers[1:], 1):
        before = " UNION ALL ".join(f"SELECT product_id FROM {name}" for name in names[:number])  # noqa: S608
        steps.append(f"""{names[number]} AS MATERIALIZED (
            SELECT * FROM ({tier}) AS more
            WHERE (SELECT count(DISTINCT product_id) FROM ({before}) AS had WHERE product_id <> wanted.id) < :first)
        """)  # noqa: S608
    return sized_statement(f"""
        SELECT wanted.id AS wanted_id, best.product_id, best.reason, best.score,
            best.because, (SELECT name FROM products WHERE products.product_id = best.because) AS because_name
        FROM jsonb_array_elements_text(:ids) AS wanted (id)
        CROSS JOIN LATERAL (
            WITH {", ".join(steps)}
            SELECT * FROM (
                SELECT *, row_number() OVER (PARTITION BY product_id ORDER BY tier) AS time
                FROM ({" UNION ALL ".join(f"SELECT * FROM {name}" for name in names)}) AS candidates
            ) AS once
            WHERE time = 1 AND product_id <> wanted.id
            ORDER BY tier, score DESC, product_id DESC LIMIT :first
        ) AS best
        ORDER BY wanted.id, best.tier, best.score DESC, best.product_id DESC
    """).bindparams(bindparam("ids", type_=JSONB))  # noqa: S608 # our own pieces


_POPULAR_TIERS: Final = (_POPULAR.format(tier=1, also=_OF_ITS_CATEGORY), _POPULAR.format(tier=2, also=""))
_BESIDE: Final = {
    Kind.BOUGHT_TOGETHER: _for_each(_TOGETHER, *_POPULAR_TIERS),
    Kind.SIMILAR: _for_each(_SIMILAR, *_POPULAR_TIERS),
    Kind.POPULAR: _for_each(*_POPULAR_TIERS),
    Kind.TRENDING: _for_each(_TRENDING.format(tier=0, also="")),
}
_FOR_PEOPLE: Final = _for_each(picks.PERSONAL, _TRENDING.format(tier=1, also=_NOT_THEIRS))

_UNDER_CATEGORY: Final = """
WITH RECURSIVE below (id) AS (
    SELECT :category
    UNION SELECT categories.category_id FROM categories JOIN below ON categories.parent_id = below.id
)
SELECT best.* FROM below CROSS JOIN LATERAL ({of_one}) AS best
ORDER BY score DESC, product_id DESC LIMIT :first"""
_IN_SHOP: Final = {
    Kind.POPULAR: sized_statement(_POPULAR.format(tier=0, also="")),
    Kind.TRENDING: sized_statement(_TRENDING.format(tier=0, also="")),
}
_IN_CATEGORY: Final = {
    Kind.POPULAR: sized_statement(
        _UNDER_CATEGORY.format(of_one=_POPULAR.format(tier=0, also="AND category_id = below.id"))
    ),
    Kind.TRENDING: sized_statement(
        _UNDER_CATEGORY.format(of_one=_TRENDING.format(tier=0, also="AND category_id = below.id"))
    ),
}


async def beside(session: AsyncSession, kind: Kind, product_ids: Sequence[str], first: int) -> Ranked:
    """Rank what goes with each product, filled up with what is popular in its category, and anywhere."""
    return await _ranked(session, _BESIDE[kind], product_ids, first)


async def for_people(session: AsyncSession, people: Sequence[str], first: int, now: datetime) -> Ranked:
    """Rank what goes with what each has bought and viewed, without what they bought; what is trending fills up."""
    return await _ranked(session, _FOR_PEOPLE, people, first, now=now)


async def best(session: AsyncSession, kind: Kind, first: int, category_id: str | None = None) -> list[Recommendation]:
    """Rank what is popular or trending, in the whole shop or under a category."""
    if category_id is None:
        rows = await session.execute(_IN_SHOP[kind], {"first": sized(first)})
    else:
        rows = await session.execute(_IN_CATEGORY[kind], {"first": sized(first), "category": category_id})
    return [Recommendation(row.product_id, Reason(row.reason), row.score) for row in rows][:first]


async def _ranked(
    session: AsyncSession, statement: TextClause, ids: Sequence[str], first: int, **parameters: datetime
) -> Ranked:
    ranked: Ranked = defaultdict(list)
    for row in await session.execute(statement, {**parameters, "ids": list(ids), "first": sized(first)}):
        if len(ranked[row.wanted_id]) < first:
            recommended = Recommendation(row.product_id, Reason(row.reason), row.score, row.because, row.because_name)
            ranked[row.wanted_id].append(recommended)
    return ranked
