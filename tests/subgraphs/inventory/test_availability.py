"""Availability from the cache and from the books: never older than it promises, whatever races or is away."""

import asyncio
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from kernel.calls import InProcessCalls
from kernel.database import count_statements
from kernel.events.embedded import EmbeddedDelivery
from kernel.identity import ANONYMOUS
from kernel.redis import connect
from kernel.settings import Settings
from kernel.subgraph import Parts
from subgraphs.inventory.app import build
from subgraphs.inventory.domain.availability import Availability
from subgraphs.inventory.domain.reservations import Wish
from subgraphs.inventory.service.availability import AvailabilityBoard
from subgraphs.inventory.service.warehouses import update_warehouse
from subgraphs.inventory.storage import availability
from subgraphs.inventory.storage.availability_cache import AvailabilityCache

BOUND = 5.0


@pytest.fixture
async def redis(valkey):
    client = Redis.from_url(valkey.url)
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture
def cache(redis):
    return AvailabilityCache(redis, "sku", bound=BOUND)


@pytest.fixture
def board(database, clock, cache):
    return AvailabilityBoard.of_skus(database, clock, cache)


async def read(database, clock, *skus):
    async with database.session() as session:
        return await availability.read_skus(session, skus, clock.now())


async def test_thousands_of_skus_cost_one_statement(database, clock, stocked):
    await stocked({f"S{number}": {"wh_near": 2, "wh_far": 1} for number in range(3000)})
    board = AvailabilityBoard.of_skus(database, clock)
    with count_statements(database) as counted:
        found = await board.look([f"S{number}" for number in range(3000)] + ["unknown"])
    assert counted.total == 1
    assert len(found) == 3001
    assert found["S7"] == Availability(quantity=3, by_warehouse={"wh_near": 2, "wh_far": 1})
    assert found["unknown"] == Availability()


async def test_a_closed_warehouse_does_not_count(database, clock, stocked):
    await stocked({"A": {"wh_near": 2, "wh_far": 1}})
    await update_warehouse(database, "wh_near", active=False, now=clock.now())
    reading = (await read(database, clock, "A"))["A"]
    assert reading.availability.by_warehouse == {"wh_far": 1}


async def test_what_is_kept_is_not_read_again(database, board, stocked):
    await stocked({"A": {"wh_near": 2}, "B": {"wh_near": 1}})
    assert (await board.look(["A"]))["A"].quantity == 2
    with count_statements(database) as counted:
        assert (await board.look(["A"]))["A"].quantity == 2
    assert counted.total == 0
    with count_statements(database) as counted:
        found = await board.look(["A", "B"])
    assert counted.total == 1
    assert {name: each.quantity for name, each in found.items()} == {"A": 2, "B": 1}


async def test_no_entry_lives_longer_than_the_bound(board, stocked, redis):
    await stocked({"A": {"wh_near": 2}})
    await board.look(["A"])
    assert 0 < await redis.pttl("inventory:availability:sku:A") <= BOUND * 1000


async def test_an_entry_ends_when_a_reservation_does(board, stocked, service, redis):
    await stocked({"A": {"wh_near": 2}})
    await service.reserve("chk", [Wish("A", 1)], 2, "k")
    assert (await board.look(["A"]))["A"].quantity == 1
    assert 0 < await redis.pttl("inventory:availability:sku:A") <= 2000


async def test_a_slow_reader_does_not_bring_back_the_past(database, clock, board, cache, service, stocked):
    """It reads, then a sale happens and is told, and only then does it write what it saw."""
    await stocked({"A": {"wh_near": 2}})
    slow = await read(database, clock, "A")
    await service.reserve("chk", [Wish("A", 2)], 600, "k")
    board.touch("A")
    assert await board.renew() == 1
    await cache.put(slow, now=clock.now(), elapsed=0.0)
    assert (await cache.get(["A"]))["A"].quantity == 0


async def test_stamps_follow_the_order_of_commits(database, clock, service, stocked):
    await stocked({"A": {"wh_near": 50}})
    stamps = []
    for number in range(5):
        stamps.append((await read(database, clock, "A"))["A"].stamp)
        await service.reserve("chk", [Wish("A", 1)], 600, f"k{number}")
    assert stamps == sorted(set(stamps))


async def test_readers_and_sellers_at_once_end_with_the_truth(board, service, stocked):
    await stocked({"A": {"wh_near": 20}})

    async def sell(number):
        await service.reserve("chk", [Wish("A", 1)], 600, f"k{number}")
        board.touch("A")
        await board.renew()

    async def watch():
        for _ in range(10):
            assert 0 <= (await board.look(["A"]))["A"].quantity <= 20

    await asyncio.gather(*(sell(number) for number in range(20)), *(watch() for _ in range(5)))
    assert (await board.look(["A"]))["A"].quantity == 0


async def test_without_redis_the_books_answer(database, clock, stocked):
    await stocked({"A": {"wh_near": 2}})
    away = connect("redis://127.0.0.1:1")
    board = AvailabilityBoard.of_skus(database, clock, AvailabilityCache(away, "sku", bound=BOUND))
    for _ in range(3):
        assert (await board.look(["A"]))["A"].quantity == 2
    board.touch("A")
    assert await board.renew() == 1
    await away.aclose()


async def test_nothing_is_kept_of_what_took_too_long_to_read(database, clock, cache, stocked):
    await stocked({"A": {"wh_near": 2}})
    await cache.put(await read(database, clock, "A"), now=clock.now(), elapsed=BOUND)
    assert await cache.get(["A"]) == {}


async def test_a_reading_is_stable_until_the_first_reservation_ends(database, clock, service, stocked):
    await stocked({"A": {"wh_near": 5}})
    await service.reserve("chk", [Wish("A", 1)], 600, "later")
    await service.reserve("chk", [Wish("A", 1)], 60, "sooner")
    reading = (await read(database, clock, "A"))["A"]
    assert reading.stable_until == clock.now() + timedelta(seconds=60)
    clock.advance(timedelta(seconds=61))
    assert (await read(database, clock, "A"))["A"].availability.quantity == 4


async def test_a_sale_that_is_told_renews_sku_and_product(database, clock, service, stocked, valkey, redis):
    """As the shop runs: the outbox is delivered to the consumer, and the jobs renew what it noted."""
    await stocked({"A": {"wh_near": 2}})
    parts = Parts(database=database, calls=InProcessCalls("inventory", {}), clock=clock)
    inventory = build(Settings.load(redis_url=valkey.url), parts)
    renewals = [job for job in inventory.jobs if "availability" in job.name]
    await service.reserve("chk", [Wish("A", 2)], 600, "k")
    await EmbeddedDelivery([inventory.room]).drain()
    assert [await job.run() for job in renewals] == [1, 1]
    for kept in (AvailabilityCache(redis, "sku", bound=BOUND), AvailabilityCache(redis, "product", bound=BOUND)):
        assert [each.quantity for each in (await kept.get(["A", "prod_A"])).values()] == [0]
    for close in inventory.on_close:
        await close()


async def test_who_is_told_of_a_change_never_sees_the_figure_before_it(
    database, clock, service, stocked, valkey, redis
):
    """Nobody renews the cache here, so that what it holds is surely old."""
    await stocked({"A": {"wh_near": 50}})
    parts = Parts(database=database, calls=InProcessCalls("inventory", {}), clock=clock)
    inventory = build(Settings.load(redis_url=valkey.url), parts)
    kept = AvailabilityBoard.of_skus(database, clock, AvailabilityCache(redis, "sku", bound=BOUND))
    assert (await kept.look(["A"]))["A"].quantity == 50
    query = 'subscription { availabilityChanged(sku: "A") { availability { quantityAvailable } } }'
    events = inventory.executor.subscribe(query, caller=ANONYMOUS)
    told, sold = asyncio.ensure_future(anext(events)), 0
    while not told.done():  # the first sales may come before anybody listens
        sold += 1
        await service.reserve("chk", [Wish("A", 1)], 600, f"k{sold}")
        await asyncio.wait([told], timeout=0.2)
    assert told.result().data["availabilityChanged"]["availability"]["quantityAvailable"] == 50 - sold
    await events.aclose()
    for close in inventory.on_close:
        await close()
