"""Analytics that can be proved: exact beside a model, however often and concurrently events are told, and made anew."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from elasticsearch import AsyncElasticsearch
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
from runtime.stack.elasticsearch import start_elasticsearch
from subgraphs.recommendations.app import build
from subgraphs.recommendations.domain.analytics import Bucket, Reports, Span
from subgraphs.recommendations.settings import RecommendationsSettings
from subgraphs.recommendations.storage.fact_tables import FACTS
from subgraphs.recommendations.storage.facts_index import FactsIndex, connect
from subgraphs.recommendations.storage.index_reports import ElasticsearchReports
from subgraphs.recommendations.storage.reports import PostgresReports
from tests.prove.claims import Prover
from tests.servers import PostgresForTests, Servers

CONSUMER: Final = "recommendations.analytics"
SPAN: Final = Span(since=date(2025, 1, 1), until=date(2027, 12, 31), zone="America/New_York", bucket=Bucket.WEEK)
_BEGIN: Final = datetime(2025, 11, 1, tzinfo=UTC)
_NOWHERE: Final = PostalAddress(name="", line1="", city="", postal_code="", country="DE")
_PORTION: Final = 500
_GONE_THROUGH: Final = 5_000
"""Milliseconds: that long it may take to go through half a million visitors one by one, which estimates nothing."""

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
        story = f"analytics of {orders:,} orders, told three times by four deliveries at once"
        with prover.part(story), _elasticsearch() as url:
            asyncio.run(_exact(prover, postgres, url, orders))
        with prover.part("analytics of two years: 200,000 orders, 500,000 views"), _elasticsearch() as url:
            asyncio.run(_timed(prover, postgres, url))
    finally:
        servers.stop()


@contextmanager
def _elasticsearch() -> Iterator[str]:
    """Run an Elasticsearch of our own."""
    folder = Path(tempfile.mkdtemp(prefix="storegraph-prove-"))
    folder.chmod(0o755)
    try:
        server = start_elasticsearch(folder / "elasticsearch")
        yield server.url
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _copied(subgraph: Subgraph, client: AsyncElasticsearch) -> ElasticsearchReports:
    """Have all facts copied; give what answers from there."""
    [copy] = [job.run for job in subgraph.jobs if job.name == "recommendations.copy-facts"]
    while await copy():
        pass
    await client.indices.refresh()
    return ElasticsearchReports(FactsIndex(client, RecommendationsSettings().analytics_indices))


async def _database(postgres: PostgresForTests) -> str:
    root = Path(subgraphs.__file__).parent
    return await postgres.database({name: root / name / "migrations" for name in ("recommendations", "orders")})


async def _exact(prover: Prover, postgres: PostgresForTests, elasticsearch_url: str, count: int) -> None:
    url = await _database(postgres)
    story = _story(random.Random(19), count)
    async with Database(url, schema="orders") as shop, connect(elasticsearch_url) as client:
        parts = Parts(database=Database(url, schema="recommendations"), calls=InProcessCalls("recommendations", {}))
        subgraph = build(Settings(database_url=url, elasticsearch_url=elasticsearch_url), parts)
        for start in range(0, len(story), _PORTION):
            async with shop.transaction() as session:
                await record_many(session, story[start : start + _PORTION])
        for time in range(3):
            await _tell(subgraph, shop, again=time > 0)
        here, there = PostgresReports(subgraph.database), await _copied(subgraph, client)
        for store, reports in (("PostgreSQL", here), ("Elasticsearch", there)):
            differing = await _differing(reports, story)
            prover.equal(f"sales by week and currency from {store} that differ from the model", differing, 0)
        before = await _facts(subgraph.database)
        async with subgraph.database.transaction() as session:
            await session.execute(text(f"TRUNCATE {', '.join(table.name for table in FACTS)}"))
        await _tell(subgraph, shop, again=True)
        differing = await _differing(await _copied(subgraph, client), story)
        prover.equal("sales from Elasticsearch that differ from the model, facts made anew", differing, 0)
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


async def _timed(prover: Prover, postgres: PostgresForTests, elasticsearch_url: str) -> None:
    url = await _database(postgres)
    parts = Parts(database=Database(url, schema="recommendations"), calls=InProcessCalls("recommendations", {}))
    subgraph = build(Settings(database_url=url, elasticsearch_url=elasticsearch_url), parts)
    async with subgraph.database.transaction() as session:
        for statement in _FILL:
            await session.execute(text(statement))
        await session.execute(text("ANALYZE"))
    now = datetime.now(UTC).date()
    year = Span(since=now - timedelta(days=365), until=now, zone="Europe/Berlin")
    shown = Table("question about a year", "answered from", "ms (median of 5)")
    async with connect(elasticsearch_url) as client:
        began = perf_counter()
        there = await _copied(subgraph, client)
        prover.at_most("1,300,000 facts copied to Elasticsearch", perf_counter() - began, 600, "s")
        here = PostgresReports(subgraph.database)
        for store, reports, bound in (("PostgreSQL", here, 3_000), ("Elasticsearch", there, _GONE_THROUGH)):
            for name, ask in _questions(reports, year).items():
                times = sorted([await _milliseconds(ask) for _ in range(5)])
                shown.add_row(name, store, f"{times[2]:.0f}")
                prover.at_most(f"{name}, a year of it, {store}", times[2], bound, "ms")
    await subgraph.close()
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
