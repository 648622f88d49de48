"""What happens to an order after it was placed."""

import asyncio

import pytest
from sqlalchemy import select

from kernel.calls import CallUnavailableError
from kernel.errors import ConflictError, NotFoundError
from kernel.events.catalogue import (
    OrderDelivered,
    OrderShipped,
    PaymentDisputed,
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
)
from kernel.events.envelope import Event
from kernel.identity import ANONYMOUS, Caller
from kernel.pagination import Page
from kernel.transitions import IllegalTransitionError
from subgraphs.orders.consumers import make_consumers
from subgraphs.orders.domain.errors import OrderNotCancellableError
from subgraphs.orders.domain.order import EntryKind
from subgraphs.orders.domain.status import OrderStatus
from subgraphs.orders.storage import orders as store
from subgraphs.orders.storage.tables import outbox

OTHER = Caller(id="usr_2", kind="customer")


async def tell(world, payload):
    """Hand an event to its consumer, as delivery does."""
    (consumer,) = make_consumers(world.service.orders)
    event = Event(
        id="evt_1", type=type(payload).__name__, source="/test", subject="", time=world.clock.now(), data=payload
    )
    async with world.database.transaction() as session:
        await consumer.subscriptions[event.type](event, session)


def shipped(order, *, complete=True):
    return OrderShipped(
        order_id=order.id,
        shipment_id="shp_1",
        carrier="sandbox",
        tracking_number="SBX1",
        lines=(),
        customer_id=order.customer_id,
        email=order.email,
        shipped_at="2026-06-01T12:00:00+00:00",
        complete=complete,
    )


def delivered(order, *, complete=True):
    return OrderDelivered(
        order_id=order.id,
        shipment_id="shp_1",
        customer_id=order.customer_id,
        email=order.email,
        delivered_at="2026-06-01T12:00:00+00:00",
        complete=complete,
    )


async def status(world, order):
    return (await world.service.orders.get(world.buyer, order.id)).status


async def timeline(world, order):
    async with world.database.session() as session:
        entries = (await store.timeline_of(session, [order.id]))[order.id]
    return [(entry.from_status, entry.to_status) for entry in entries]


async def told(world):
    """Name the events about orders, in their order."""
    of_orders = select(outbox.c.type).where(outbox.c.type.like("Order%")).order_by(outbox.c.position)
    async with world.database.session() as session:
        return list((await session.execute(of_orders)).scalars())


async def test_an_order_is_shipped_and_delivered_with_its_last_parcel(world, clock):
    order = await world.complete(await world.checkout())
    steps = [shipped(order, complete=False), shipped(order), delivered(order, complete=False), delivered(order)]
    seen = []
    for event in steps:
        clock.advance(seconds=1)
        await tell(world, event)
        seen.append(str(await status(world, order)))
    assert seen == ["FULFILMENT", "SHIPPED", "SHIPPED", "DELIVERED"]
    assert await timeline(world, order) == [
        (None, "PAYMENT"),
        ("PAYMENT", "CONFIRMED"),
        ("CONFIRMED", "FULFILMENT"),
        ("FULFILMENT", "SHIPPED"),
        (None, None),
        ("SHIPPED", "DELIVERED"),
    ]


async def test_what_may_not_follow_is_refused_with_what_may(world):
    order = await world.complete(await world.checkout())
    with pytest.raises(IllegalTransitionError) as caught:
        await tell(world, delivered(order))
    assert caught.value.legal == ("FULFILMENT", "SHIPPED", "CANCELLED")
    assert await status(world, order) == OrderStatus.CONFIRMED


async def test_a_late_payment_wakes_the_order_that_waits_for_it(world):
    checkout = await world.checkout()
    order = await world.complete(checkout, token="tok_pending")
    assert order.status == OrderStatus.PAYMENT
    world.till.pending.clear()
    assert await world.service.sagas.run_due() == 0
    facts = {"payment_id": "pay_1", "order_id": order.id, "amount_minor": 1, "currency": "EUR"}
    await tell(world, PaymentProcessed(**facts, provider_reference="ch_1"))
    assert await world.service.sagas.run_due() == 1
    assert await status(world, order) == OrderStatus.CONFIRMED


async def test_a_late_decline_cancels_the_order_that_waits_for_it(world):
    checkout = await world.checkout()
    order = await world.complete(checkout, token="tok_pending")
    (key,) = world.till.payments
    world.till.pending.clear()
    world.till.payments[key] = (*world.till.payments[key][:2], "DECLINED", "stolen_card")
    facts = {"payment_id": "pay_1", "order_id": order.id, "amount_minor": 1, "currency": "EUR"}
    await tell(world, PaymentFailed(**facts, decline_code="stolen_card"))
    await world.service.sagas.run_due()
    assert await status(world, order) == OrderStatus.CANCELLED
    assert world.depot.held == {}


async def test_cancelling_stops_parcels_and_gives_stock_and_money_back(world):
    order = await world.complete(await world.checkout())
    cancelled = await world.service.orders.cancel(world.buyer, order.id, "CHANGED_MY_MIND")
    assert cancelled.status == OrderStatus.CANCELLED
    assert world.faults.calls[-3:] == ["halt", "release_allocation", "refund_order"]
    assert (world.till.balance, world.depot.allocated) == (0, {})
    assert await told(world) == ["OrderPlaced", "OrderConfirmed", "OrderCancelled"]
    facts = {"payment_id": "pay_1", "order_id": order.id, "currency": "EUR", "refund_id": "ref_1"}
    await tell(world, PaymentRefunded(**facts, amount_minor=order.total.gross.minor))
    assert await status(world, order) == OrderStatus.REFUNDED


async def test_the_cart_of_an_order_that_failed_and_was_paid_back_can_be_bought_again(world):
    checkout = await world.checkout()
    world.faults.before["allocate"] = [ConflictError("gone", code="RESERVATION_EXPIRED")]
    with pytest.raises(ConflictError):
        await world.complete(checkout)
    async with world.database.session() as session:
        failed = (await store.page_of(session, Page())).items[0]
    facts = {"payment_id": "pay_1", "order_id": failed.id, "currency": "EUR", "refund_id": "ref_1"}
    await tell(world, PaymentRefunded(**facts, amount_minor=failed.total.gross.minor))
    assert await status(world, failed) == OrderStatus.REFUNDED
    assert (await world.complete(checkout, key="key-2")).status == OrderStatus.CONFIRMED


async def test_a_partial_refund_is_told_and_changes_no_state(world):
    order = await world.complete(await world.checkout())
    facts = {"payment_id": "pay_1", "order_id": order.id, "currency": "EUR", "refund_id": "ref_1"}
    await tell(world, PaymentRefunded(**facts, amount_minor=1))
    assert await status(world, order) == OrderStatus.CONFIRMED
    assert len(await timeline(world, order)) == 3


async def test_an_order_that_was_called_off_is_refunded_with_the_last_part(world):
    order = await world.complete(await world.checkout())
    facts = {"payment_id": "pay_1", "order_id": order.id, "currency": "EUR", "refund_id": "ref_1"}
    await tell(world, PaymentRefunded(**facts, amount_minor=1000))
    await world.service.orders.cancel(world.buyer, order.id, "x")
    assert await status(world, order) == OrderStatus.CANCELLED
    await tell(world, PaymentRefunded(**facts, amount_minor=order.total.gross.minor - 1000))
    assert await status(world, order) == OrderStatus.REFUNDED


async def test_cancelling_again_or_at_once_cancels_once(world):
    order = await world.complete(await world.checkout())
    cancel = world.service.orders.cancel
    await asyncio.gather(*(cancel(world.buyer, order.id, "x") for _ in range(5)))
    await cancel(world.buyer, order.id, "x")
    assert await told(world) == ["OrderPlaced", "OrderConfirmed", "OrderCancelled"]
    assert len(world.till.refunds) == 1


async def test_what_is_on_its_way_is_not_cancelled_and_may_be_tried_again(world):
    order = await world.complete(await world.checkout())
    world.parcels.on_the_way.add(order.id)
    for _ in range(2):
        with pytest.raises(OrderNotCancellableError):
            await world.service.orders.cancel(world.buyer, order.id, "x")
    assert await status(world, order) == OrderStatus.CONFIRMED
    assert world.till.refunds == {}


async def test_a_shipped_order_is_refused_with_what_may_follow(world):
    order = await world.complete(await world.checkout())
    await tell(world, shipped(order))
    with pytest.raises(OrderNotCancellableError, match="DELIVERED"):
        await world.service.orders.cancel(world.buyer, order.id, "x")


async def test_an_order_whose_payment_is_open_cannot_be_cancelled_yet(world):
    order = await world.complete(await world.checkout(), token="tok_pending")
    with pytest.raises(OrderNotCancellableError) as caught:
        await world.service.orders.cancel(world.buyer, order.id, "x")
    assert caught.value.code == "PAYMENT_PENDING"


async def test_a_cancellation_that_was_interrupted_is_finished(world, clock):
    order = await world.complete(await world.checkout())
    world.faults.before["refund_order"] = [CallUnavailableError("payments")]
    cancelled = await world.service.orders.cancel(world.buyer, order.id, "x")
    assert cancelled.status == OrderStatus.CANCELLED
    assert world.till.balance > 0
    clock.advance(seconds=5)
    await world.service.sagas.run_due()
    assert world.till.balance == 0


async def test_a_cancellation_that_cannot_be_sent_is_told_at_once(world):
    order = await world.complete(await world.checkout())
    world.faults.before["halt"] = [CallUnavailableError("shipping")]
    with pytest.raises(ConflictError) as caught:
        await world.service.orders.cancel(world.buyer, order.id, "x")
    assert caught.value.code == "SERVICE_UNAVAILABLE"
    assert await status(world, order) == OrderStatus.CONFIRMED


@pytest.mark.parametrize("caller", [ANONYMOUS, OTHER])
async def test_nobody_else_sees_or_cancels_an_order(world, caller):
    order = await world.complete(await world.checkout())
    assert await world.service.orders.get(caller, order.id) is None
    with pytest.raises(NotFoundError):
        await world.service.orders.cancel(caller, order.id, "x")
    assert await status(world, order) == OrderStatus.CONFIRMED


async def test_a_dispute_is_told_and_changes_no_state(world):
    order = await world.complete(await world.checkout())
    for status in ("OPEN", "LOST"):
        event = PaymentDisputed(
            payment_id="pay_1",
            order_id=order.id,
            amount_minor=4988,
            currency="EUR",
            chargeback_id="cb_1",
            status=status,
        )
        await tell(world, event)
    async with world.database.session() as session:
        told = (await store.timeline_of(session, [order.id]))[order.id]
    assert [entry.message for entry in told if entry.kind == EntryKind.PAYMENT_DISPUTED] == [
        "The buyer's bank took 49.88 EUR back.",
        "The bank has decided for the buyer; 49.88 EUR is theirs.",
    ]
    assert (await world.service.orders.get(world.buyer, order.id)).status == OrderStatus.CONFIRMED
