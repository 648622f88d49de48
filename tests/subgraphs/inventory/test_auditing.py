"""Proving the books and making them anew, beside commands that go on."""

import asyncio
from contextlib import suppress

import pytest
from sqlalchemy import text

from kernel.errors import DomainError
from kernel.events.catalogue import StockLine
from subgraphs.inventory.domain.reservations import Wish
from subgraphs.inventory.domain.stock import Policy
from subgraphs.inventory.service.auditing import rebuild, verify

SKUS = [f"S{number}" for number in range(8)]
DAMAGE = {
    "UPDATE stock_levels SET on_hand = on_hand + 1 WHERE sku = 'S6'": [
        "stock_levels S6 wh_far",
        "stock_levels S6 wh_near",
    ],
    "DELETE FROM stock_levels WHERE sku = 'S6' AND warehouse_id = 'wh_far'": ["stock_levels S6 wh_far"],
    "INSERT INTO stock_levels (sku, warehouse_id) VALUES ('S6', 'wh_third')": ["stock_levels S6 wh_third"],
    "UPDATE stock_levels SET safety_stock = 9 WHERE sku = 'S7' AND warehouse_id = 'wh_far'": ["stock_levels S7 wh_far"],
}


@pytest.fixture
async def sold(service, stocked):
    """Some history of each kind."""
    await stocked({sku: {"wh_near": 6, "wh_far": 6} for sku in SKUS})
    for number, sku in enumerate(SKUS):
        held = await service.reserve(f"chk_{number}", [Wish(sku, 3)], 900, f"reserve {number}")
        if number % 2:
            await service.allocate(held.id, f"ord_{number}", f"allocate {number}")
            async with service.database.transaction() as session:
                await service.ship(session, f"ord_{number}", [StockLine(sku=sku, quantity=2)])
            await service.take_back(f"ord_{number}", sku, 1, key=f"return {number}")
        await service.extend(held.id, 1800, f"extend {number}") if not number % 2 else None
    await service.set_policy("S7", "wh_far", Policy(reorder_point=2, safety_stock=1, backorder_limit=3))
    await service.transfer("S1", 1, source="wh_near", target="wh_third", key="transfer")
    await service.count("S2", "wh_near", 5, reason="stocktake", key="count")
    return service


async def rows(database):
    async with database.session() as session:
        return [
            (await session.execute(text(f"SELECT t::text FROM {table} AS t ORDER BY 1"))).scalars().all()
            for table in ("stock_levels", "reservation_lines", "allocations")
        ]


async def test_a_rebuild_of_sound_books_finds_nothing(sold, database):
    rebuilt = await rebuild(database, mend=False)
    assert (rebuilt.differing, rebuilt.skus) == ([], len(SKUS))
    assert rebuilt.rows == sum(map(len, await rows(database)))


@pytest.mark.parametrize("damage", DAMAGE)
async def test_damage_is_found_and_mended(sold, database, damage):
    before = await rows(database)
    async with database.transaction() as session:
        await session.execute(text(damage))
    assert await verify(database) != [] or "safety_stock" in damage or "wh_third" in damage
    assert (await rebuild(database, mend=False)).differing == DAMAGE[damage]
    assert (await rebuild(database)).differing == DAMAGE[damage]
    assert await rows(database) == before
    assert await verify(database) == []


async def test_lost_promises_come_back(sold, database):
    before = await rows(database)
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM reservation_lines"))
        await session.execute(text("UPDATE allocations SET shipped = 0, returned = 0"))
    assert {each.figure for each in await verify(database)} == {"allocated to orders", "reserved by reservations"}
    await rebuild(database)
    assert await rows(database) == before


async def test_rebuilding_beside_commands_finds_no_difference(sold, database):
    done = asyncio.Event()

    async def sell(number):
        count = 0
        while not done.is_set():
            sku, key = SKUS[(number + count) % len(SKUS)], f"{number} {count}"
            with suppress(DomainError):
                held = await sold.reserve("chk", [Wish(sku, 1)], 900, f"r {key}")
                await sold.release(held.id, "", f"x {key}")
            count += 1
        return count

    sellers = [asyncio.create_task(sell(number)) for number in range(4)]
    rebuilt = [await rebuild(database, mend=False) for _ in range(3)]
    found = await verify(database)
    done.set()
    assert min(await asyncio.gather(*sellers)) > 0
    assert [each.differing for each in rebuilt] == [[], [], []]
    assert found == []
