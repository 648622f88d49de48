"""Shipments are made once, driven by the carrier's clock, and stopped while they can be."""

import asyncio

import pytest
from sqlalchemy import func, select

from kernel.errors import InfrastructureError, NotFoundError
from kernel.events.catalogue import AllocationMoved, StockLine
from kernel.transitions import IllegalTransitionError
from subgraphs.shipping.domain.shipment import ShipmentHandedOverError, ShipmentStatus
from subgraphs.shipping.sandbox import SandboxCarrier
from subgraphs.shipping.service import make_service
from subgraphs.shipping.storage import shipments as store
from subgraphs.shipping.storage.tables import outbox, sandbox_parcels, shipment_events


async def of_order(database, order_id="ord_1"):
    async with database.session() as session:
        return (await store.of_orders(session, [order_id])).get(order_id, [])


async def statuses(database, order_id="ord_1"):
    return [str(shipment.status) for shipment in await of_order(database, order_id)]


async def told(database):
    statement = select(outbox.c.event).order_by(outbox.c.position)
    async with database.session() as session:
        return [(row["type"], row["data"]["complete"]) for (row,) in (await session.execute(statement)).all()]


async def drive(service, clock, seconds=0):
    clock.advance(seconds=seconds)
    while await service.shipments.drive_due():
        clock.advance(seconds=0.5)


async def test_an_order_becomes_one_shipment_per_warehouse(database, plan, confirmed):
    await plan(confirmed(warehouses=("wh_a", "wh_b", "wh_a")))
    shipments = await of_order(database)
    assert [(one.warehouse_id, len(one.lines)) for one in shipments] == [("wh_a", 2), ("wh_b", 1)]


async def test_a_second_confirmation_changes_nothing(database, plan, confirmed):
    await plan(confirmed())
    first = await of_order(database)
    await plan(confirmed())
    assert await of_order(database) == first
    async with database.session() as session:
        assert (await session.execute(select(func.count()).select_from(shipment_events))).scalar_one() == 1


async def test_the_carrier_brings_it_to_the_buyer(database, service, plan, confirmed, clock):
    await plan(confirmed())
    await drive(service, clock)
    assert await statuses(database) == ["LABELLED"]
    assert (await of_order(database))[0].tracking_number.startswith("SBX")
    await drive(service, clock, seconds=1)
    assert await statuses(database) == ["IN_TRANSIT"]
    await drive(service, clock, seconds=5)
    assert await statuses(database) == ["DELIVERED"]
    assert await told(database) == [("OrderShipped", True), ("OrderDelivered", True)]
    clock.advance(seconds=100)
    assert await service.shipments.drive_due() == 0


async def test_only_the_last_parcel_completes_the_order(database, service, plan, confirmed, clock):
    await plan(confirmed(warehouses=("wh_a", "wh_b")))
    await drive(service, clock)
    first, second = await of_order(database)
    await service.shipments.ship(first.id)
    assert await told(database) == [("OrderShipped", False)]
    await service.shipments.ship(second.id)
    assert await told(database) == [("OrderShipped", False), ("OrderShipped", True)]


async def test_two_last_parcels_at_once_are_completed_by_one(database, service, plan, confirmed, clock):
    await plan(confirmed(warehouses=("wh_a", "wh_b", "wh_c")))
    await drive(service, clock)
    await asyncio.gather(*(service.shipments.ship(one.id) for one in await of_order(database)))
    assert sorted(complete for _, complete in await told(database)) == [False, False, True]


async def test_two_drivers_at_once_move_it_once(database, service, plan, confirmed, clock):
    await plan(confirmed())
    await asyncio.gather(*(service.shipments.drive_due() for _ in range(4)))
    clock.advance(seconds=2)
    moved = await asyncio.gather(*(service.shipments.drive_due() for _ in range(4)))
    assert sum(moved) == 1
    assert await told(database) == [("OrderShipped", True)]


async def test_a_process_that_dies_after_booking_books_no_second_parcel(database, plan, confirmed, clock, service):
    class DyingCarrier(SandboxCarrier):
        async def book(self, shipment):
            await super().book(shipment)
            raise InfrastructureError("the process died here")

    carrier = DyingCarrier(database, clock, transit_after=1, delivered_after=5)
    await plan(confirmed())
    assert await make_service(database, carrier, clock).shipments.drive_due() == 0
    assert await statuses(database) == ["PENDING"]
    clock.advance(seconds=11)
    assert await service.shipments.drive_due() == 1
    async with database.session() as session:
        assert (await session.execute(select(func.count()).select_from(sandbox_parcels))).scalar_one() == 1


async def test_an_order_is_halted_before_it_leaves(database, service, plan, confirmed, clock):
    await plan(confirmed(warehouses=("wh_a", "wh_b")))
    await drive(service, clock)
    await service.shipments.halt("ord_1")
    await service.shipments.halt("ord_1")
    assert await statuses(database) == ["CANCELLED", "CANCELLED"]
    await drive(service, clock, seconds=100)
    assert await told(database) == []


async def test_a_halt_that_comes_before_the_confirmation_still_holds(database, service, plan, confirmed):
    await service.shipments.halt("ord_1")
    await plan(confirmed())
    assert await of_order(database) == []


async def test_what_has_left_cannot_be_halted_and_nothing_is_stopped(database, service, plan, confirmed, clock):
    await plan(confirmed(warehouses=("wh_a", "wh_b")))
    await drive(service, clock)
    first, _ = await of_order(database)
    await service.shipments.ship(first.id)
    with pytest.raises(ShipmentHandedOverError):
        await service.shipments.halt("ord_1")
    assert await statuses(database) == ["IN_TRANSIT", "LABELLED"]


@pytest.mark.parametrize("rounds", range(5))
async def test_halting_and_shipping_at_once_leaves_one_winner(database, service, plan, confirmed, clock, rounds):
    await plan(confirmed(order_id=f"ord_{rounds}"))
    await drive(service, clock)
    shipment = (await of_order(database, f"ord_{rounds}"))[0]
    outcomes = await asyncio.gather(
        service.shipments.halt(shipment.order_id), service.shipments.ship(shipment.id), return_exceptions=True
    )
    halted = outcomes[0] is None
    assert await statuses(database, shipment.order_id) == ["CANCELLED" if halted else "IN_TRANSIT"]
    assert len(await told(database)) == (0 if halted else 1)


async def test_shipping_twice_is_refused_with_what_may_follow(service, plan, confirmed, database):
    await plan(confirmed())
    shipment = (await of_order(database))[0]
    assert (await service.shipments.ship(shipment.id)).status == ShipmentStatus.IN_TRANSIT
    with pytest.raises(IllegalTransitionError, match="DELIVERED"):
        await service.shipments.ship(shipment.id)


async def test_an_unknown_shipment_is_not_found(service):
    with pytest.raises(NotFoundError):
        await service.shipments.ship("shp_none")


def lines_of(shipments):
    return {
        each.warehouse_id: sum(line.quantity for line in each.lines) for each in shipments if each.status != "CANCELLED"
    }


@pytest.fixture
def move(database, service):
    """Have stock move lines of the order to other warehouses."""

    async def move(source, **targets):
        lines = tuple(StockLine(sku="SKU-1", quantity=many, warehouse_id=there) for there, many in targets.items())
        event = AllocationMoved(order_id="ord_1", warehouse_id=source, lines=lines, reason="flooded")
        async with database.transaction() as session:
            await service.shipments.replan(session, event)
            return await store.of_order_locked(session, "ord_1")

    return move


async def test_lines_that_come_from_elsewhere_are_packed_there(plan, confirmed, move):
    await plan(confirmed(warehouses=("wh_a", "wh_b")))
    assert lines_of(await move("wh_a", wh_c=1)) == {"wh_a": 1, "wh_b": 2, "wh_c": 1}
    assert lines_of(await move("wh_a", wh_b=1)) == {"wh_b": 3, "wh_c": 1}
    assert lines_of(await move("wh_none", wh_b=1)) == {"wh_b": 3, "wh_c": 1}


async def test_a_labelled_parcel_stays_as_it_is(service, plan, confirmed, move):
    await plan(confirmed())
    await service.shipments.drive_due()
    assert lines_of(await move("wh_a", wh_b=2)) == {"wh_a": 2}
