from datetime import timedelta

import pytest
from sqlalchemy import text

from kernel.database import count_statements
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.events.catalogue import StockLine
from subgraphs.inventory.domain.errors import (
    InsufficientStockError,
    KeyReusedError,
    ReservationExpiredError,
    Shortage,
)
from subgraphs.inventory.domain.reservations import ReservationState, Wish
from subgraphs.inventory.domain.sourcing import Pick
from subgraphs.inventory.domain.stock import Policy
from subgraphs.inventory.service import warehouses
from subgraphs.inventory.service.stock import InventoryService
from subgraphs.inventory.service.warehouses import create_warehouse, update_warehouse
from subgraphs.inventory.storage import reading


async def level(service, sku, warehouse_id="wh_near"):
    async with service.database.session() as session:
        found = await reading.standings_of_skus(session, [sku], service.clock.now())
    return next(each.level for each in found[sku] if each.level.warehouse_id == warehouse_id)


async def available(service, sku):
    async with service.database.session() as session:
        found = await reading.standings_of_skus(session, [sku], service.clock.now())
    return sum(each.level.available for each in found[sku])


async def shipped(service, order_id, *lines):
    async with service.database.transaction() as session:
        await service.ship(session, order_id, lines)


async def test_a_sale_from_reservation_to_shipment(service, stocked, events):
    await stocked({"A": {"wh_near": 5}, "B": {"wh_near": 1}})
    held = await service.reserve("chk_1", [Wish("A", 2), Wish("B", 1)], 900, "k1")
    assert held.state is ReservationState.HELD
    assert held.expires_at == service.clock.now() + timedelta(seconds=900)
    assert held.lines == (Pick("A", "wh_near", 2), Pick("B", "wh_near", 1))
    assert await available(service, "A") == 3

    rows = await service.allocate(held.id, "ord_1", "k2")
    assert [(row.sku, row.warehouse_id, row.quantity) for row in rows] == [("A", "wh_near", 2), ("B", "wh_near", 1)]
    await shipped(
        service, "ord_1", StockLine(sku="A", quantity=2, warehouse_id="wh_near"), StockLine(sku="B", quantity=1)
    )

    stock = await level(service, "A")
    assert (stock.on_hand, stock.reserved, stock.allocated, stock.version) == (3, 0, 0, 4)
    assert await service.verify() == []
    (reserved,) = await events("StockReserved")
    assert reserved["checkout_id"] == "chk_1"
    assert reserved["lines"][0] == {"sku": "A", "quantity": 2, "warehouse_id": "wh_near"}
    (allocated,) = await events("StockAllocated")
    assert allocated["order_id"] == "ord_1"
    changes = await events("InventoryChanged")
    assert changes[0] == {"sku": "A", "product_id": "prod_A", "available": 3, "on_hand": 5}
    assert changes[-1] == {"sku": "B", "product_id": "prod_B", "available": 0, "on_hand": 0}
    assert [low["sku"] for low in await events("StockLevelLow")] == ["B"]


async def test_all_lines_or_none(service, stocked, events):
    await stocked({"A": {"wh_near": 5}, "B": {"wh_near": 1, "wh_far": 1}})
    with pytest.raises(InsufficientStockError) as refused:
        await service.reserve("chk_1", [Wish("A", 1), Wish("B", 3), Wish("C", 1)], 900, "k1")
    assert refused.value.shortages == (Shortage("B", 3, 2), Shortage("C", 1, 0))
    assert (await level(service, "A")).version == 1
    assert await events("StockReserved") == []
    held = await service.reserve("chk_1", [Wish("A", 1)], 900, "k1")
    assert held.lines == (Pick("A", "wh_near", 1),)


async def test_a_repeated_command_is_answered_and_not_done_again(service, stocked):
    await stocked({"A": {"wh_near": 5}})
    first = await service.reserve("chk_1", [Wish("A", 2)], 900, "k1")
    assert await service.reserve("chk_1", [Wish("A", 2)], 900, "k1") == first
    assert await available(service, "A") == 3
    rows = await service.allocate(first.id, "ord_1", "k2")
    assert await service.allocate(first.id, "ord_1", "k2") == rows
    assert await service.allocate(first.id, "ord_1", "another key") == rows
    given = await service.release_allocation("ord_1", "cancelled", "k3")
    assert await service.release_allocation("ord_1", "cancelled", "k3") == given
    assert await service.release_allocation("ord_1", "cancelled", "k4") == given
    assert await available(service, "A") == 5
    assert await service.verify() == []


async def test_a_key_serves_one_command(service, stocked):
    await stocked({"A": {"wh_near": 5}})
    await service.reserve("chk_1", [Wish("A", 2)], 900, "k1")
    with pytest.raises(KeyReusedError):
        await service.reserve("chk_1", [Wish("A", 1)], 900, "k1")
    with pytest.raises(KeyReusedError):
        await service.receive("A", "wh_near", 1, reference="", key="k1")
    for key in ("", "x" * 201):
        with pytest.raises(InvalidInputError):
            await service.reserve("chk_1", [Wish("A", 1)], 900, key)


async def test_an_expired_reservation_needs_no_sweeper(service, stocked, clock, events):
    await stocked({"A": {"wh_near": 2}})
    first = await service.reserve("chk_1", [Wish("A", 2)], 60, "k1")
    clock.advance(seconds=59)
    with pytest.raises(InsufficientStockError):
        await service.reserve("chk_2", [Wish("A", 1)], 60, "k2")
    clock.advance(seconds=1)
    assert await available(service, "A") == 2
    await service.reserve("chk_2", [Wish("A", 1)], 60, "k3")
    assert (await level(service, "A")).reserved == 1
    with pytest.raises(ReservationExpiredError):
        await service.allocate(first.id, "ord_1", "k4")
    (released,) = await events("StockReleased")
    assert (released["reservation_id"], released["reason"]) == (first.id, "expired")
    assert await service.verify() == []


async def test_an_expired_reservation_counts_while_nobody_else_wants_it(service, stocked, clock):
    await stocked({"A": {"wh_near": 2}})
    held = await service.reserve("chk_1", [Wish("A", 2)], 60, "k1")
    clock.advance(seconds=3600)
    (row,) = await service.allocate(held.id, "ord_1", "k2")
    assert row.quantity == 2
    assert await available(service, "A") == 0
    assert await service.verify() == []


async def test_part_of_an_expired_reservation_is_not_allocated(service, stocked, clock):
    await stocked({"A": {"wh_near": 1}, "B": {"wh_near": 1}})
    held = await service.reserve("chk_1", [Wish("A", 1), Wish("B", 1)], 60, "k1")
    clock.advance(seconds=61)
    await service.reserve("chk_2", [Wish("B", 1)], 60, "k2")
    with pytest.raises(ReservationExpiredError):
        await service.allocate(held.id, "ord_1", "k3")
    assert (await level(service, "A")).allocated == 0
    await service.release(held.id, "given up", "k4")
    assert await available(service, "A") == 1
    assert (await level(service, "B")).reserved == 1
    assert await service.verify() == []


async def test_the_sweeper_tidies_up(service, stocked, clock):
    await stocked({"A": {"wh_near": 2}, "B": {"wh_near": 2}})
    await service.reserve("chk_1", [Wish("A", 2), Wish("B", 1)], 60, "k1")
    assert await service.expire_due() == 0
    clock.advance(seconds=60)
    assert await service.expire_due() == 2
    assert await service.expire_due() == 0
    assert (await level(service, "A")).reserved == 0
    assert await service.verify() == []


async def test_releasing_gives_back_and_ends(service, stocked, events):
    await stocked({"A": {"wh_near": 2}})
    held = await service.reserve("chk_1", [Wish("A", 2)], 60, "k1")
    assert (await service.release(held.id, "cart emptied", "k2")).state is ReservationState.RELEASED
    await service.release(held.id, "again", "k3")
    assert await available(service, "A") == 2
    assert len(await events("StockReleased")) == 1
    with pytest.raises(ReservationExpiredError):
        await service.allocate(held.id, "ord_1", "k4")


async def test_allocated_stock_is_not_released_as_a_reservation(service, stocked):
    await stocked({"A": {"wh_near": 2}})
    held = await service.reserve("chk_1", [Wish("A", 2)], 60, "k1")
    await service.allocate(held.id, "ord_1", "k2")
    with pytest.raises(ConflictError):
        await service.release(held.id, "late", "k3")
    with pytest.raises(ConflictError):
        await service.allocate(held.id, "ord_2", "k4")


async def test_an_order_has_stock_from_one_reservation(service, stocked):
    await stocked({"A": {"wh_near": 2}})
    first = await service.reserve("chk_1", [Wish("A", 1)], 60, "k1")
    second = await service.reserve("chk_1", [Wish("A", 1)], 60, "k2")
    await service.allocate(first.id, "ord_1", "k3")
    with pytest.raises(ConflictError):
        await service.allocate(second.id, "ord_1", "k4")
    assert await service.verify() == []


async def test_what_is_shipped_stays_shipped(service, stocked):
    await stocked({"A": {"wh_near": 1, "wh_far": 2}})
    held = await service.reserve("chk_1", [Wish("A", 3)], 60, "k1")
    await service.allocate(held.id, "ord_1", "k2")
    await shipped(service, "ord_1", StockLine(sku="A", quantity=1, warehouse_id="wh_far"))
    rows = await service.release_allocation("ord_1", "cancelled", "k3")
    assert [(row.warehouse_id, row.shipped, row.released) for row in rows] == [("wh_far", 1, 1), ("wh_near", 0, 1)]
    with pytest.raises(ConflictError):
        await shipped(service, "ord_1", StockLine(sku="A", quantity=1))
    assert (await level(service, "A", "wh_far")).on_hand == 1
    assert await service.verify() == []


async def test_a_command_that_finds_nothing_to_do_still_keeps_the_books(service, stocked, clock):
    await stocked({"A": {"wh_near": 3}})
    held = await service.reserve("chk_1", [Wish("A", 1)], 60, "k1")
    await service.allocate(held.id, "ord_1", "k2")
    await shipped(service, "ord_1", StockLine(sku="A", quantity=1))
    await service.reserve("chk_2", [Wish("A", 1)], 60, "k3")
    clock.advance(seconds=61)
    await service.release_allocation("ord_1", "nothing is left of it", "k4")
    await shipped(service, "ord_1")
    assert await service.verify() == []


@pytest.mark.parametrize(
    "line", [StockLine(sku="A", quantity=1, warehouse_id="wh_far"), StockLine(sku="Z", quantity=1)]
)
async def test_only_what_an_order_has_is_shipped(service, stocked, line):
    await stocked({"A": {"wh_near": 3}})
    held = await service.reserve("chk_1", [Wish("A", 1)], 60, "k1")
    await service.allocate(held.id, "ord_1", "k2")
    with pytest.raises(ConflictError):
        await shipped(service, "ord_1", line)


async def test_goods_arrive_and_are_corrected(service, stocked):
    await stocked({})
    standing = await service.receive("N", "wh_near", 5, reference="DN-1", key="k1")
    assert await service.receive("N", "wh_near", 5, reference="DN-1", key="k1") == standing
    standing = await service.adjust("N", "wh_near", -2, reason="broken", key="k2")
    assert (standing.level.on_hand, standing.level.version) == (3, 2)
    await service.reserve("chk_1", [Wish("N", 2)], 60, "k3")
    with pytest.raises(ConflictError) as refused:
        await service.adjust("N", "wh_near", -2, reason="stolen", key="k4")
    assert refused.value.code == "INSUFFICIENT_STOCK"
    with pytest.raises(InvalidInputError):
        await service.adjust("N", "wh_near", -1, reason=" ", key="k5")
    with pytest.raises(NotFoundError):
        await service.receive("N", "wh_nowhere", 1, reference="", key="k6")
    with pytest.raises(InvalidInputError):
        await service.receive("", "wh_near", 1, reference="", key="k7")


async def test_back_orders_up_to_a_limit(service, stocked):
    await stocked({"A": {"wh_near": 1}})
    await service.set_policy("A", "wh_near", Policy(reorder_point=3, backorder_limit=2))
    assert await available(service, "A") == 3
    held = await service.reserve("chk_1", [Wish("A", 3)], 60, "k1")
    await service.allocate(held.id, "ord_1", "k2")
    with pytest.raises(ConflictError):
        await shipped(service, "ord_1", StockLine(sku="A", quantity=3))
    with pytest.raises(ConflictError):
        await service.set_policy("A", "wh_near", Policy(reorder_point=3, backorder_limit=1))
    await service.receive("A", "wh_near", 2, reference="DN-2", key="k3")
    await shipped(service, "ord_1", StockLine(sku="A", quantity=3))
    assert await service.verify() == []


async def test_nothing_is_promised_from_a_closed_warehouse(service, stocked):
    await stocked({"A": {"wh_near": 1, "wh_far": 1}})
    closed = await update_warehouse(service.database, "wh_near", active=False, now=service.clock.now())
    assert not closed.active
    held = await service.reserve("chk_1", [Wish("A", 1)], 60, "k1")
    assert held.lines == (Pick("A", "wh_far", 1),)
    with pytest.raises(InsufficientStockError):
        await service.reserve("chk_2", [Wish("A", 1)], 60, "k2")


async def test_closing_and_opening_a_warehouse_is_told_of_all_that_lies_there(service, stocked, events, monkeypatch):
    monkeypatch.setattr(warehouses, "PORTION", 2)
    await stocked({sku: {"wh_near": 2} for sku in "ABC"} | {"D": {"wh_near": 1, "wh_far": 3}, "E": {"wh_far": 1}})
    await service.reserve("chk_1", [Wish("A", 1)], 60, "k1")
    for active in (False, True):
        await update_warehouse(service.database, "wh_near", active=active, now=service.clock.now())
    told = [(each["sku"], each["available"]) for each in await events("InventoryChanged")]
    closed, opened = [("A", 0), ("B", 0), ("C", 0), ("D", 3)], [("A", 1), ("B", 2), ("C", 2), ("D", 4)]
    assert told[-8:] == closed + opened


async def test_warehouses_have_unique_codes(service, stocked):
    await stocked({})
    made = await create_warehouse(service.database, "BER-2", " Berlin ", "DE", 5)
    assert made.name == "Berlin"
    with pytest.raises(ConflictError) as refused:
        await create_warehouse(service.database, "BER-2", "Other", "DE", 5)
    assert refused.value.code == "ALREADY_EXISTS"
    for code, name, country, priority in (
        ("ber", "B", "DE", 1),
        ("B", "", "DE", 1),
        ("B", "B", "de", 1),
        ("B", "B", "DE", -1),
    ):
        with pytest.raises(InvalidInputError):
            await create_warehouse(service.database, code, name, country, priority)
    with pytest.raises(NotFoundError):
        await update_warehouse(service.database, "wh_none", name="x", now=service.clock.now())
    with pytest.raises(InvalidInputError):
        await update_warehouse(service.database, made.id, now=service.clock.now())


async def test_what_is_not_there_is_not_found(service, stocked):
    await stocked({})
    with pytest.raises(NotFoundError):
        await service.allocate("res_none", "ord_1", "k1")
    with pytest.raises(NotFoundError):
        await service.release("res_none", "", "k2")
    assert await service.release_allocation("ord_none", "", "k3") == ()


@pytest.mark.parametrize("lines", [1, 10])
async def test_reserving_costs_the_same_for_any_number_of_lines(service, stocked, lines):
    await stocked({f"S{number}": {"wh_near": 5, "wh_far": 5} for number in range(10)})
    with count_statements(service.database) as counted:
        held = await service.reserve("chk_1", [Wish(f"S{number}", 1) for number in range(lines)], 60, "k1")
    assert counted.total == 3
    with count_statements(service.database) as counted:
        await service.allocate(held.id, "ord_1", "k2")
    assert counted.total == 3


async def test_verify_finds_what_was_tampered_with(service, stocked, database):
    await stocked({"A": {"wh_near": 5}})
    async with database.transaction() as session:
        await session.execute(text("UPDATE stock_levels SET on_hand = 6, reserved = 1"))
    found = {(each.figure, each.expected, each.found) for each in await service.verify()}
    assert found == {("on_hand", 5, 6), ("reserved", 0, 1), ("reserved by reservations", 0, 1)}


async def test_a_strategy_can_be_plugged_in(database, clock, stocked):
    await stocked({"A": {"wh_near": 5, "wh_far": 5}})

    def far_only(wanted, supplies):
        return tuple(Pick(sku, "wh_far", quantity) for sku, quantity in wanted.items())

    service = InventoryService(database, clock, source=far_only)
    held = await service.reserve("chk_1", [Wish("A", 1)], 60, "k1")
    assert held.lines == (Pick("A", "wh_far", 1),)


async def test_a_changed_order_has_just_what_it_needs_and_keeps_it_where_it_was(service, stocked):
    await stocked({"A": {"wh_near": 5, "wh_far": 5}, "B": {"wh_near": 1}})
    held = await service.reserve("chk_1", [Wish("A", 3), Wish("B", 1)], 900, "k1")
    await service.allocate(held.id, "ord_1", "k2")
    for _ in range(2):
        rows = await service.reallocate("ord_1", [Wish("A", 8)], "k3")
        assert [(row.sku, row.open) for row in rows] == [("A", 5), ("A", 3), ("B", 0)]
    assert (await available(service, "A"), await available(service, "B")) == (2, 1)
    rows = await service.reallocate("ord_1", [Wish("A", 1), Wish("B", 1)], "k4")
    assert {row.sku: row.open for row in rows if row.open} == {"A": 1, "B": 1}
    assert await service.verify() == []
    await service.release_allocation("ord_1", "cancelled", "k5")
    assert (await available(service, "A"), await available(service, "B")) == (10, 1)
    assert await service.verify() == []


async def test_what_a_changed_order_lacks_is_had_whole_or_not_at_all(service, stocked):
    await stocked({"A": {"wh_near": 5}, "B": {"wh_near": 1}})
    held = await service.reserve("chk_1", [Wish("A", 3)], 900, "k1")
    await service.allocate(held.id, "ord_1", "k2")
    with pytest.raises(InsufficientStockError) as refused:
        await service.reallocate("ord_1", [Wish("A", 5), Wish("B", 2)], "k3")
    assert list(refused.value.shortages) == [Shortage("B", 2, 1)]
    assert (await level(service, "A")).allocated == 3
    await shipped(service, "ord_1", StockLine(sku="A", quantity=1, warehouse_id="wh_near"))
    for order in ("ord_1", "ord_unknown"):
        with pytest.raises(ConflictError, match="could be changed"):
            await service.reallocate(order, [Wish("A", 1)], f"k {order}")
