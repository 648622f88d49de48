"""Analytics that can be proved: exact beside a model, however often and concurrently events are told, and made anew."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from rich.table import Table
from sqlalchemy import text

import subgraphs
from kernel.calls import InProcessCalls
from kernel.database import Database
from kernel.events.catalogue import (
    OrderCancelled,
    OrderConfirmed,
    OrderLineFacts,
    Payload,
    PaymentRefunded,
    PostalAddress,
)
from kernel.events.delivery import Room
from kernel.events.embedded import EmbeddedDelivery
from kernel.events.history import replay
from kernel.events.outbox import record_many
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from subgraphs.recommendations.app import build
from subgraphs.recommendations.domain.analytics import Bucket, Reports, Span
from subgraphs.recommendations.storage.fact_tables import FACTS
from subgraphs.recommendations.storage.reports import PostgresReports
from tests.prove.claims import Prover
from tests.servers import PostgresForTests, Servers

CONSUMER: Final = "recommendations.analytics"
SPAN: Final = Span(since=date(2025, 1, 1), until=date(2027, 12, 31), zone="America/New_York", bucket=Bucket.WEEK)
_BEGIN: Final = datetime(2025, 11, 1, tzinfo=UTC)
_NOWHERE: Final = PostalAddress(name="", line1="", city="", postal_code="", country="DE")
_PORTION: Final = 500

# Facts of two years for the table of times: what a shop with 300 orders a day has.
_FILL: Final = (
    """INSERT INTO sales SELECT 'ord_' || n, 'usr_' || n % 60000, CASE n % 3 WHEN 0 THEN 'USD' ELSE 'EUR' END,
           1000 + n % 9000, 3, now() - n * interval '5 minutes', NULL FROM generate_series(1, 200000) AS n""",
    """INSERT INTO sold_lines SELECT 'ord_' || n, 'sku_' || k, 'prod_' || (n * 31 + k * 977) % 20000, 1, 500
       FROM generate_series(1, 200000) AS n, generate_series(1, 2) AS k""",
    """INSERT INTO product_views SELECT 'evt_' || n, 'prod_' || n % 20000, 'gst_' || n % 150000, '', now()
           - n * interval '1 minute' FROM generate_series(1, 500000) AS n""",
    """INSERT INTO searches SELECT 'evt_' || n, 0, 'words ' || n % 3000, n % 20, now() - n * interval '2 minutes'
       FROM generate_series(1, 300000) AS n""",
    """INSERT INTO checkouts_started SELECT 'chk_' || n, 'EUR', now() - n * interval '3 minutes'
       FROM generate_series(1, 300000) AS n""",
)


def prove_analytics(prover: Prover) -> None:
    """Compare with a model under replay, then time the questions on the facts of two years."""
    servers = Servers()
    try:
        postgres = servers.postgres()
        orders = 1_000 if prover.quick else 10_000
        with prover.part(f"analytics of {orders:,} orders, told three times by four deliveries at once"):
            asyncio.run(_exact(prover, postgres, orders))
        with prover.part("analytics of two years: 200,000 orders, 500,000 views"):
            asyncio.run(_timed(prover, postgres))
    finally:
        servers.stop()


async def _database(postgres: PostgresForTests) -> str:
    root = Path(subgraphs.__file__).parent
    return await postgres.database({name: root / name / "migrations" for name in ("recommendations", "orders")})


async def _exact(prover: Prover, postgres: PostgresForTests, count: int) -> None:
    url = await _database(postgres)
    story = _story(random.Random(19), count)
    async with Database(url, schema="orders") as shop:
        parts = Parts(database=Database(url, schema="recommendations"), calls=InProcessCalls("recommendations", {}))
        subgraph = build(Settings(database_url=url), parts)
        for start in range(0, len(story), _PORTION):
            async with shop.transaction() as session:
                await record_many(session, story[start : start + _PORTION])
        for time in range(3):
            await _tell(subgraph, shop, again=time > 0)
        reports = PostgresReports(subgraph.database)
        prover.equal("sales by week and currency that differ from the model", await _differing(reports, story), 0)
        before = await _facts(subgraph.database)
        async with subgraph.database.transaction() as session:
            await session.execute(text(f"TRUNCATE {', '.join(table.name for table in FACTS)}"))
        await _tell(subgraph, shop, again=True)
        after = await _facts(subgraph.database)
        prover.check(
            "facts made anew from the events", f"{len(after):,} rows", f"the same {len(before):,}", after == before
        )
        await subgraph.close()


def _story(dice: random.Random, count: int) -> list[tuple[str, Payload]]:
    """Make confirmed orders, some of them cancelled and refunded; each beside its subject."""
    story: list[tuple[str, Payload]] = []
    for number in range(count):
        order = _order(dice, number)
        story.append((order.order_id, order))
        if dice.random() < 0.2:
            named = {name: getattr(order, name) for name in ("order_id", "number", "customer_id", "email", "currency")}
            story.append((order.order_id, OrderCancelled(**named, total_minor=order.total_minor, reason="")))
            story.append((order.order_id, _refund(order)))
    return story


def _order(dice: random.Random, number: int) -> OrderConfirmed:
    at = _BEGIN + timedelta(minutes=dice.randrange(300 * 24 * 60))
    lines = tuple(
        OrderLineFacts(
            sku=f"sku_{place}", product_id=f"prod_{dice.randrange(50)}", name="", quantity=2, unit_price_minor=250
        )
        for place in range(dice.randint(1, 4))
    )
    return OrderConfirmed(
        order_id=f"ord_{number}",
        number=str(number),
        customer_id=f"usr_{dice.randrange(100)}" if dice.random() < 0.8 else None,
        email="",
        currency=dice.choice(("EUR", "USD", "JPY")),
        total_minor=dice.randrange(100, 100_000),
        lines=lines,
        stock=(),
        shipping_address=_NOWHERE,
        shipping_method_id="shm_standard",
        confirmed_at=at.isoformat(),
    )


def _refund(order: OrderConfirmed) -> PaymentRefunded:
    return PaymentRefunded(
        payment_id="pay_1",
        order_id=order.order_id,
        amount_minor=order.total_minor,
        currency=order.currency,
        refund_id=f"ref_{order.order_id}",
    )


async def _tell(subgraph: Subgraph, shop: Database, *, again: bool) -> None:
    """Deliver everything by four deliveries at once; `again` what was handled too."""
    [consumer] = [each for each in subgraph.consumers if each.name == CONSUMER]
    if again:
        await replay([shop], subgraph.database, consumer, since=datetime(2020, 1, 1, tzinfo=UTC), again=True)
    room = Room(subgraph.database, (consumer,))
    await asyncio.gather(*(EmbeddedDelivery([Room(shop), room]).drain() for _ in range(4)))


async def _differing(reports: Reports, story: Sequence[tuple[str, Payload]]) -> int:
    """Count the rows of sales that are not what a model in plain Python makes of the same story."""
    expected: dict[tuple[datetime, str], Counter[str]] = defaultdict(Counter)
    cancelled = {event.order_id for _, event in story if isinstance(event, OrderCancelled)}
    for _, event in story:
        if isinstance(event, OrderConfirmed):
            local = datetime.fromisoformat(event.confirmed_at).astimezone(SPAN.begin.tzinfo)
            monday = (local - timedelta(days=local.weekday())).replace(hour=0, minute=0)
            figures = expected[monday.astimezone(UTC), event.currency]
            figures["orders"] += 1
            figures["gross"] += event.total_minor
            figures["units"] += sum(line.quantity for line in event.lines)
            figures["cancelled"] += event.order_id in cancelled
    found = {
        (row.start.astimezone(UTC), row.currency): Counter(
            orders=row.orders, gross=row.gross_minor, units=row.units, cancelled=row.cancelled
        )
        for row in await reports.sales(SPAN, None)
        if row.orders
    }
    return sum(found.get(key) != expected.get(key) for key in found.keys() | expected.keys())


async def _facts(database: Database) -> list[Any]:
    async with database.session() as session:
        return [
            tuple(row)
            for table in FACTS
            for row in (await session.execute(text(f"SELECT '{table.name}', * FROM {table.name} ORDER BY 2, 3"))).all()
        ]


async def _timed(prover: Prover, postgres: PostgresForTests) -> None:
    async with Database(await _database(postgres), schema="recommendations") as database:
        async with database.transaction() as session:
            for statement in _FILL:
                await session.execute(text(statement))
            await session.execute(text("ANALYZE"))
        now = datetime.now(UTC).date()
        year = Span(since=now - timedelta(days=365), until=now, zone="Europe/Berlin")
        shown = Table("question about a year", "ms (median of 5)")
        for name, ask in _questions(PostgresReports(database), year).items():
            times = [await _milliseconds(ask) for _ in range(5)]
            shown.add_row(name, f"{sorted(times)[2]:.0f}")
            prover.at_most(f"{name}, a year of it", sorted(times)[2], 3_000, "ms")
    prover.console.print(shown)


def _questions(reports: Reports, year: Span) -> dict[str, Callable[[], Awaitable[object]]]:
    return {
        "sales by day": lambda: reports.sales(year, None),
        "top products": lambda: reports.top_products(year, "EUR", 10),
        "conversion by day": lambda: reports.conversion(year),
        "cohorts": lambda: reports.cohorts(year),
        "searches": lambda: reports.searches(year, 20, without_results=False),
    }


async def _milliseconds(ask: Callable[[], Awaitable[object]]) -> float:
    began = perf_counter()
    await ask()
    return (perf_counter() - began) * 1000
