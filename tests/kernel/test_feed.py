"""What happens in a subgraph's tables is told to those who follow it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest
from sqlalchemy import text

from kernel.database import Database
from kernel.events.catalogue import InventoryChanged, StockLevelLow
from kernel.events.consumers import Consumer
from kernel.events.delivery import Room
from kernel.events.embedded import EmbeddedDelivery
from kernel.events.feed import PostgresFeed
from kernel.events.outbox import record, record_many
from kernel.migrations import upgrade

MIGRATIONS = Path(__file__).parent / "sample_migrations"


def changed(sku):
    return InventoryChanged(sku=sku, product_id=None, available=1, on_hand=1)


@pytest.fixture
async def database(make_database):
    url = await make_database()
    await upgrade(url, "sample", MIGRATIONS)
    async with Database(url, schema="sample") as database:
        yield database


@pytest.fixture
def feed(database):
    return PostgresFeed(database)


async def soon(news):
    return await asyncio.wait_for(anext(news), 30)


async def happen(database, *payloads):
    async with database.transaction() as session:
        await record_many(session, payloads)


async def test_what_is_recorded_is_told_after_its_commit(database, feed):
    async with aclosing(feed.follow("A", {"InventoryChanged"})) as news:
        await soon(news)
        async with database.transaction() as session:
            await record(session, changed("A"), subject="A")
            waiting = asyncio.ensure_future(anext(news))
            await session.execute(text("SELECT pg_sleep(0.05)"))
            assert not waiting.done()
        await asyncio.wait_for(waiting, 30)


async def test_only_what_was_asked_for_is_told(database, feed):
    low = StockLevelLow(sku="A", warehouse_id="w", available=1, reorder_point=2)
    async with aclosing(feed.follow("A", {"InventoryChanged"})) as news, aclosing(feed.follow("B", {"X"})) as other:
        await soon(news)
        await soon(other)
        waiting = asyncio.ensure_future(anext(other))
        await happen(database, ("B", changed("B")), ("A", low))
        await happen(database, ("A", changed("A")))
        await soon(news)
        assert not waiting.done()
        waiting.cancel()
        await asyncio.wait((waiting,))


async def test_who_is_slow_is_told_once(database, feed):
    async with aclosing(feed.follow("A", {"InventoryChanged"})) as news, aclosing(feed.follow("Z", {"*"})):
        await soon(news)
        for _ in range(5):
            await happen(database, ("A", changed("A")))
        async with aclosing(feed.follow("end", {"InventoryChanged"})) as end:
            await soon(end)
            await happen(database, ("end", changed("end")))
            await soon(end)
        await soon(news)
        waiting = asyncio.ensure_future(anext(news))
        await happen(database, ("A", changed("A")))
        await asyncio.wait_for(waiting, 30)


async def test_an_effect_is_told_when_it_is_committed(database, feed):
    handled = asyncio.Event()

    async def handle(_event, _session):
        await handled.wait()

    room = Room(database, (Consumer(name="c", subscriptions={"InventoryChanged": handle}),))
    delivery = EmbeddedDelivery([room])
    async with aclosing(feed.follow("A", {"InventoryChanged"})) as news:
        await soon(news)
        await delivery.start()
        await happen(database, ("A", changed("A")))
        await soon(news)
        waiting = asyncio.ensure_future(anext(news))
        handled.set()
        await asyncio.wait_for(waiting, 30)
        await delivery.stop()


async def test_a_lost_line_is_taken_up_again_and_nothing_is_taken_for_unchanged(database, feed):
    async with aclosing(feed.follow("A", {"InventoryChanged"})) as news:
        await soon(news)
        async with database.session() as session:
            await session.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ILIKE 'LISTEN%'")
            )
        await soon(news)
        await happen(database, ("A", changed("A")))
        await soon(news)


async def test_nobody_follows_and_no_line_is_open(database, feed):
    async def listeners():
        async with database.session() as session:
            statement = text(
                "SELECT count(*) FROM pg_stat_activity WHERE query ILIKE 'LISTEN%' AND datname = current_database()"
            )
            return (await session.execute(statement)).scalar_one()

    async with aclosing(feed.follow("A", {"InventoryChanged"})) as news:
        await soon(news)
        assert await listeners() == 1
    async with asyncio.timeout(30):
        while await listeners():  # noqa: ASYNC110 - what is waited for knows of no event
            await asyncio.sleep(0.01)
    async with aclosing(feed.follow("A", {"InventoryChanged"})) as news:
        await soon(news)
        await happen(database, ("A", changed("A")))
        await soon(news)
