"""Commands that wait share a transaction, and none of them is the worse for it."""

import asyncio

import pytest
from sqlalchemy import text

from kernel.database import Database, count_statements
from kernel.errors import ConflictError, InfrastructureError
from kernel.telemetry import correlated
from subgraphs.inventory.domain.errors import InsufficientStockError, KeyReusedError
from subgraphs.inventory.domain.reservations import Wish
from subgraphs.inventory.service import InventoryService
from subgraphs.inventory.service.bundles import set_bundle
from subgraphs.inventory.service.desk import Desk


@pytest.fixture
def one_lane(database, clock):
    return InventoryService(database, clock, desk=Desk(database, clock, lanes=1))


def reserve(service, number, sku="A", quantity=1, key=None):
    return service.reserve(f"chk_{number}", [Wish(sku, quantity)], 900, key or f"reserve {number}")


async def test_commands_that_wait_share_a_transaction(one_lane, stocked):
    await stocked({"A": {"wh_near": 100}})
    with count_statements(one_lane.database) as counted:
        await asyncio.gather(*(reserve(one_lane, number) for number in range(41)))
    assert counted.total == 3
    assert await one_lane.verify() == []


async def test_a_refusal_spoils_nothing_for_the_others(one_lane, stocked):
    await stocked({"A": {"wh_near": 5}, "B": {"wh_near": 5}})
    outcomes = await asyncio.gather(
        *(reserve(one_lane, number, "AB"[number % 2], 3) for number in range(6)),
        one_lane.receive("A", "wh_nowhere", 1, reference="", key="lost"),
        one_lane.adjust("B", "wh_near", -9, reason="broken", key="broken"),
        return_exceptions=True,
    )
    refused = [each for each in outcomes if isinstance(each, Exception)]
    assert sum(isinstance(each, InsufficientStockError) for each in refused) == 4
    assert len(refused) == 6
    assert await one_lane.verify() == []


async def test_a_key_counts_once_within_a_transaction_too(one_lane, stocked):
    await stocked({"A": {"wh_near": 10}})
    first, *others = await asyncio.gather(
        *(reserve(one_lane, 1, key="same") for _ in range(5)),
        reserve(one_lane, 1, quantity=2, key="same"),
        return_exceptions=True,
    )
    assert others[:4] == [first] * 4
    assert isinstance(others[4], KeyReusedError)


async def test_one_key_in_two_processes_for_different_goods(database, clock, stocked):
    await stocked({"A": {"wh_near": 10}, "B": {"wh_near": 10}})
    async with Database(database.url, schema="inventory") as second:
        desks = (InventoryService(database, clock), InventoryService(second, clock))
        for number in range(5):
            outcomes = await asyncio.gather(
                *(reserve(desk, 1, sku, key=f"key {number}") for desk, sku in zip(desks, "AB", strict=True)),
                return_exceptions=True,
            )
            assert sum(isinstance(each, KeyReusedError) for each in outcomes) == 1
    assert await desks[0].verify() == []


async def test_new_goods_from_two_processes_at_once(database, clock, stocked):
    await stocked({})
    async with Database(database.url, schema="inventory") as second:
        desks = (InventoryService(database, clock), InventoryService(second, clock))
        await asyncio.gather(
            *(desks[n % 2].receive("NEW", "wh_near", 1, reference="", key=f"k{n}") for n in range(12)),
            *(desks[n % 2].receive("NEW", "wh_far", 1, reference="", key=f"f{n}") for n in range(12)),
        )
        assert await desks[0].verify() == []


async def test_the_work_goes_on_when_nobody_waits_any_more(one_lane, stocked):
    await stocked({"A": {"wh_near": 1}})
    waiting = asyncio.create_task(reserve(one_lane, 1))
    await asyncio.sleep(0)
    waiting.cancel()
    held = await reserve(one_lane, 1)
    assert held.checkout_id == "chk_1"
    with pytest.raises(InsufficientStockError):
        await reserve(one_lane, 2)


async def test_each_event_tells_what_caused_its_own_command(one_lane, stocked, database):
    await stocked({"A": {"wh_near": 5}})

    async def buyer(number):
        with correlated(f"request-{number}"):
            await reserve(one_lane, number)

    await asyncio.gather(*map(buyer, range(4)))
    async with database.session() as session:
        found = await session.execute(
            text(
                "SELECT event->'data'->>'checkout_id', event->>'correlationid' FROM outbox WHERE type = 'StockReserved'"
            )
        )
    assert sorted(map(tuple, found)) == [(f"chk_{number}", f"request-{number}") for number in range(4)]


async def test_without_a_database_everybody_is_told_at_once(clock):
    async with Database("postgresql://nobody@127.0.0.1:1/none", schema="inventory") as nowhere:
        service = InventoryService(nowhere, clock)
        outcomes = await asyncio.gather(*(reserve(service, number) for number in range(9)), return_exceptions=True)
    assert all(isinstance(each, InfrastructureError) for each in outcomes)


async def test_old_commands_are_forgotten(service, stocked, database):
    await stocked({"A": {"wh_near": 5}})
    await reserve(service, 1)
    await reserve(service, 2)
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE commands SET executed_at = now() - interval '2 days' WHERE idempotency_key = 'reserve 1'")
        )
    assert await service.forget_commands(86_400) == 1
    assert await service.forget_commands(86_400) == 0
    await reserve(service, 2)
    assert await service.verify() == []


async def test_a_bundle_is_set_and_taken_apart(service, stocked):
    await stocked({"A": {"wh_near": 5}, "B": {"wh_near": 1}})
    await set_bundle(service.database, "SET", [("A", 2), ("B", 1)])
    held = await reserve(service, 1, "SET")
    assert [(pick.sku, pick.quantity) for pick in held.lines] == [("A", 2), ("B", 1)]
    with pytest.raises(ConflictError):
        await set_bundle(service.database, "OUTER", [("SET", 1)])
    with pytest.raises(ConflictError):
        await set_bundle(service.database, "A", [("B", 1)])
    await set_bundle(service.database, "SET", [])
    with pytest.raises(InsufficientStockError):
        await reserve(service, 2, "SET")
