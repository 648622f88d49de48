"""`Reports` on PostgreSQL: each answered by one statement over the facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import DateTime, TextClause, bindparam, text
from sqlalchemy.engine import Row

from kernel.database import Database
from subgraphs.recommendations.domain.analytics import Cohort, Conversion, Sales, SearchTerm, Span, TopProduct


def _of_span(statement: str) -> TextClause:
    at = DateTime(timezone=True)
    return text(statement).bindparams(bindparam("begin", type_=at), bindparam("end", type_=at))


_SALES: Final = _of_span("""
SELECT start, currency, sum(orders)::integer AS orders, sum(units)::integer AS units, sum(buyers)::integer AS buyers,
    sum(cancelled)::integer AS cancelled, sum(gross)::bigint AS gross, sum(refunded)::bigint AS refunded
FROM (
    SELECT date_trunc(:bucket, confirmed_at, :zone) AS start, currency, count(*) AS orders, sum(units) AS units,
        count(DISTINCT coalesce(buyer, order_id)) AS buyers, count(cancelled_at) AS cancelled,
        sum(total_minor) AS gross, 0 AS refunded
    FROM sales WHERE confirmed_at >= :begin AND confirmed_at < :end GROUP BY 1, 2
    UNION ALL
    SELECT date_trunc(:bucket, refunded_at, :zone), currency, 0, 0, 0, 0, 0, sum(amount_minor)
    FROM refunds WHERE refunded_at >= :begin AND refunded_at < :end GROUP BY 1, 2
) AS parts
WHERE :currency = '' OR currency = :currency
GROUP BY start, currency ORDER BY start, currency
""")

_TOP_PRODUCTS: Final = _of_span("""
SELECT line.product_id, count(DISTINCT line.order_id)::integer AS orders, sum(line.quantity)::integer AS units,
    sum(line.revenue_minor)::bigint AS revenue
FROM sales JOIN sold_lines AS line ON line.order_id = sales.order_id
WHERE sales.confirmed_at >= :begin AND sales.confirmed_at < :end
  AND sales.currency = :currency AND sales.cancelled_at IS NULL
GROUP BY line.product_id ORDER BY revenue DESC, line.product_id LIMIT :first
""")

_CONVERSION: Final = _of_span("""
SELECT start, sum(visitors)::integer AS visitors, sum(views)::integer AS views,
    sum(checkouts)::integer AS checkouts, sum(orders)::integer AS orders
FROM (
    SELECT date_trunc(:bucket, viewed_at, :zone) AS start, count(DISTINCT visitor) AS visitors, count(*) AS views,
        0 AS checkouts, 0 AS orders
    FROM product_views WHERE viewed_at >= :begin AND viewed_at < :end GROUP BY 1
    UNION ALL
    SELECT date_trunc(:bucket, started_at, :zone), 0, 0, count(*), 0
    FROM checkouts_started WHERE started_at >= :begin AND started_at < :end GROUP BY 1
    UNION ALL
    SELECT date_trunc(:bucket, confirmed_at, :zone), 0, 0, 0, count(*)
    FROM sales WHERE confirmed_at >= :begin AND confirmed_at < :end GROUP BY 1
) AS parts
GROUP BY start ORDER BY start
""")

_COHORTS: Final = _of_span("""
WITH first AS (
    SELECT buyer, date_trunc('month', min(confirmed_at) AT TIME ZONE :zone)::date AS month
    FROM sales WHERE buyer IS NOT NULL GROUP BY buyer HAVING min(confirmed_at) >= :begin AND min(confirmed_at) < :end
)
SELECT first.month, (extract(year FROM age(bought.month, first.month)) * 12
    + extract(month FROM age(bought.month, first.month)))::integer AS later,
    count(DISTINCT first.buyer)::integer AS active
FROM first
JOIN LATERAL (
    SELECT date_trunc('month', confirmed_at AT TIME ZONE :zone)::date AS month
    FROM sales WHERE sales.buyer = first.buyer AND confirmed_at < :end
) AS bought ON true
GROUP BY 1, 2 ORDER BY 1, 2
""")

_SEARCHES: Final = _of_span("""
SELECT asked.words, asked.searches, asked.without_results, coalesce(clicked.views, 0)::integer AS views
FROM (
    SELECT words, count(*)::integer AS searches, count(*) FILTER (WHERE found = 0)::integer AS without_results
    FROM searches WHERE searched_at >= :begin AND searched_at < :end GROUP BY words
) AS asked
LEFT JOIN (
    SELECT searched, count(*) AS views FROM product_views
    WHERE searched <> '' AND viewed_at >= :begin AND viewed_at < :end GROUP BY searched
) AS clicked ON clicked.searched = asked.words
WHERE NOT :only_without OR asked.without_results > 0
ORDER BY CASE WHEN :only_without THEN asked.without_results ELSE asked.searches END DESC, asked.words LIMIT :first
""")


class PostgresReports:
    """Answers from the facts of this schema."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sales(self, span: Span, currency: str | None) -> Sequence[Sales]:
        """Sum sales by bucket and currency."""
        rows = await self._ask(_SALES, span, **_cut(span), currency=currency or "")
        return [
            Sales(
                start=row.start,
                currency=row.currency,
                orders=row.orders,
                units=row.units,
                buyers=row.buyers,
                cancelled=row.cancelled,
                gross_minor=row.gross,
                refunded_minor=row.refunded,
            )
            for row in rows
        ]

    async def top_products(self, span: Span, currency: str, first: int) -> Sequence[TopProduct]:
        """Rank products by revenue."""
        return [
            TopProduct(
                product_id=row.product_id,
                currency=currency,
                orders=row.orders,
                units=row.units,
                revenue_minor=row.revenue,
            )
            for row in await self._ask(_TOP_PRODUCTS, span, currency=currency, first=first)
        ]

    async def conversion(self, span: Span) -> Sequence[Conversion]:
        """Count how far visitors came."""
        return [
            Conversion(
                start=row.start, visitors=row.visitors, views=row.views, checkouts=row.checkouts, orders=row.orders
            )
            for row in await self._ask(_CONVERSION, span, **_cut(span))
        ]

    async def cohorts(self, span: Span) -> Sequence[Cohort]:
        """Follow customers by the month of their first order."""
        active: dict[date, dict[int, int]] = defaultdict(dict)
        for row in await self._ask(_COHORTS, span, zone=span.zone):
            active[row.month][row.later] = row.active
        return [
            Cohort(month=month, size=counts[0], active=tuple(counts.get(n, 0) for n in range(max(counts) + 1)))
            for month, counts in active.items()
        ]

    async def searches(self, span: Span, first: int, *, without_results: bool) -> Sequence[SearchTerm]:
        """Rank what was searched for."""
        return [
            SearchTerm(words=row.words, searches=row.searches, without_results=row.without_results, views=row.views)
            for row in await self._ask(_SEARCHES, span, first=first, only_without=without_results)
        ]

    async def _ask(self, statement: TextClause, span: Span, **parameters: Any) -> Sequence[Row[Any]]:
        async with self._database.session() as session:
            asked = {"begin": span.begin, "end": span.end, **parameters}
            return (await session.execute(statement, asked)).all()


def _cut(span: Span) -> dict[str, str]:
    return {"bucket": span.bucket.value, "zone": span.zone}
