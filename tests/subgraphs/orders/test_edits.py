"""Orders that are changed before they leave: previewed, then done whole or not at all, to the last minor unit."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from kernel.calls import CallTimeoutError
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.events.catalogue import PostalAddress
from kernel.identity import Caller
from kernel.money import Money
from kernel.pagination import Page
from subgraphs.orders.domain.changes import change
from subgraphs.orders.domain.errors import (
    IdempotencyKeyReusedError,
    InsufficientStockError,
    OrderBusyError,
    OrderNotEditableError,
    PaymentDeclinedError,
    PriceChangedError,
    QuantityError,
    VariantUnavailableError,
)
from subgraphs.orders.domain.order import EntryKind, Order, OrderLine
from subgraphs.orders.domain.status import OrderStatus
from subgraphs.orders.domain.tax import Place, Taxed, tax_of
from subgraphs.orders.domain.tax_table import STANDARD_TABLE, RateTable, read_table
from subgraphs.orders.service.settlement import Settlement
from subgraphs.orders.storage import orders as order_store
from subgraphs.orders.storage.tables import outbox

STAFF = Caller(id="usr_staff", kind="staff")
OTHER = Caller(id="usr_2", kind="customer", email="b@example.com")
TAXES = RateTable(read_table(STANDARD_TABLE))


@pytest.fixture
async def order(world):
    """Two of SKU-A at 19.99 and one of SKU-B at 5.00, sent for 4.90: 49.88."""
    return await world.complete(await world.checkout())


async def edit(world, order, wanted, minor, *, token="tok_approve", key="edit-1", caller=None):  # no secret
    settlement = Settlement(difference=Money(minor, "EUR"), payment_token=token, key=key)
    return await world.service.edits.confirm(caller or world.buyer, order.id, wanted, settlement)


async def lines_of(world, order):
    async with world.database.session() as session:
        found = (await order_store.lines_of(session, [order.id]))[order.id]
    return [(line.sku, line.quantity, line.total.gross.minor) for line in found]


async def told(world, kind):
    async with world.database.session() as session:
        events = (await session.execute(select(outbox.c.event).order_by(outbox.c.position))).scalars()
        return [event["data"] for event in events if event["type"] == kind]


async def test_a_preview_tells_what_is_due_and_changes_nothing(world, order):
    preview = await world.service.edits.preview(world.buyer, order.id, {"SKU-A": 1, "SKU-C": 2})
    assert preview.difference == Money(2 * 333 - 1999, "EUR")
    assert preview.order.total.gross == order.total.gross + preview.difference
    assert preview.quantities == {"SKU-A": 1, "SKU-B": 1, "SKU-C": 2}
    assert await lines_of(world, order) == [("SKU-A", 2, 3998), ("SKU-B", 1, 500)]


@pytest.mark.parametrize(
    ("wanted", "difference", "lines", "stock"),
    [
        ({"SKU-A": 3}, 1999, [("SKU-A", 3, 5997), ("SKU-B", 1, 500)], {"SKU-A": 3, "SKU-B": 1}),
        ({"SKU-A": 1}, -1999, [("SKU-A", 1, 1999), ("SKU-B", 1, 500)], {"SKU-A": 1, "SKU-B": 1}),
        ({"SKU-B": 0, "SKU-C": 1}, -167, [("SKU-A", 2, 3998), ("SKU-C", 1, 333)], {"SKU-A": 2, "SKU-C": 1}),
        ({"SKU-B": 0, "SKU-C": 3}, 499, [("SKU-A", 2, 3998), ("SKU-C", 3, 999)], {"SKU-A": 2, "SKU-C": 3}),
    ],
)
async def test_an_order_is_changed_with_its_money_and_its_stock(world, order, wanted, difference, lines, stock):
    edited = await edit(world, order, wanted, difference)
    assert edited.applied
    assert (edited.order.total.gross.minor, edited.order.revision) == (order.total.gross.minor + difference, 1)
    assert await lines_of(world, order) == lines
    assert (world.depot.allocated[order.id], world.till.balance) == (stock, 4988 + difference)
    (event,) = await told(world, "OrderEdited")
    assert {line["sku"]: line["quantity"] for line in event["stock"]} == stock
    assert event["total_minor"] == 4988 + difference
    async with world.database.session() as session:
        timeline = (await order_store.timeline_of(session, [order.id]))[order.id]
    assert timeline[-1].kind == EntryKind.EDITED


async def test_the_same_key_changes_once_and_another_request_under_it_is_refused(world, order):
    for _ in range(3):
        assert (await edit(world, order, {"SKU-A": 3}, 1999)).applied
    assert world.till.balance == 4988 + 1999
    with pytest.raises(IdempotencyKeyReusedError):
        await edit(world, order, {"SKU-A": 4}, 1999)


async def test_many_clicks_at_once_change_once(world, order):
    clicks = (edit(world, order, {"SKU-A": 3}, 1999, key=f"edit-{number}") for number in range(6))
    outcomes = await asyncio.gather(*clicks, return_exceptions=True)
    refused = [each for each in outcomes if isinstance(each, Exception)]
    assert len(refused) == 5
    assert all(isinstance(each, (OrderBusyError, InvalidInputError, PriceChangedError)) for each in refused)
    assert world.till.balance == 4988 + 1999


async def test_what_is_due_must_be_what_was_agreed_to(world, order):
    world.shelf.prices["SKU-C"] = 400
    with pytest.raises(PriceChangedError) as refused:
        await edit(world, order, {"SKU-C": 1}, 333)
    assert refused.value.actual == Money(400, "EUR")
    with pytest.raises(InvalidInputError, match="by what"):
        await edit(world, order, {"SKU-C": 1}, 400, token="")
    assert world.till.balance == 4988


async def test_a_declined_difference_leaves_everything_as_it_was_and_may_be_tried_again(world, order):
    with pytest.raises(PaymentDeclinedError):
        await edit(world, order, {"SKU-A": 3}, 1999, token="tok_decline_stolen_card")
    assert await lines_of(world, order) == [("SKU-A", 2, 3998), ("SKU-B", 1, 500)]
    assert (world.depot.allocated[order.id], world.parcels.held) == ({"SKU-A": 2, "SKU-B": 1}, set())
    assert (await edit(world, order, {"SKU-A": 3}, 1999, key="edit-2")).applied


async def test_what_is_not_there_is_not_added(world, order):
    world.depot.stock["SKU-A"] = 2
    with pytest.raises(InsufficientStockError):
        await edit(world, order, {"SKU-A": 3, "SKU-B": 0}, 1999 - 500)
    assert world.depot.allocated[order.id] == {"SKU-A": 2, "SKU-B": 1}
    assert (world.parcels.held, world.till.balance) == (set(), 4988)


async def test_what_is_on_its_way_is_not_changed(world, order):
    world.parcels.on_the_way.add(order.id)
    with pytest.raises(ConflictError, match="on its way"):
        await edit(world, order, {"SKU-A": 3}, 1999)
    assert (world.depot.allocated[order.id], world.till.balance) == ({"SKU-A": 2, "SKU-B": 1}, 4988)


async def test_a_payment_that_is_not_known_leaves_the_order_held_and_unchanged_until_it_is(world, order, clock):
    edited = await edit(world, order, {"SKU-A": 3}, 1999, token="tok_pending")
    assert not edited.applied
    assert world.parcels.held == {order.id}
    with pytest.raises(OrderBusyError):
        await world.service.orders.cancel(world.buyer, order.id, "changed my mind")
    world.till.pending.clear()
    clock.advance(seconds=5)
    await world.service.sagas.run_due()
    assert (await edit(world, order, {"SKU-A": 3}, 1999, token="tok_pending")).applied
    assert (await lines_of(world, order))[0] == ("SKU-A", 3, 5997)


@pytest.mark.parametrize("call", ["hold", "change_allocation", "process", "refund_amount"])
async def test_a_lost_answer_is_asked_again_and_nothing_is_done_twice(world, order, clock, call):
    wanted, difference = ({"SKU-A": 1}, -1999) if call == "refund_amount" else ({"SKU-A": 3}, 1999)
    world.faults.after[call] = [CallTimeoutError("elsewhere", 5)]
    await edit(world, order, wanted, difference)
    clock.advance(seconds=5)
    await world.service.sagas.run_due()
    assert (await edit(world, order, wanted, difference)).applied
    assert (world.depot.allocated[order.id]["SKU-A"], world.till.balance) == (wanted["SKU-A"], 4988 + difference)


async def test_a_refund_that_is_refused_after_the_change_waits_for_an_operator(world, order):
    world.faults.before["refund_amount"] = [ConflictError("The provider refuses.", code="INVALID_STATE")]
    assert (await edit(world, order, {"SKU-A": 1}, -1999)).applied
    (saga,) = (await world.service.oversight.page(Page(first=5), ["WAITING"])).items
    assert (saga.kind, saga.failure) == ("EDIT", None)


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        ({"SKU-A": 2}, InvalidInputError),
        ({}, InvalidInputError),
        ({"SKU-A": -1}, QuantityError),
        ({"SKU-A": 1000}, QuantityError),
        ({"SKU-A": 0, "SKU-B": 0}, QuantityError),
        ({"SKU-NOWHERE": 1}, VariantUnavailableError),
        ({"SKU-C": 0}, NotFoundError),
    ],
)
async def test_what_cannot_be_is_refused(world, order, wanted, error):
    with pytest.raises(error):
        await world.service.edits.preview(world.buyer, order.id, wanted)


async def test_an_order_is_changed_by_its_buyer_or_the_staff_and_by_nobody_else(world, order):
    with pytest.raises(NotFoundError):
        await edit(world, order, {"SKU-A": 3}, 1999, caller=OTHER)
    posing = Caller(id=world.buyer.id, kind="customer", impersonator="usr_staff")
    with pytest.raises(ForbiddenError):
        await edit(world, order, {"SKU-A": 3}, 1999, caller=posing)
    assert (await edit(world, order, {"SKU-A": 1}, -1999, token="", caller=STAFF)).applied


async def test_a_cancelled_order_is_not_changed(world, order):
    await world.service.orders.cancel(world.buyer, order.id, "no")
    with pytest.raises(OrderNotEditableError):
        await edit(world, order, {"SKU-A": 3}, 1999)


async def test_a_changed_order_gets_another_invoice_that_names_the_first(world, order):
    first = await world.service.invoices.of_order(await world.service.orders.get(world.buyer, order.id))
    edited = await edit(world, order, {"SKU-A": 1}, -1999)
    second = await world.service.invoices.of_order(edited.order)
    again = await world.service.invoices.of_order(edited.order)
    assert (second.number, second.replaces, again.replaces) == (first.number + 1, first.number, first.number)
    assert (await world.service.invoices.pdf(second)).startswith(b"%PDF")


MINOR = st.integers(0, 10**6)


@given(st.lists(st.tuples(MINOR, st.integers(1, 9), MINOR), min_size=1, max_size=5), st.data())
def test_pieces_that_stay_keep_their_price_and_their_part_of_the_discount(bought, data):
    currency = data.draw(st.sampled_from(["JPY", "EUR", "KWD"]))
    lines = [_line(at, currency, *each) for at, each in enumerate(bought)]
    order = _order(currency, lines)
    fewer = {line.sku: data.draw(st.integers(1, line.quantity)) for line in lines}
    if all(fewer[line.sku] == line.quantity for line in lines):
        return
    less = change(order, lines, fewer, {}, TAXES)
    kept = {line.sku: line for line in less.lines}
    assert less.difference == less.order.total.gross - order.total.gross
    assert sum((line.total.gross.minor for line in less.lines), 0) == less.order.subtotal.gross.minor
    for line in lines:
        assert kept[line.sku].total.gross <= line.total.gross
        if fewer[line.sku] == line.quantity:
            assert kept[line.sku] == line
        assert kept[line.sku].discount <= line.discount


def _line(at, currency, minor, quantity, discount):
    discount = min(discount, minor * quantity)
    gross = Money(minor * quantity - discount, currency)
    tax = tax_of(gross, TAXES.rate(Place("DE"))).tax
    return OrderLine(
        id=f"line_{at}",
        order_id="ord_1",
        position=at,
        sku=f"SKU-{at}",
        variant_id="v",
        product_id="p",
        name="n",
        quantity=quantity,
        unit_price=Money(minor, currency),
        total=Taxed(gross - tax, tax),
        discount=Money(discount, currency),
    )


def _order(currency, lines):
    zero = Money.zero(currency)
    nothing = Taxed(zero, zero)
    return Order(
        id="ord_1",
        number="1",
        cart_id="c",
        checkout_id="c",
        customer_id=None,
        email="",
        currency=currency,
        status=OrderStatus.CONFIRMED,
        subtotal=sum((line.total for line in lines), start=nothing),
        shipping=nothing,
        shipping_method_id="",
        shipping_method_name="",
        address=PostalAddress(name="", line1="", city="", postal_code="10115", country="DE"),
        placed_at=datetime(2026, 1, 1, tzinfo=UTC),
        confirmed_at=None,
        refunded=zero,
        version=1,
        discount=zero,
        voucher_code=None,
        charged=zero,
    )
