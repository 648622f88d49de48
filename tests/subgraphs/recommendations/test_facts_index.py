"""The facts in Elasticsearch are those of PostgreSQL, whatever is told twice, late, at once, or lost on the way."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from elasticsearch import AsyncElasticsearch
from sqlalchemy import text

from kernel.calls import InProcessCalls
from kernel.database import Database
from kernel.settings import Settings
from kernel.subgraph import Parts
from subgraphs.recommendations.app import build
from subgraphs.recommendations.domain.analytics import Bucket, Span
from subgraphs.recommendations.storage.changed_facts import ChangedFact
from subgraphs.recommendations.storage.facts_index import FactsIndex, FactsIndexError
from subgraphs.recommendations.storage.index_reports import ElasticsearchReports
from subgraphs.recommendations.storage.reports import PostgresReports
from tests.subgraphs.recommendations.conftest import INDICES, World, fresh_world, without_indices

pytestmark = pytest.mark.timeout(300)

# A year with summer time, a zone of half hours, and one whose days once began at one o'clock.
SPANS = [
    Span(since=date(2018, 1, 1), until=date(2018, 12, 31), zone="America/Sao_Paulo", bucket=Bucket.DAY),
    Span(since=date(2018, 2, 14), until=date(2018, 11, 20), zone="Europe/Berlin", bucket=Bucket.MONTH),
    Span(since=date(2018, 10, 20), until=date(2018, 11, 20), zone="Asia/Kolkata", bucket=Bucket.HOUR),
    Span(since=date(2018, 10, 20), until=date(2018, 11, 20), zone="America/New_York", bucket=Bucket.HOUR),
    Span(since=date(2017, 12, 31), until=date(2019, 1, 6), zone="Australia/Lord_Howe", bucket=Bucket.WEEK),
]
FILL = """
INSERT INTO sales SELECT 'ord_' || n, CASE WHEN n % 4 > 0 THEN 'usr_' || n % 23 END,
    (ARRAY['EUR', 'USD', 'JPY'])[1 + n % 3],
    1 + (n * 7919) % 100000, 1 + n % 5, timestamptz '2018-01-01' + n * interval '7 hours 13 minutes',
    CASE WHEN n % 7 = 0 THEN now() END FROM generate_series(1, 1200) AS n;
INSERT INTO sold_lines SELECT 'ord_' || n, 'sku_' || k, 'prod_' || (n * 31 + k * 9) % 40, k, (n % 3 + 1) * 100 * k
    FROM generate_series(1, 1200) AS n, generate_series(1, 3) AS k;
INSERT INTO refunds SELECT 'ref_' || n, 'ord_' || n, (ARRAY['EUR', 'USD'])[1 + n % 2], n,
    timestamptz '2018-02-01' + n * interval '31 hours' FROM generate_series(1, 250) AS n;
INSERT INTO product_views SELECT 'evt_' || n, 'prod_' || n % 9, 'gst_' || n % 41,
    (ARRAY['', 'tent', 'lamp'])[1 + n % 3],
    timestamptz '2018-01-01' + n * interval '11 hours 7 minutes' FROM generate_series(1, 700) AS n;
INSERT INTO searches SELECT 'evt_' || n, n % 4, (ARRAY['tent', 'lamp', 'Zelt', 'äpfel', 'x'])[1 + n % 5], n % 2,
    timestamptz '2018-01-01' + n * interval '10 hours' FROM generate_series(1, 700) AS n;
INSERT INTO checkouts_started SELECT 'chk_' || n, 'EUR', timestamptz '2018-01-01' + n * interval '5 hours'
    FROM generate_series(1, 1500) AS n
"""


@pytest.fixture
async def world(
    elasticsearch: str, recommendations_url: str, clock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """The subgraph with its analytics in Elasticsearch."""
    monkeypatch.setenv("STOREGRAPH_RECOMMENDATIONS_ANALYTICS_INDICES", INDICES)
    async with fresh_world(recommendations_url, clock, elasticsearch) as world:
        yield world
    await without_indices(elasticsearch)


async def sql(world: World, statements: str) -> None:
    async with world.subgraph.database.transaction() as session:
        for statement in statements.split(";"):
            await session.execute(text(statement))


async def documents(world: World) -> dict[str, object]:
    """Read all that is in the indices."""
    await world.copied()
    async with AsyncElasticsearch(world.indices) as client:
        found = await client.search(index=f"{INDICES}-*", size=10_000)
        return {f"{hit['_index']} {hit['_id']}": hit["_source"] for hit in found["hits"]["hits"]}


async def test_both_stores_answer_the_same(world):
    await sql(world, FILL)
    await world.copied()
    async with AsyncElasticsearch(world.indices) as client:
        here = ElasticsearchReports(FactsIndex(client, INDICES))
        there = PostgresReports(world.subgraph.database)
        for span in SPANS:
            assert await here.sales(span, None) == await there.sales(span, None), span
            assert await here.sales(span, "EUR") == await there.sales(span, "EUR")
            assert await here.conversion(span) == await there.conversion(span)
            assert await here.cohorts(span) == await there.cohorts(span)
            assert await here.top_products(span, "USD", 7) == await there.top_products(span, "USD", 7)
            for missing in (False, True):
                found = await here.searches(span, 4, without_results=missing)
                assert found == await there.searches(span, 4, without_results=missing)


async def test_what_changes_and_goes_follows_and_nothing_is_told_twice(world):
    await sql(world, FILL)
    before = await documents(world)
    assert len(before) == 1200 + 250 + 700 + 700 + 1500
    await sql(world, "UPDATE sales SET buyer = 'gone_1' WHERE buyer = 'usr_1'; DELETE FROM searches WHERE found = 0")

    after = await documents(world)

    assert len(after) == len(before) - 350
    assert "usr_1" not in {each.get("buyer") for each in after.values()}
    assert await world.rows("SELECT * FROM facts_to_copy") == []
    assert await documents(world) == after


async def test_copied_by_many_at_once_while_facts_change_they_agree_in_the_end(world):
    dice = random.Random(7)
    copy = next(job for job in world.subgraph.jobs if job.name == "recommendations.copy-facts")
    await sql(world, FILL)

    async def change() -> None:
        for _ in range(20):
            await sql(
                world, f"UPDATE sales SET buyer = 'usr_{dice.random()}' WHERE total_minor % 20 = {dice.randrange(20)}"
            )

    await asyncio.gather(change(), *(copy.run() for _ in range(30)))

    there = {f"{INDICES}-sales-1 {row['order_id']}": row["buyer"] for row in await world.rows("SELECT * FROM sales")}
    assert {key: each["buyer"] for key, each in (await documents(world)).items() if key in there} == there


async def test_what_comes_late_changes_nothing(world):
    await sql(world, FILL)
    before = await documents(world)
    async with AsyncElasticsearch(world.indices) as client:
        late = ChangedFact(
            "refunds", "ref_1", 1, (), {"currency": "EUR", "amount_minor": 0, "refunded_at": "2018-01-01"}
        )
        await FactsIndex(client, INDICES).write([late, replace(late, document=None)])
    assert await documents(world) == before


async def test_lost_indices_are_filled_from_the_beginning(world):
    await sql(world, FILL)
    before = await documents(world)
    async with AsyncElasticsearch(world.indices) as client:
        await client.indices.delete(index=f"{INDICES}-sales-1")
        with pytest.raises(FactsIndexError, match="index_not_found"):
            await FactsIndex(client, INDICES).write([ChangedFact("sales", "ord_1", 10**9, (), {})])
    assert await documents(world) == before


async def test_without_elasticsearch_nothing_is_noted_and_while_it_is_away_nothing_is_lost(recommendations_url, clock):
    async with fresh_world(recommendations_url, clock) as world:
        await sql(world, FILL)
        assert await world.rows("SELECT * FROM facts_to_copy") == []
    away = Database(recommendations_url, schema="recommendations")
    parts = Parts(database=away, calls=InProcessCalls("recommendations", {}), clock=clock)
    subgraph = build(Settings(database_url=recommendations_url, elasticsearch_url="http://127.0.0.1:9"), parts)
    copy = next(job for job in subgraph.jobs if job.name == "recommendations.copy-facts")
    with pytest.raises(FactsIndexError) as told:
        await copy.run()
    assert told.value.retryable
    await subgraph.close()


async def test_who_died_while_copying_is_waited_for_a_minute(world):
    await sql(world, FILL)
    copy = next(job for job in world.subgraph.jobs if job.name == "recommendations.copy-facts")
    assert await copy.run() == 2000
    await sql(world, f"UPDATE facts_copy SET busy_until = '{world.clock.now() + timedelta(seconds=40)}'")
    assert await copy.run() == 0
    world.clock.advance(seconds=41)
    assert await copy.run() == 2000


async def test_what_elasticsearch_refuses_is_tried_again_at_once(world):
    await sql(world, "INSERT INTO checkouts_started VALUES ('chk_1', 'EUR', now())")
    copy = next(job for job in world.subgraph.jobs if job.name == "recommendations.copy-facts")
    await world.copied()
    async with AsyncElasticsearch(world.indices) as client:
        blocked = {"index.blocks.write": True}
        await client.indices.put_settings(index=f"{INDICES}-sales", settings=blocked)
        await sql(world, FILL.split(";", maxsplit=1)[0])
        for _ in range(2):
            with pytest.raises(FactsIndexError, match="blocked"):
                await copy.run()
        await client.indices.put_settings(index=f"{INDICES}-sales", settings={"index.blocks.write": False})
    assert await copy.run() == 1200
