"""`Reports` on Elasticsearch, with the same figures as on PostgreSQL.

Nothing is estimated: distinct buyers and visitors are counted by going through them (`composite`), since
`cardinality` is about right only.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from subgraphs.recommendations.domain.analytics import Cohort, Conversion, Sales, SearchTerm, Span, TopProduct
from subgraphs.recommendations.storage.facts_index import FactsIndex, told_as_ours

_PAGE: Final = 60_000
"""Cells of one answer; each page goes through all documents again, and 65,536 is the most that a server gives."""
_Aggregations = Mapping[str, Mapping[str, Any]]
_Cell = tuple[datetime, str]
"""A bucket and a currency."""


class ElasticsearchReports:
    """Answers from the facts in the indices, which are a second behind those of PostgreSQL."""

    def __init__(self, index: FactsIndex) -> None:
        self._index = index

    async def sales(self, span: Span, currency: str | None) -> Sequence[Sales]:
        """Sum sales by bucket and currency."""
        refunded = {"refunded": _sum("amount_minor")}
        sums = {"units": _sum("units"), "gross": _sum("total_minor"), "cancelled": _only({"cancelled": True})}
        sold, buyers, refunds = await asyncio.gather(
            self._cells("sales", "confirmed_at", span, currency=currency, figures=sums),
            self._cells("sales", "confirmed_at", span, currency=currency, by=("who",)),
            self._cells("refunds", "refunded_at", span, currency=currency, figures=refunded),
        )
        figures: dict[_Cell, Counter[str]] = defaultdict(Counter)
        for key, found in sold:
            cell = figures[_cell(key)]
            cell["orders"] = found["doc_count"]
            cell["cancelled"] = found["cancelled"]["doc_count"]
            cell["units"], cell["gross_minor"] = _whole(found["units"]), _whole(found["gross"])
        for key, _ in buyers:
            figures[_cell(key)]["buyers"] += 1
        for key, found in refunds:
            figures[_cell(key)]["refunded_minor"] = _whole(found["refunded"])
        names = ("orders", "units", "buyers", "cancelled", "gross_minor", "refunded_minor")
        return [
            Sales(start=start, currency=unit, **{name: cell[name] for name in names})
            for (start, unit), cell in sorted(figures.items())
        ]

    async def top_products(self, span: Span, currency: str, first: int) -> Sequence[TopProduct]:
        """Rank products by revenue."""
        figures: dict[str, dict[str, Any]] = {
            "revenue": _sum("lines.revenue_minor"),
            "units": _sum("lines.quantity"),
            "orders": {"reverse_nested": {}},
        }
        ranked = _ranked("lines.product_id", first, "revenue", figures)
        found = await self._ask(
            "sales",
            [_during("confirmed_at", span), {"term": {"currency": currency}}, {"term": {"cancelled": False}}],
            {"lines": {"nested": {"path": "lines"}, "aggs": {"ranked": ranked}}},
        )
        return [
            TopProduct(
                product_id=each["key"],
                currency=currency,
                orders=each["orders"]["doc_count"],
                units=_whole(each["units"]),
                revenue_minor=_whole(each["revenue"]),
            )
            for each in found["lines"]["ranked"]["buckets"]
        ]

    async def conversion(self, span: Span) -> Sequence[Conversion]:
        """Count how far visitors came."""
        views, visitors, checkouts, orders = await asyncio.gather(
            self._cells("product_views", "viewed_at", span),
            self._cells("product_views", "viewed_at", span, by=("visitor",)),
            self._cells("checkouts_started", "started_at", span),
            self._cells("sales", "confirmed_at", span),
        )
        figures: dict[datetime, Counter[str]] = defaultdict(Counter)
        for name, cells in (("views", views), ("checkouts", checkouts), ("orders", orders)):
            for key, found in cells:
                figures[_start(key)][name] += found["doc_count"]
        for key, _ in visitors:
            figures[_start(key)]["visitors"] += 1
        names = ("visitors", "views", "checkouts", "orders")
        return [
            Conversion(start=start, **{name: counts[name] for name in names})
            for start, counts in sorted(figures.items())
        ]

    async def cohorts(self, span: Span) -> Sequence[Cohort]:
        """Follow customers by the month of their first order."""
        active: dict[date, Counter[int]] = defaultdict(Counter)
        sources = [{"buyer": {"terms": {"field": "buyer"}}}, _buckets("confirmed_at", "month", span.zone)]
        until_end = {"range": {"confirmed_at": {"lt": span.end.isoformat()}}}
        earliest = {"earliest": {"min": {"field": "confirmed_at"}}}
        buyer, joined = "", None
        async for key, found in self._pages("sales", [until_end], sources, earliest):
            month = _start(key).astimezone(ZoneInfo(span.zone)).date()
            if key["buyer"] != buyer:
                buyer, joined = key["buyer"], None
                if found["earliest"]["value"] >= span.begin.timestamp() * 1000:
                    joined = month
            if joined is not None:
                active[joined][(month.year - joined.year) * 12 + month.month - joined.month] += 1
        return [
            Cohort(month=month, size=counts[0], active=tuple(counts[later] for later in range(max(counts) + 1)))
            for month, counts in sorted(active.items())
        ]

    async def searches(self, span: Span, first: int, *, without_results: bool) -> Sequence[SearchTerm]:
        """Rank what was searched for."""
        by = "nothing" if without_results else "_count"
        ranked = _ranked("words", first, by, {"nothing": _only({"found": 0})})
        asked = (await self._ask("searches", [_during("searched_at", span)], {"ranked": ranked}))["ranked"]["buckets"]
        asked = [each for each in asked if each["nothing"]["doc_count"] or not without_results]
        words = [each["key"] for each in asked]
        clicks = {"terms": {"field": "searched", "include": words, "size": len(words) or 1}}
        clicked = await self._ask("product_views", [_during("viewed_at", span)], {"clicks": clicks})
        views = {each["key"]: each["doc_count"] for each in clicked["clicks"]["buckets"]}
        return [
            SearchTerm(
                words=each["key"],
                searches=each["doc_count"],
                without_results=each["nothing"]["doc_count"],
                views=views.get(each["key"], 0),
            )
            for each in asked
        ]

    async def _cells(
        self,
        kind: str,
        at: str,
        span: Span,
        *,
        currency: str | None = None,
        by: Sequence[str] = (),
        figures: _Aggregations | None = None,
    ) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Cut what happened in the span into buckets, by currency where there is one, and by other fields."""
        fields = (*(("currency",) if kind in {"sales", "refunds"} else ()), *by)
        sources = [_buckets(at, span.bucket.value, span.zone), *({each: {"terms": {"field": each}}} for each in fields)]
        wanted = [_during(at, span), *([{"term": {"currency": currency}}] if currency else [])]
        return [cell async for cell in self._pages(kind, wanted, sources, figures or {})]

    async def _pages(
        self,
        kind: str,
        wanted: Sequence[Mapping[str, Any]],
        sources: Sequence[Mapping[str, Any]],
        figures: _Aggregations,
    ) -> AsyncIterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Go through all cells in the order of their sources; give the key and the figures of each."""
        composite: dict[str, Any] = {"sources": sources, "size": _PAGE}
        while True:
            cells = {"composite": composite, **({"aggs": figures} if figures else {})}
            page = (await self._ask(kind, wanted, {"cells": cells}))["cells"]
            for each in page["buckets"]:
                yield each["key"], each
            if len(page["buckets"]) < _PAGE:
                return
            composite["after"] = page["after_key"]

    async def _ask(self, kind: str, wanted: Sequence[Mapping[str, Any]], asked: _Aggregations) -> Mapping[str, Any]:
        with told_as_ours():
            answer = await self._index.client.search(
                index=self._index.name(kind), size=0, query={"bool": {"filter": wanted}}, aggs=asked
            )
        return answer["aggregations"]


def _during(at: str, span: Span) -> dict[str, Any]:
    return {"range": {at: {"gte": span.begin.isoformat(), "lt": span.end.isoformat()}}}


def _buckets(at: str, bucket: str, zone: str) -> dict[str, Any]:
    return {"start": {"date_histogram": {"field": at, "calendar_interval": bucket, "time_zone": zone}}}


def _ranked(field: str, first: int, by: str, figures: _Aggregations) -> dict[str, Any]:
    return {"terms": {"field": field, "size": first, "order": [{by: "desc"}, {"_key": "asc"}]}, "aggs": figures}


def _sum(field: str) -> dict[str, Any]:
    return {"sum": {"field": field}}


def _only(term: Mapping[str, Any]) -> dict[str, Any]:
    return {"filter": {"term": term}}


def _whole(found: Mapping[str, Any]) -> int:
    """Read a sum of whole numbers, which Elasticsearch tells as a double: exact up to 2**53 minor units."""
    return round(found["value"])


def _start(key: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(key["start"] / 1000, UTC)


def _cell(key: Mapping[str, Any]) -> _Cell:
    return _start(key), key["currency"]
