"""After the sale: goods come back item by item, and money goes back to the last minor unit, once."""

import asyncio
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.calls import CallTimeoutError
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.events.catalogue import OrderDelivered, OrderShipped
from kernel.identity import Caller
from kernel.money import Money
from kernel.transitions import IllegalTransitionError
from subgraphs.orders.domain.errors import IdempotencyKeyReusedError, OrderBusyError, OrderNotReturnableError
from subgraphs.orders.domain.order import EntryKind, OrderLine
from subgraphs.orders.domain.returns import ItemState, Return, ReturnLine, ReturnStatus, returnable, worth
from subgraphs.orders.domain.status import OrderStatus
from subgraphs.orders.domain.tax import Taxed
from subgraphs.orders.storage import orders as order_store

STAFF = Caller(id="usr_staff", kind="staff")
OTHER = Caller(id="usr_2", kind="customer", email="b@example.com")


async def lines_of(world, order):
    async with world.database.session() as session:
        return (await order_store.lines_of(session, [order.id]))[order.id]


async def deliver(world, order):
    shared = {"order_id": order.id, "shipment_id": "shp_1", "customer_id": None, "email": "", "complete": True}
    async with world.database.transaction() as session:
        await world.service.orders.shipped(session, _fitting(OrderShipped, shared))
    async with world.database.transaction() as session:
        await world.service.orders.delivered(session, _fitting(OrderDelivered, shared))


def _fitting(kind, given):
    """Make an event, with something in each field that this does not care for."""
    names = [each.name for each in fields(kind)]
    return kind(**{name: given.get(name, () if name == "lines" else "x") for name in names})


@pytest.fixture
async def order(world):
    """Two of SKU-A at 19.99 and one of SKU-B at 5.00, delivered."""
    order = await world.complete(await world.checkout())
    await deliver(world, order)
    return order


async def wish(world, order, *quantities):
    lines = await lines_of(world, order)
    wanted = [ReturnLine(line_id=line.id, quantity=q) for line, q in zip(lines, quantities, strict=False) if q]
    return await world.service.returns.request(world.buyer, order.id, wanted, "too small")


async def take_in(world, returned, state=ItemState.SELLABLE):
    await world.service.returns.approve(STAFF, returned.id)
    states = {line.line_id: state for line in returned.lines}
    return await world.service.returns.receive(STAFF, returned.id, states)


async def test_a_return_from_the_wish_to_the_money(world, order):
    returned = await wish(world, order, 1)
    approved = await world.service.returns.approve(STAFF, returned.id)
    assert approved.tracking_number.startswith("TRACK-")
    done = await world.service.returns.receive(STAFF, returned.id, {returned.lines[0].line_id: ItemState.SELLABLE})
    assert (done.status, done.refund) == (ReturnStatus.REFUNDED, Money(1999, "EUR"))
    assert world.depot.returned == [("SKU-A", 1, True)]
    assert sum(world.till.refunds.values()) == 1999
    assert (await world.service.orders.get(world.buyer, order.id)).status == OrderStatus.DELIVERED
    async with world.database.session() as session:
        told = (await order_store.timeline_of(session, [order.id]))[order.id]
    assert [entry.kind for entry in told][-4:] == [EntryKind.RETURN_CHANGED] * 3 + [EntryKind.RETURNED]


async def test_with_the_last_piece_the_order_is_returned(world, order):
    await take_in(world, await wish(world, order, 1, 1))
    await take_in(world, await wish(world, order, 1))
    assert (await world.service.orders.get(world.buyer, order.id)).status == OrderStatus.RETURNED
    assert sum(world.till.refunds.values()) == order.subtotal.gross.minor


@pytest.mark.parametrize(
    ("state", "returned", "refund"),
    [
        (ItemState.SELLABLE, [("SKU-A", 2, True)], 3998),
        (ItemState.DAMAGED, [("SKU-A", 2, False)], 3998),
        (ItemState.MISSING, [], 0),
    ],
)
async def test_the_state_of_an_item_says_where_it_goes_and_what_is_refunded(world, order, state, returned, refund):
    done = await take_in(world, await wish(world, order, 2), state)
    assert (done.status, done.lines[0].state) == (ReturnStatus.REFUNDED, state)
    assert (world.depot.returned, sum(world.till.refunds.values())) == (returned, refund)


async def test_what_was_missing_can_be_sent_again(world, order):
    await take_in(world, await wish(world, order, 2), ItemState.MISSING)
    done = await take_in(world, await wish(world, order, 2))
    assert done.refund == Money(3998, "EUR")


@pytest.mark.parametrize("quantities", [(0, 0), (3,), (-1,), (1, 2)])
async def test_more_than_was_bought_or_nothing_is_refused(world, order, quantities):
    with pytest.raises(InvalidInputError):
        await wish(world, order, *quantities)


async def test_what_is_on_its_way_back_is_not_sent_twice(world, order):
    outcomes = await asyncio.gather(*(wish(world, order, 2) for _ in range(4)), return_exceptions=True)
    assert [type(each) for each in outcomes].count(Return) == 1


async def test_a_wish_that_was_refused_or_taken_back_counts_for_nothing(world, order):
    refused = await world.service.returns.refuse(STAFF, (await wish(world, order, 2)).id, "worn")
    assert (refused.status, refused.answer) == (ReturnStatus.REFUSED, "worn")
    cancelled = await world.service.returns.cancel(world.buyer, (await wish(world, order, 2)).id)
    assert cancelled.status == ReturnStatus.CANCELLED
    with pytest.raises(IllegalTransitionError, match="that state is final"):
        await world.service.returns.approve(STAFF, cancelled.id)
    assert (await wish(world, order, 2)).status == ReturnStatus.REQUESTED


async def test_what_has_not_left_is_cancelled_and_not_returned(world):
    order = await world.complete(await world.checkout())
    with pytest.raises(OrderNotReturnableError):
        await wish(world, order, 1)


async def test_nobody_else_sends_anything_back(world, order):
    returned = await wish(world, order, 1)
    with pytest.raises(NotFoundError):
        await world.service.returns.request(OTHER, order.id, [], "")
    with pytest.raises(NotFoundError):
        await world.service.returns.cancel(OTHER, returned.id)


async def test_every_line_of_a_return_has_a_state(world, order):
    returned = await wish(world, order, 1, 1)
    await world.service.returns.approve(STAFF, returned.id)
    with pytest.raises(InvalidInputError, match="Say of each line"):
        await world.service.returns.receive(STAFF, returned.id, {returned.lines[0].line_id: ItemState.SELLABLE})


async def test_goods_are_taken_in_once(world, order):
    returned = await wish(world, order, 2)
    await world.service.returns.approve(STAFF, returned.id)
    states = {returned.lines[0].line_id: ItemState.SELLABLE}
    receipts = (world.service.returns.receive(STAFF, returned.id, states) for _ in range(4))
    outcomes = await asyncio.gather(*receipts, return_exceptions=True)
    assert [type(each) for each in outcomes].count(Return) == 1
    assert (world.depot.returned, sum(world.till.refunds.values())) == ([("SKU-A", 2, True)], 3998)


@pytest.mark.parametrize("call", ["take_back", "refund_amount"])
async def test_a_lost_answer_is_asked_again_and_nothing_is_done_twice(world, order, clock, call):
    world.faults.after[call] = [CallTimeoutError("elsewhere", 5)]
    waiting = await take_in(world, await wish(world, order, 1))
    assert waiting.status == ReturnStatus.RECEIVED
    with pytest.raises(OrderBusyError):
        await world.service.returns.refund(STAFF, order.id, Money(100, "EUR"), "sorry", "key-9")
    clock.advance(seconds=5)
    await world.service.sagas.run_due()
    assert (world.depot.returned, sum(world.till.refunds.values())) == ([("SKU-A", 1, True)], 1999)


async def test_a_part_is_refunded_once_for_each_key(world, order):
    refund = world.service.returns.refund
    for _ in range(2):
        await refund(STAFF, order.id, Money(500, "EUR"), "a scratch", "key-7")
    assert list(world.till.refunds.values()) == [500]
    with pytest.raises(IdempotencyKeyReusedError):
        await refund(STAFF, order.id, Money(600, "EUR"), "a scratch", "key-7")


@pytest.mark.parametrize("amount", [Money(0, "EUR"), Money(-5, "EUR"), Money(4989, "EUR"), Money(5, "USD")])
async def test_what_was_not_paid_is_not_refunded(world, order, amount):
    with pytest.raises((InvalidInputError, ConflictError)):
        await world.service.returns.refund(STAFF, order.id, amount, "", "key-7")
    assert world.till.refunds == {}


@given(
    st.integers(0, 10**7),
    st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(1, n), min_size=1))),
    st.sampled_from(["JPY", "EUR", "KWD"]),
)
def test_a_line_that_comes_back_piece_by_piece_gives_back_what_was_paid_for_it(minor, bought, currency):
    quantity, portions = bought
    total = Taxed(Money(minor, currency), Money(0, currency))
    line = OrderLine(
        id="line_1",
        order_id="ord_1",
        position=0,
        sku="S",
        variant_id="v",
        product_id="p",
        name="n",
        quantity=quantity,
        unit_price=Money(minor, currency),
        total=total,
        discount=Money(0, currency),
    )
    given_back, returns = Money(0, currency), []
    for number, portion in enumerate(portions):
        portion = min(portion, returnable([line], returns)["line_1"])  # noqa: PLW2901 # what is left of it
        if not portion:
            break
        sent = Return(
            id=f"ret_{number}",
            order_id="ord_1",
            status=ReturnStatus.REFUNDED,
            reason="",
            lines=(ReturnLine(line_id="line_1", quantity=portion, state=ItemState.SELLABLE),),
            refund=Money(0, currency),
            created_at=None,
        )
        given_back += worth([line], returns, sent)
        returns.append(sent)
    assert given_back <= total.gross
    if not returnable([line], returns)["line_1"]:
        assert given_back == total.gross
