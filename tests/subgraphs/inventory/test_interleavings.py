"""The known races, step by step: one command holds the locks, the other waits for them, then the first ends."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text

from kernel.database import Database
from kernel.events.catalogue import StockLine
from subgraphs.inventory.domain import moving, promising
from subgraphs.inventory.domain.errors import InsufficientStockError, ReservationExpiredError
from subgraphs.inventory.domain.reservations import Wish
from subgraphs.inventory.domain.sourcing import fewest_splits
from subgraphs.inventory.service import InventoryService
from subgraphs.inventory.storage.ledger import Touched, open_book, write_book


@pytest.fixture
async def other(database, clock):
    """A second process of stock, as far as PostgreSQL can tell."""
    async with Database(database.url, schema="inventory") as second:
        yield InventoryService(second, clock)


@asynccontextmanager
async def held_open(service, **touched):
    """A command between its locks and its commit; others that were started are let in only after it."""
    async with service.database.transaction() as session:
        named = {name: frozenset(values) for name, values in touched.items()}
        book, _ = await open_book(session, Touched(**named), service.clock.now())
        yield book
        await write_book(session, book)


async def started(service, command):
    """Start a command and return when it waits for a lock."""
    task = asyncio.create_task(command)
    async with service.database.session() as session:
        waits = text(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        while not await session.scalar(waits):
            assert not task.done(), task
            await asyncio.sleep(0)
    return task


def reserving(book, name, quantity):
    return promising.reserve(
        book,
        fewest_splits,
        {"A": quantity},
        reservation_id=name,
        checkout_id="chk",
        expires_at=book.now + timedelta(seconds=60),
    )


async def shipped_order(service, quantity):
    held = await service.reserve("chk", [Wish("A", quantity)], 60, "k1")
    await service.allocate(held.id, "ord_1", "k2")
    async with service.database.transaction() as session:
        await service.ship(session, "ord_1", [StockLine(sku="A", quantity=quantity)])


async def on_hand(service):
    async with service.database.session() as session:
        return await session.scalar(text("SELECT sum(on_hand) FROM stock_levels"))


async def test_prior_allocations_count_beside_reservations(service, other, stocked):
    """The case that a well-known shop missed: allocated and reserved units, and a buyer who waits for the lock."""
    await stocked({"A": {"wh_near": 4}})
    held = await service.reserve("chk", [Wish("A", 2)], 60, "k1")
    await service.allocate(held.id, "ord_1", "k2")
    async with held_open(service, skus=["A"]) as book:
        reserving(book, "res_first", 1)
        second = await started(service, other.reserve("chk_2", [Wish("A", 2)], 60, "k3"))
    with pytest.raises(InsufficientStockError) as refused:
        await second
    assert refused.value.shortages[0].available == 1
    assert await service.verify() == []


async def test_an_allocation_that_is_first_beats_the_expiry(service, other, stocked, clock):
    await stocked({"A": {"wh_near": 1}})
    held = await service.reserve("chk", [Wish("A", 1)], 60, "k1")
    clock.advance(seconds=61)
    async with held_open(service, reservations=[held.id], orders=["ord_1"]) as book:
        promising.allocate(book, held.id, "ord_1")
        second = await started(service, other.reserve("chk_2", [Wish("A", 1)], 60, "k2"))
    with pytest.raises(InsufficientStockError):
        await second
    assert await service.verify() == []


async def test_a_buyer_who_is_first_beats_an_expired_reservation(service, other, stocked, clock):
    await stocked({"A": {"wh_near": 1}})
    held = await service.reserve("chk", [Wish("A", 1)], 60, "k1")
    clock.advance(seconds=61)
    async with held_open(service, skus=["A"]) as book:
        reserving(book, "res_new", 1)
        second = await started(service, other.allocate(held.id, "ord_1", "k2"))
    with pytest.raises(ReservationExpiredError):
        await second
    assert await service.verify() == []


async def test_a_return_that_waits_for_a_count_comes_on_top_of_it(service, other, stocked):
    await stocked({"A": {"wh_near": 5}})
    await shipped_order(service, 2)
    async with held_open(service, skus=["A"]) as book:
        moving.count(book, fewest_splits, "A", "wh_near", 9, reason="stocktake")
        second = await started(service, other.take_back("ord_1", "A", 2, key="k3"))
    await second
    assert await on_hand(service) == 11
    assert await service.verify() == []


async def test_a_count_that_waits_for_a_return_is_the_last_word(service, other, stocked):
    await stocked({"A": {"wh_near": 5}})
    await shipped_order(service, 2)
    async with held_open(service, orders=["ord_1"]) as book:
        promising.take_back(book, "ord_1", "A", 2, warehouse_id=None, sellable=True, reason="")
        second = await started(service, other.count("A", "wh_near", 9, reason="stocktake", key="k3"))
    await second
    assert await on_hand(service) == 9
    assert await service.verify() == []


async def test_a_cancellation_that_waits_for_a_shipment_gives_nothing_back(service, other, stocked):
    await stocked({"A": {"wh_near": 2}})
    held = await service.reserve("chk", [Wish("A", 2)], 60, "k1")
    await service.allocate(held.id, "ord_1", "k2")
    async with held_open(service, orders=["ord_1"]) as book:
        promising.ship(book, "ord_1", [StockLine(sku="A", quantity=2)])
        second = await started(service, other.release_allocation("ord_1", "cancelled", "k3"))
    assert [(row.shipped, row.released) for row in await second] == [(2, 0)]
    assert await service.verify() == []


async def test_a_sale_that_waits_for_a_transfer_finds_the_goods_at_their_new_place(service, other, stocked):
    await stocked({"A": {"wh_near": 2}})
    async with held_open(service, skus=["A"]) as book:
        moving.transfer(book, "A", 2, source="wh_near", target="wh_third", reference="", reason="")
        second = await started(service, other.reserve("chk", [Wish("A", 2)], 60, "k1"))
    assert [(pick.warehouse_id, pick.quantity) for pick in (await second).lines] == [("wh_third", 2)]
    assert await service.verify() == []
