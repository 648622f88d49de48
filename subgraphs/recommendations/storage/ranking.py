"""The best recommendations out of the counts: for any number of products or customers in one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Text

from subgraphs.recommendations.domain.recommendation import PRIOR, Reason, Recommendation

Ranked = dict[str, list[Recommendation]]
"""Recommendations by whom they are for, best first."""

_RECENT_PURCHASES: Final = 50


def _for_ids(statement: str) -> TextClause:
    return text(statement).bindparams(bindparam("ids", type_=ARRAY(Text)))


_TOGETHER: Final = _for_ids("""
SELECT wanted.id AS wanted_id, best.product_id, best.score
FROM unnest(:ids) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT pair.other_id AS product_id, pair.orders / (sqrt(own.orders::float8 * other.orders) + :prior) AS score
    FROM product_pairs AS pair
    JOIN product_popularity AS own ON own.product_id = pair.product_id
    JOIN product_popularity AS other ON other.product_id = pair.other_id
    WHERE pair.product_id = wanted.id
      AND NOT EXISTS (SELECT FROM hidden_products AS hidden WHERE hidden.product_id = pair.other_id)
    ORDER BY score DESC, pair.other_id
    LIMIT :first
) AS best
ORDER BY wanted.id, best.score DESC, best.product_id
""")

_FOR_CUSTOMERS: Final = _for_ids("""
SELECT wanted.id AS wanted_id, best.product_id, best.score
FROM unnest(:ids) AS wanted (id)
CROSS JOIN LATERAL (
    WITH recent AS (
        SELECT product_id FROM purchases WHERE customer_id = wanted.id
        ORDER BY last_bought_at DESC, product_id LIMIT :recent
    )
    SELECT
        pair.other_id AS product_id,
        1 - 1 / (1 + sum(pair.orders / (sqrt(own.orders::float8 * other.orders) + :prior))) AS score
    FROM recent
    JOIN product_pairs AS pair ON pair.product_id = recent.product_id
    JOIN product_popularity AS own ON own.product_id = pair.product_id
    JOIN product_popularity AS other ON other.product_id = pair.other_id
    WHERE NOT EXISTS (SELECT FROM hidden_products AS hidden WHERE hidden.product_id = pair.other_id)
      AND NOT EXISTS (
          SELECT FROM purchases AS bought
          WHERE bought.customer_id = wanted.id AND bought.product_id = pair.other_id
      )
    GROUP BY pair.other_id
    ORDER BY score DESC, pair.other_id
    LIMIT :first
) AS best
ORDER BY wanted.id, best.score DESC, best.product_id
""")

_POPULAR: Final = text("""
SELECT product_id, orders / max(orders) OVER ()::float8 AS score
FROM (
    SELECT product_id, orders FROM product_popularity AS known
    WHERE NOT EXISTS (SELECT FROM hidden_products AS hidden WHERE hidden.product_id = known.product_id)
    ORDER BY orders DESC, product_id DESC
    LIMIT :first
) AS best
ORDER BY orders DESC, product_id DESC
""")

_POPULAR_FOR_CUSTOMERS: Final = _for_ids("""
SELECT wanted.id AS wanted_id, best.product_id, best.orders / greatest(max(best.orders) OVER (), 1)::float8 AS score
FROM unnest(:ids) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT known.product_id, known.orders
    FROM product_popularity AS known
    WHERE NOT EXISTS (SELECT FROM hidden_products AS hidden WHERE hidden.product_id = known.product_id)
      AND NOT EXISTS (
          SELECT FROM purchases AS bought
          WHERE bought.customer_id = wanted.id AND bought.product_id = known.product_id
      )
    ORDER BY known.orders DESC, known.product_id DESC
    LIMIT :first
) AS best
ORDER BY wanted.id, best.orders DESC, best.product_id DESC
""")


async def bought_together(session: AsyncSession, product_ids: Sequence[str], first: int) -> Ranked:
    """Rank what was bought with each product."""
    return await _ranked(session, _TOGETHER, Reason.BOUGHT_TOGETHER, ids=product_ids, first=first, prior=PRIOR)


async def for_customers(session: AsyncSession, customer_ids: Sequence[str], first: int) -> Ranked:
    """Rank what goes with the latest purchases of each customer, without what they have."""
    return await _ranked(
        session,
        _FOR_CUSTOMERS,
        Reason.BASED_ON_PURCHASES,
        ids=customer_ids,
        first=first,
        prior=PRIOR,
        recent=_RECENT_PURCHASES,
    )


async def popular(session: AsyncSession, first: int) -> list[Recommendation]:
    """Rank what most orders hold."""
    rows = await session.execute(_POPULAR, {"first": first})
    return [Recommendation(row.product_id, Reason.POPULAR, row.score) for row in rows]


async def popular_for_customers(session: AsyncSession, customer_ids: Sequence[str], first: int) -> Ranked:
    """Rank what most orders hold, without what each customer has."""
    return await _ranked(session, _POPULAR_FOR_CUSTOMERS, Reason.POPULAR, ids=customer_ids, first=first)


async def _ranked(session: AsyncSession, statement: TextClause, reason: Reason, **parameters: Any) -> Ranked:
    ranked: Ranked = defaultdict(list)
    for row in await session.execute(statement, {**parameters, "ids": list(parameters["ids"])}):
        ranked[row.wanted_id].append(Recommendation(row.product_id, reason, row.score))
    return ranked
