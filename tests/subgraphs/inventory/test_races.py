"""Races on real PostgreSQL: whoever comes too late is refused, nothing is sold twice, nothing deadlocks."""

import asyncio
import random

import pytest

from kernel.database import Database
from kernel.errors import ConflictError
from kernel.events.catalogue import StockLine
from subgraphs.inventory.domain.errors import InsufficientStockError, ReservationExpiredError
from subgraphs.inventory.domain.reservations import Wish
from subgraphs.inventory.service import InventoryService


@pytest.fixture
async def other(database, clock):
    """A second process of stock, as far as PostgreSQL can tell."""
    async with Database(database.url, schema="inventory", pool_size=10) as second:
        yield InventoryService(second, clock)


async def test_sixty_buyers_for_twenty_units(service, other, stocked):
    await stocked({"HOT": {"wh_near": 9, "wh_far": 8, "wh_third": 3}})

    async def buy(number):
        desk = (service, other)[number % 2]
        try:
            held = await desk.reserve(f"chk_{number}", [Wish("HOT", 1)], 900, f"reserve {number}")
        except InsufficientStockError as refused:
            return -refused.shortages[0].available
        return sum(row.quantity for row in await desk.allocate(held.id, f"ord_{number}", f"allocate {number}"))

    sold = await asyncio.gather(*map(buy, range(60)))
    assert sorted(sold) == [0] * 40 + [1] * 20
    assert await service.verify() == []
    with pytest.raises(InsufficientStockError):
        await service.reserve("chk_late", [Wish("HOT", 1)], 900, "late")


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_carts_in_any_order_do_not_deadlock(service, other, stocked, seed):
    skus = [f"S{number}" for number in range(5)]
    await stocked({sku: {"wh_near": 6, "wh_far": 5, "wh_third": 4} for sku in skus})
    chance = random.Random(seed)
    carts = [chance.sample(skus, chance.randint(1, 5)) for _ in range(60)]
    doomed = [chance.random() < 0.3 for _ in carts]
    sold = dict.fromkeys(skus, 0)

    async def buy(number):
        desk, wishes = (service, other)[number % 2], [Wish(sku, chance.randint(1, 3)) for sku in carts[number]]
        try:
            held = await desk.reserve(f"chk_{number}", wishes, 900, f"reserve {number}")
        except InsufficientStockError:
            return
        if doomed[number]:
            await desk.release(held.id, "changed my mind", f"release {number}")
            return
        rows = await desk.allocate(held.id, f"ord_{number}", f"allocate {number}")
        for row in rows:
            sold[row.sku] += row.quantity

    await asyncio.gather(*map(buy, range(60)))
    assert all(0 < quantity <= 15 for quantity in sold.values())
    assert await service.verify() == []


async def test_one_command_sent_many_times_at_once_happens_once(service, other, stocked):
    await stocked({"A": {"wh_near": 10}})
    held = await asyncio.gather(
        *((service, other)[n % 2].reserve("chk_1", [Wish("A", 2)], 900, "same key") for n in range(12))
    )
    assert len({each.id for each in held}) == 1
    rows = await asyncio.gather(*((service, other)[n % 2].allocate(held[0].id, "ord_1", f"key {n}") for n in range(8)))
    assert len({tuple(each) for each in rows}) == 1
    assert await service.verify() == []
    assert len((await service.reserve("chk_2", [Wish("A", 8)], 900, "rest")).lines) == 1


async def test_expiry_against_allocation(service, other, stocked, clock):
    await stocked({"A": {"wh_near": 1}, "B": {"wh_near": 1}})
    held = await service.reserve("chk_1", [Wish("A", 1), Wish("B", 1)], 60, "k1")
    clock.advance(seconds=60)
    outcomes = await asyncio.gather(
        service.allocate(held.id, "ord_1", "k2"),
        other.reserve("chk_2", [Wish("B", 1)], 60, "k3"),
        return_exceptions=True,
    )
    refused = [each for each in outcomes if isinstance(each, Exception)]
    assert len(refused) == 1
    assert isinstance(refused[0], ReservationExpiredError | InsufficientStockError)
    assert await service.verify() == []


async def test_release_against_allocation(service, other, stocked):
    await stocked({"A": {"wh_near": 20}})
    for number in range(6):
        held = await service.reserve(f"chk_{number}", [Wish("A", 2)], 60, f"reserve {number}")
        outcomes = await asyncio.gather(
            service.allocate(held.id, f"ord_{number}", f"allocate {number}"),
            other.release(held.id, "too late?", f"release {number}"),
            return_exceptions=True,
        )
        assert sum(isinstance(each, ConflictError) for each in outcomes) == 1
    assert await service.verify() == []


async def test_shipment_against_cancellation(service, other, stocked):
    await stocked({"A": {"wh_near": 4}})
    held = await service.reserve("chk_1", [Wish("A", 4)], 60, "k1")
    await service.allocate(held.id, "ord_1", "k2")

    async def ship():
        async with service.database.transaction() as session:
            await service.ship(session, "ord_1", [StockLine(sku="A", quantity=4)])

    outcomes = await asyncio.gather(
        ship(), other.release_allocation("ord_1", "cancelled", "k3"), return_exceptions=True
    )
    unexpected = [each for each in outcomes if isinstance(each, Exception) and not isinstance(each, ConflictError)]
    assert unexpected == []
    assert await service.verify() == []


async def test_the_sweeper_against_buyers(service, other, stocked, clock):
    await stocked({"A": {"wh_near": 10}, "B": {"wh_near": 10}})
    for number in range(10):
        await service.reserve(f"chk_{number}", [Wish("A", 1), Wish("B", 1)], 60, f"old {number}")
    clock.advance(seconds=61)
    buyers = [service.reserve(f"new_{n}", [Wish("B", 1), Wish("A", 1)], 60, f"new {n}") for n in range(15)]
    outcomes = await asyncio.gather(*buyers, *(other.expire_due() for _ in range(5)), return_exceptions=True)
    refused = [each for each in outcomes if isinstance(each, Exception)]
    assert len(refused) == 5
    assert all(isinstance(each, InsufficientStockError) for each in refused)
    assert await service.verify() == []
