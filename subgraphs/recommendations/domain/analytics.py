"""What a shop's admins want to know, and the port of whoever answers it.

Amounts of different currencies are never added: each figure of money stands beside its currency. Buckets begin where
they begin in the time zone that is asked for. `Reports` is answered from PostgreSQL, or from Elasticsearch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kernel.errors import InvalidInputError

LONGEST: Final = timedelta(days=1100)
_MOST_BUCKETS: Final = {"hour": timedelta(days=62)}


class Bucket(StrEnum):
    """How long the spans are into which time is cut; weeks begin on Mondays."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Whole days in a time zone, the last one included, cut into buckets."""

    since: date
    until: date
    zone: str = "UTC"
    bucket: Bucket = Bucket.DAY

    def __post_init__(self) -> None:
        """Refuse a span that cannot be answered."""
        longest = _MOST_BUCKETS.get(self.bucket, LONGEST)
        if not timedelta() <= self.until - self.since <= longest:
            raise InvalidInputError(f"A span has up to {longest.days} days.", path=("until",))
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise InvalidInputError("Not a time zone, such as Europe/Berlin.", path=("timeZone",)) from None

    @property
    def begin(self) -> datetime:
        """The first instant."""
        return datetime.combine(self.since, time(), ZoneInfo(self.zone))

    @property
    def end(self) -> datetime:
        """The instant after the last one."""
        return datetime.combine(self.until + timedelta(days=1), time(), ZoneInfo(self.zone))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sales:
    """What was sold in one currency in one bucket; what was sent back counts when it was."""

    start: datetime
    currency: str
    orders: int
    units: int
    buyers: int
    cancelled: int
    gross_minor: int
    refunded_minor: int

    @property
    def net_minor(self) -> int:
        """What stays of it."""
        return self.gross_minor - self.refunded_minor

    @property
    def average_minor(self) -> int | None:
        """The average order value, to the nearest minor unit."""
        return (2 * self.gross_minor + self.orders) // (2 * self.orders) if self.orders else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TopProduct:
    """How one product sold in one currency."""

    product_id: str
    currency: str
    orders: int
    units: int
    revenue_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """How far visitors came in one bucket."""

    start: datetime
    visitors: int
    views: int
    checkouts: int
    orders: int

    @property
    def checkout_rate(self) -> float | None:
        """The share of started checkouts that became orders."""
        return min(1.0, self.orders / self.checkouts) if self.checkouts else None

    @property
    def visitor_rate(self) -> float | None:
        """How many orders there were for each visitor."""
        return self.orders / self.visitors if self.visitors else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Customers whose first order was in one month, and how many of them bought so many months later."""

    month: date
    size: int
    active: tuple[int, ...]
    """By months after the first one; the first figure is the size itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchTerm:
    """How often something was searched for, how often it found nothing, how often a product was looked at after it."""

    words: str
    searches: int
    without_results: int
    views: int


class Reports(Protocol):
    """Answers what admins ask."""

    async def sales(self, span: Span, currency: str | None) -> Sequence[Sales]:
        """Sum sales by bucket and currency; buckets in which nothing happened are left out."""
        ...

    async def top_products(self, span: Span, currency: str, first: int) -> Sequence[TopProduct]:
        """Rank products by revenue in one currency; cancelled orders do not count."""
        ...

    async def conversion(self, span: Span) -> Sequence[Conversion]:
        """Count visitors, views, checkouts and orders by bucket."""
        ...

    async def cohorts(self, span: Span) -> Sequence[Cohort]:
        """Follow the customers whose first order was in the span, month by month until its end."""
        ...

    async def searches(self, span: Span, first: int, *, without_results: bool) -> Sequence[SearchTerm]:
        """Rank what was searched for, or only what found nothing."""
        ...
