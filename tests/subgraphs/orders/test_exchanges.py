"""Exchanges: other goods for those that come back, the difference settled, both halves or none."""

from dataclasses import fields

import pytest

from kernel.errors import ConflictError, InvalidInputError
from kernel.events.catalogue import OrderDelivered, OrderShipped
from kernel.identity import Caller
from kernel.money import Money
from subgraphs.orders.domain.errors import (
    IdempotencyKeyReusedError,
    InsufficientStockError,
    OrderNotCancellableError,
    OrderNotReturnableError,
    PaymentDeclinedError,
    PriceChangedError,
)
from subgraphs.orders.domain.exchanges import Wish
from subgraphs.orders.domain.returns import ItemState, ReturnLine, ReturnStatus
from subgraphs.orders.domain.status import OrderStatus
from subgraphs.orders.service.settlement import Settlement
from subgraphs.orders.storage import orders as order_store
from subgraphs.orders.storage import returns as return_store

STAFF = Caller(id="usr_staff", kind="staff")


async def deliver(world, order):
    shared = {"order_id": order.id, "shipment_id": "shp_1", "customer_id": None, "email": "", "complete": True}
    for kind, tell in ((OrderShipped, world.service.orders.shipped), (OrderDelivered, world.service.orders.delivered)):
        names = [each.name for each in fields(kind)]
        event = kind(**{name: shared.get(name, () if name == "lines" else "x") for name in names})
        async with world.database.transaction() as session:
            await tell(session, event)


@pytest.fixture
async def order(world):
    """Two of SKU-A at 19.99 and one of SKU-B at 5.00, delivered."""
    order = await world.complete(await world.checkout())
    await deliver(world, order)
    return order


async def wish(world, order, instead, back=1):
    async with world.database.session() as session:
        lines = (await order_store.lines_of(session, [order.id]))[order.id]
    return Wish(back=(ReturnLine(line_id=lines[0].id, quantity=back),), instead=instead, reason="too small")


async def swap(world, order, instead, minor, *, token="tok_approve", key="swap-1"):  # no secret
    settlement = Settlement(difference=Money(minor, "EUR"), payment_token=token, key=key)
    return await world.service.exchanges.confirm(STAFF, order.id, await wish(world, order, instead), settlement)


async def receive(world, returned, state=ItemState.SELLABLE):
    states = {line.line_id: state for line in returned.lines}
    return await world.service.returns.receive(STAFF, returned.id, states)


async def test_dearer_goods_are_paid_for_sent_and_the_others_come_back_without_money(world, order):
    preview = await world.service.exchanges.preview(order.id, await wish(world, order, (("SKU-B", 6),)))
    assert (preview.difference, preview.returned.credit) == (Money(3000 - 1999, "EUR"), Money(1999, "EUR"))
    made = await swap(world, order, (("SKU-B", 6),), 1001)
    assert (made.replacement.status, made.replacement.total.gross) == (OrderStatus.CONFIRMED, Money(3000, "EUR"))
    assert (made.replacement.replaces, made.returned.replacement_id) == (order.id, made.replacement.id)
    assert made.returned.status == ReturnStatus.APPROVED
    assert made.returned.label_url
    assert (world.depot.allocated[made.replacement.id], world.till.balance) == ({"SKU-B": 6}, 4988 + 1001)
    done = await receive(world, made.returned)
    assert (done.status, done.refund) == (ReturnStatus.REFUNDED, Money(0, "EUR"))
    assert (world.depot.returned, world.till.balance) == ([("SKU-A", 1, True)], 4988 + 1001)


async def test_what_is_worth_more_is_given_back_when_it_is_there(world, order):
    made = await swap(world, order, (("SKU-B", 1),), 500 - 1999, token="")
    assert world.till.balance == 4988
    done = await receive(world, made.returned)
    assert (done.refund, world.till.balance) == (Money(1499, "EUR"), 4988 - 1499)


async def test_what_never_comes_gives_nothing_back(world, order):
    made = await swap(world, order, (("SKU-B", 1),), 500 - 1999, token="")
    assert (await receive(world, made.returned, ItemState.MISSING)).refund == Money(0, "EUR")
    assert world.till.balance == 4988


async def test_the_same_key_exchanges_once(world, order):
    first = await swap(world, order, (("SKU-B", 6),), 1001)
    again = await world.service.exchanges.confirm(
        STAFF,
        order.id,
        await wish(world, order, (("SKU-B", 6),)),
        Settlement(difference=Money(1001, "EUR"), payment_token="tok_approve", key="swap-1"),
    )
    assert (again.replacement.id, world.till.balance) == (first.replacement.id, 4988 + 1001)
    with pytest.raises(IdempotencyKeyReusedError):
        await swap(world, order, (("SKU-B", 7),), 1501)


@pytest.mark.parametrize(
    ("token", "pieces", "error"),
    [("tok_decline_stolen_card", 6, PaymentDeclinedError), ("tok_approve", 11, InsufficientStockError)],
)
async def test_a_refused_exchange_is_none(world, order, token, pieces, error):
    with pytest.raises(error):
        await swap(world, order, (("SKU-B", pieces),), 500 * pieces - 1999, token=token)
    assert (world.till.balance, world.depot.left("SKU-B")) == (4988, 9)
    async with world.database.session() as session:
        (returned,) = (await return_store.of_orders(session, [order.id]))[order.id]
        replacement = await order_store.by_id(session, returned.replacement_id)
    assert (returned.status, replacement.status) == (ReturnStatus.CANCELLED, OrderStatus.CANCELLED)
    assert (await swap(world, order, (("SKU-B", 6),), 1001, key="swap-2")).returned.status == ReturnStatus.APPROVED


async def test_neither_half_is_called_off_alone(world, order):
    made = await swap(world, order, (("SKU-B", 6),), 1001)
    with pytest.raises(OrderNotCancellableError, match="exchange"):
        await world.service.orders.cancel(world.buyer, made.replacement.id, "no")
    with pytest.raises(ConflictError, match="exchange"):
        await world.service.returns.cancel(world.buyer, made.returned.id)


async def test_what_was_exchanged_for_can_come_back_too_and_is_paid_by_both(world, order):
    made = await swap(world, order, (("SKU-B", 6),), 1001)
    await deliver(world, made.replacement)
    async with world.database.session() as session:
        (line,) = (await order_store.lines_of(session, [made.replacement.id]))[made.replacement.id]
        saga_orders = await order_store.exchanged_for(session, made.replacement)
    wanted = [ReturnLine(line_id=line.id, quantity=6)]
    back = await world.service.returns.request(world.buyer, made.replacement.id, wanted, "no")
    await world.service.returns.approve(STAFF, back.id)
    assert (await receive(world, back)).refund == Money(3000, "EUR")
    assert saga_orders == [made.replacement.id, order.id]


async def test_only_what_was_agreed_to_and_can_be_sent_back_is_exchanged(world, order):
    with pytest.raises(PriceChangedError):
        await swap(world, order, (("SKU-B", 6),), 1)
    with pytest.raises(InvalidInputError):
        await world.service.exchanges.preview(order.id, await wish(world, order, (("SKU-B", 1),), back=3))
    unsent = await world.complete(await world.checkout(), key="key-2")
    with pytest.raises(OrderNotReturnableError):
        await swap(world, unsent, (("SKU-B", 6),), 1001)
