"""Orders that are changed before they leave: their parcels are held, then packed anew or sent as they were."""

from collections import Counter
from dataclasses import fields

import pytest

from kernel.events.catalogue import AllocationMoved, OrderEdited, StockLine
from subgraphs.shipping.domain.shipment import ShipmentHandedOverError, ShipmentHeldError, ShipmentStatus
from subgraphs.shipping.storage import shipments as store

LIVE = {ShipmentStatus.PENDING, ShipmentStatus.LABELLED, ShipmentStatus.IN_TRANSIT, ShipmentStatus.DELIVERED}


async def live(database, order_id="ord_1"):
    async with database.session() as session:
        found = (await store.of_orders(session, [order_id])).get(order_id, [])
    return [one for one in found if one.status in LIVE]


async def contents(database):
    return {one.warehouse_id: [(line.sku, line.quantity) for line in one.lines] for one in await live(database)}


async def drive(service, clock, seconds=0):
    clock.advance(seconds=seconds)
    while await service.shipments.drive_due():
        clock.advance(seconds=0.5)


def edited(confirmed, *stock):
    facts = {each.name: getattr(confirmed, each.name) for each in fields(confirmed) if each.name != "confirmed_at"}
    return OrderEdited(**{**facts, "stock": tuple(stock)}, edited_at="2026-06-01T12:05:00+00:00")


async def pack(database, service, event):
    async with database.transaction() as session:
        await service.changing.pack_anew(session, event, "sandbox")


async def test_nothing_of_a_held_order_leaves_until_it_is_resumed(database, service, plan, confirmed, clock):
    await plan(confirmed())
    await drive(service, clock)
    for _ in range(2):
        await service.changing.hold("ord_1")
    await drive(service, clock, seconds=60)
    (parcel,) = await live(database)
    assert (parcel.status, parcel.tracking_number) == (ShipmentStatus.PENDING, "")
    with pytest.raises(ShipmentHeldError):
        await service.shipments.ship(parcel.id)
    await service.changing.resume("ord_1")
    await drive(service, clock)
    await drive(service, clock, seconds=60)
    assert [one.status for one in await live(database)] == [ShipmentStatus.DELIVERED]


async def test_a_confirmation_that_comes_while_the_order_is_held_waits_too(database, service, plan, confirmed, clock):
    await service.changing.hold("ord_1")
    await plan(confirmed())
    assert await service.shipments.drive_due() == 0
    await service.changing.resume("ord_1")
    assert await service.shipments.drive_due() == 1


async def test_a_changed_order_goes_in_the_parcels_that_it_needs_now(database, service, plan, confirmed, clock):
    order = confirmed(warehouses=("wh_a", "wh_b"))
    await plan(order)
    await service.changing.hold("ord_1")
    stock = [
        StockLine(sku="SKU-1", quantity=1, warehouse_id="wh_a"),
        StockLine(sku="SKU-9", quantity=3, warehouse_id="wh_c"),
    ]
    await pack(database, service, edited(order, *stock))
    assert await contents(database) == {"wh_a": [("SKU-1", 1)], "wh_c": [("SKU-9", 3)]}
    await drive(service, clock)
    await drive(service, clock, seconds=60)
    assert {one.status for one in await live(database)} == {ShipmentStatus.DELIVERED}


async def test_a_warehouse_may_pack_again_what_was_taken_from_it(database, service, plan, confirmed):
    order = confirmed(warehouses=("wh_a", "wh_b"))
    await plan(order)
    only_a, both = edited(order, *order.stock[:1]), edited(order, *order.stock)
    for event in (only_a, both, only_a, both):
        await service.changing.hold("ord_1")
        await pack(database, service, event)
    assert sorted(await contents(database)) == ["wh_a", "wh_b"]


def line(sku, quantity, warehouse):
    return StockLine(sku=sku, quantity=quantity, warehouse_id=warehouse)


async def move_allocation(database, service, source, *lines):
    event = AllocationMoved(order_id="ord_1", warehouse_id=source, lines=lines, reason="flooded")
    async with database.transaction() as session:
        await service.shipments.replan(session, event)


async def packed_pieces(database):
    """How many pieces of each SKU are packed in all."""
    pieces = Counter()
    for lines in (await contents(database)).values():
        for sku, quantity in lines:
            pieces[sku] += quantity
    return pieces


async def test_what_an_edit_took_out_is_not_packed_because_it_was_moved_before(database, service, plan, confirmed):
    """Stock moved it, the buyer then took it out; the edit is heard of first."""
    order = confirmed(warehouses=("wh_a",))
    await plan(order)
    await service.changing.hold("ord_1")
    await pack(database, service, edited(order, line("SKU-9", 1, "wh_a")))
    await move_allocation(database, service, "wh_a", line("SKU-1", 2, "wh_b"))
    assert await contents(database) == {"wh_a": [("SKU-9", 1)]}


@pytest.mark.parametrize("edit_is_heard_first", [True, False])
@pytest.mark.parametrize("moved", [1, 2, 3])
async def test_a_move_that_crosses_an_edit_packs_nothing_twice(
    database, service, plan, confirmed, moved, edit_is_heard_first
):
    """The edit knew of the move, or not: of each SKU as much is packed as the order has now."""
    order = confirmed(warehouses=("wh_a", "wh_b"))
    await plan(order)
    for stock in ([line("SKU-1", 1, "wh_a")], [line("SKU-1", 3, "wh_a"), line("SKU-2", 1, "wh_b")]):
        steps = [
            pack(database, service, edited(order, *stock)),
            move_allocation(database, service, "wh_a", line("SKU-1", moved, "wh_c")),
        ]
        await service.changing.hold("ord_1")
        for step in steps if edit_is_heard_first else reversed(steps):
            await step
        assert await packed_pieces(database) == Counter({each.sku: each.quantity for each in stock})


async def test_what_has_left_is_not_held(database, service, plan, confirmed, clock):
    await plan(confirmed(warehouses=("wh_a", "wh_b")))
    await drive(service, clock)
    await service.shipments.ship((await live(database))[0].id)
    with pytest.raises(ShipmentHandedOverError):
        await service.changing.hold("ord_1")
    await drive(service, clock, seconds=60)
    assert {one.status for one in await live(database)} == {ShipmentStatus.DELIVERED}


async def test_a_cancelled_order_is_not_packed_anew(database, service, plan, confirmed):
    order = confirmed()
    await plan(order)
    await service.changing.hold("ord_1")
    await service.shipments.halt("ord_1")
    await pack(database, service, edited(order, *order.stock))
    assert await live(database) == []
