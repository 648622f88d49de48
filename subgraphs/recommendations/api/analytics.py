"""What the shop's admins want to know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Final

import strawberry

from kernel.errors import InvalidInputError
from kernel.graphql import CurrencyCode, Money
from kernel.identity import require
from subgraphs.recommendations.api.context import Info
from subgraphs.recommendations.api.types import Product
from subgraphs.recommendations.domain import analytics as domain
from subgraphs.recommendations.domain.analytics import Bucket, Span

strawberry.enum(Bucket, name="TimeBucket", description="How long the spans are into which time is cut.")

_MOST: Final = 100


@strawberry.type(description="What was sold in one currency in one span of time.")
class SalesFigures:
    """What was sold."""

    start: datetime = strawberry.field(description="Where the bucket begins, in the time zone that was asked for.")
    currency: CurrencyCode
    orders: int = strawberry.field(description="Confirmed orders, those that were cancelled later too.")
    units: int
    buyers: int = strawberry.field(description="Different customers; each order of a guest counts as one.")
    cancelled: int
    gross: Money = strawberry.field(description="What was paid, with tax and shipping.")
    refunded: Money = strawberry.field(description="What went back in this span, whenever it was paid.")
    net: Money
    average_order_value: Money | None

    @classmethod
    def of(cls, found: domain.Sales) -> SalesFigures:
        """Show figures."""
        money: Callable[[int], Money] = lambda minor: Money.of_minor(minor, found.currency)  # noqa: E731 # one currency
        return cls(
            start=found.start,
            currency=CurrencyCode(found.currency),
            orders=found.orders,
            units=found.units,
            buyers=found.buyers,
            cancelled=found.cancelled,
            gross=money(found.gross_minor),
            refunded=money(found.refunded_minor),
            net=money(found.net_minor),
            average_order_value=None if found.average_minor is None else money(found.average_minor),
        )


@strawberry.type(description="How one product sold; orders that were cancelled do not count.")
class ProductSales:
    """How one product sold."""

    product: Product | None
    orders: int
    units: int
    revenue: Money = strawberry.field(description="What buyers were shown, before shipping.")


@strawberry.type(description="How far visitors came in one span of time.")
class ConversionFigures:
    """How far visitors came."""

    start: datetime
    visitors: int = strawberry.field(description="Different customers and guests who looked at products.")
    views: int
    checkouts: int = strawberry.field(description="Checkouts that were started.")
    orders: int
    checkout_rate: float | None = strawberry.field(description="Orders for each checkout that was started.")
    visitor_rate: float | None = strawberry.field(description="Orders for each visitor.")


@strawberry.type(description="Customers whose first order was in one month.")
class CustomerCohort:
    """Customers of one month."""

    month: date
    size: int
    active: list[int] = strawberry.field(description="How many of them bought so many months later; first the size.")
    retention: list[float] = strawberry.field(description="The same as shares of the size.")


@strawberry.type(description="What was searched for.")
class SearchFigures:
    """What was searched for."""

    words: str
    searches: int
    without_results: int
    views: int = strawberry.field(description="Products that were looked at after this search.")


@strawberry.input(description="Whole days, the last one included, in a time zone.")
class SpanInput:
    """Whole days in a time zone."""

    since: date
    until: date
    time_zone: str = "UTC"

    def to_domain(self, bucket: Bucket = Bucket.DAY) -> Span:
        """Read the span."""
        return Span(since=self.since, until=self.until, zone=self.time_zone, bucket=bucket)


@strawberry.type(description="What the shop's admins want to know; seconds behind what happens.")
class Analytics:
    """Figures made of events."""

    @strawberry.field(description="Sales by bucket and currency; buckets in which nothing happened are left out.")
    async def sales(
        self, info: Info, span: SpanInput, bucket: Bucket = Bucket.DAY, currency: CurrencyCode | None = None
    ) -> list[SalesFigures]:
        """Sum sales."""
        asked = span.to_domain(bucket)
        found = await info.context.service.reports.sales(asked, currency)
        return [SalesFigures.of(replace(each, start=_local(each.start, asked))) for each in found]

    @strawberry.field(description="The products with the highest revenue in one currency.")
    async def top_products(
        self, info: Info, span: SpanInput, currency: CurrencyCode, first: int = 10
    ) -> list[ProductSales]:
        """Rank products."""
        found = await info.context.service.reports.top_products(span.to_domain(), currency, _checked(first))
        return [
            ProductSales(
                product=Product(id=strawberry.ID(each.product_id)),
                orders=each.orders,
                units=each.units,
                revenue=Money.of_minor(each.revenue_minor, each.currency),
            )
            for each in found
        ]

    @strawberry.field(description="Visitors, views, checkouts and orders by bucket.")
    async def conversion(self, info: Info, span: SpanInput, bucket: Bucket = Bucket.DAY) -> list[ConversionFigures]:
        """Count how far visitors came."""
        asked = span.to_domain(bucket)
        return [
            ConversionFigures(
                start=_local(each.start, asked),
                visitors=each.visitors,
                views=each.views,
                checkouts=each.checkouts,
                orders=each.orders,
                checkout_rate=each.checkout_rate,
                visitor_rate=each.visitor_rate,
            )
            for each in await info.context.service.reports.conversion(asked)
        ]

    @strawberry.field(description="Customers by the month of their first order, followed until the end of the span.")
    async def cohorts(self, info: Info, span: SpanInput) -> list[CustomerCohort]:
        """Follow customers."""
        return [
            CustomerCohort(
                month=each.month,
                size=each.size,
                active=list(each.active),
                retention=[count / each.size for count in each.active],
            )
            for each in await info.context.service.reports.cohorts(span.to_domain())
        ]

    @strawberry.field(description="What was searched for most, or what most often found nothing.")
    async def searches(
        self, info: Info, span: SpanInput, first: int = 20, without_results: bool = False
    ) -> list[SearchFigures]:
        """Rank searches."""
        reports = info.context.service.reports
        found = await reports.searches(span.to_domain(), _checked(first), without_results=without_results)
        return [
            SearchFigures(
                words=each.words, searches=each.searches, without_results=each.without_results, views=each.views
            )
            for each in found
        ]


@strawberry.type
class AnalyticsQuery:
    """The root of analytics."""

    @strawberry.field(description="What the shop's admins want to know; for them alone.")
    async def analytics(self, info: Info) -> Analytics:
        """Let admins in."""
        require(info.context.caller, kinds={"admin"})
        return Analytics()


def _local(at: datetime, span: Span) -> datetime:
    return at.astimezone(span.begin.tzinfo)


def _checked(first: int) -> int:
    if not 1 <= first <= _MOST:
        raise InvalidInputError(f"first must be from 1 to {_MOST}.", path=("first",))
    return first
