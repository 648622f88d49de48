"""One click, one order, one charge."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from kernel.calls import CallRefusedError, CallTimeoutError, CallUnavailableError
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.identity import Caller
from kernel.money import Money
from subgraphs.orders.domain.errors import (
    CartChangedError,
    CartClosedError,
    CheckoutNotReadyError,
    IdempotencyKeyReusedError,
    InsufficientStockError,
    PaymentDeclinedError,
    PriceChangedError,
)
from subgraphs.orders.domain.status import CheckoutStatus, OrderStatus
from subgraphs.orders.storage import orders as order_store
from subgraphs.orders.storage.tables import orders, outbox


async def told(world):
    """Name the events about orders, in their order."""
    of_orders = select(outbox.c.type).where(outbox.c.type.like("Order%")).order_by(outbox.c.position)
    async with world.database.session() as session:
        return list((await session.execute(of_orders)).scalars())


async def statuses(world):
    async with world.database.session() as session:
        return list((await session.execute(select(orders.c.status).order_by(orders.c.id))).scalars())


async def timeline(world, order_id):
    async with world.database.session() as session:
        entries = (await order_store.timeline_of(session, [order_id]))[order_id]
    return [(str(entry.kind), entry.from_status, entry.to_status) for entry in entries]


async def test_a_paid_checkout_is_a_confirmed_order(world):
    checkout = await world.checkout()
    order = await world.complete(checkout)
    assert order.status == OrderStatus.CONFIRMED
    assert order.total.gross == Money(2 * 1999 + 500 + 490, "EUR") == world.total(checkout)
    assert order.number.startswith("SG-")
    assert world.till.balance == order.total.gross.minor
    assert world.depot.allocated == {order.id: {"SKU-A": 2, "SKU-B": 1}}
    assert await told(world) == ["OrderPlaced", "OrderConfirmed"]
    assert await timeline(world, order.id) == [
        ("PLACED", None, "PAYMENT"),
        ("CONFIRMED", "PAYMENT", "CONFIRMED"),
    ]


async def test_the_lines_add_up_to_the_order(world):
    order = await world.complete(await world.checkout([("SKU-C", 7), ("SKU-A", 1), ("SKU-B", 3)]))
    async with world.database.session() as session:
        lines = (await order_store.lines_of(session, [order.id]))[order.id]
    assert sum(line.total.net.minor for line in lines) == order.subtotal.net.minor
    assert sum(line.total.tax.minor for line in lines) == order.subtotal.tax.minor


async def test_the_same_request_again_finds_the_order(world):
    checkout = await world.checkout()
    first = await world.complete(checkout)
    assert await world.complete(checkout) == first
    assert await world.complete(checkout, key="another tab") == first
    assert world.till.balance == first.total.gross.minor
    assert len(await statuses(world)) == 1


@pytest.mark.parametrize("keys", [["same"] * 20, [f"key-{at}" for at in range(20)]])
async def test_twenty_clicks_at_once_make_one_order_and_one_charge(world, keys):
    checkout = await world.checkout()
    found = await asyncio.gather(*(world.complete(checkout, key=key) for key in keys))
    assert len({order.id for order in found}) == 1
    assert await statuses(world) == ["CONFIRMED"]
    assert world.till.balance == world.total(checkout).minor
    assert len(world.till.payments) == 1
    assert await told(world) == ["OrderPlaced", "OrderConfirmed"]


async def test_a_key_cannot_be_used_for_another_request(world):
    checkout = await world.checkout()
    await world.complete(checkout)
    with pytest.raises(IdempotencyKeyReusedError):
        await world.complete(checkout, token="tok_other")


@pytest.mark.parametrize("text", ["", "x" * 201])
@pytest.mark.parametrize("name", ["key", "token"])
async def test_keys_and_tokens_have_a_length(world, name, text):
    with pytest.raises(InvalidInputError):
        await world.complete(await world.checkout(), **{name: text})


async def test_what_costs_nothing_is_ordered_without_a_payment(world):
    world.shelf.prices["SKU-B"] = 0
    checkout = await world.checkout([("SKU-B", 1)])
    free = replace(checkout, shipping=replace(checkout.shipping, price=Money(0, "EUR")), version=checkout.version + 1)
    await world.service.checkouts._save(free)
    order = await world.complete(free)
    assert (order.status, order.total.gross.minor) == (OrderStatus.CONFIRMED, 0)
    assert world.till.payments == {}


async def test_a_declined_payment_gives_everything_back_and_can_be_tried_again(world):
    checkout = await world.checkout()
    with pytest.raises(PaymentDeclinedError) as caught:
        await world.complete(checkout, token="tok_decline_insufficient_funds")
    assert (caught.value.decline_code, caught.value.retryable) == ("insufficient_funds", True)
    assert world.depot.held == {}
    assert await statuses(world) == ["CANCELLED"]
    with pytest.raises(PaymentDeclinedError):
        await world.complete(checkout, token="tok_decline_insufficient_funds")
    order = await world.complete(checkout, key="key-2")
    assert order.status == OrderStatus.CONFIRMED
    assert await told(world) == ["OrderPlaced", "OrderCancelled", "OrderPlaced", "OrderConfirmed"]
    assert world.till.balance == order.total.gross.minor


async def test_a_changed_price_is_told_and_charges_nothing(world):
    checkout = await world.checkout()
    agreed = world.total(checkout)
    world.shelf.prices["SKU-A"] += 100
    with pytest.raises(PriceChangedError) as caught:
        await world.complete(checkout)
    assert caught.value.actual == agreed + Money(200, "EUR")
    assert world.till.payments == {}
    assert await statuses(world) == []
    shown = await world.service.checkouts.get(world.buyer, checkout.id)
    assert world.total(shown) == caught.value.actual
    order = await world.complete(shown, total=caught.value.actual)
    assert order.total.gross == caught.value.actual


async def test_a_total_in_another_currency_is_no_total(world):
    with pytest.raises(InvalidInputError):
        await world.complete(await world.checkout(), total=Money(1, "USD"))


async def test_a_cart_that_moved_on_must_be_taken_over_again(world):
    checkout = await world.checkout()
    await world.service.carts.add_lines(world.buyer, checkout.cart_id, [("SKU-C", 1)])
    with pytest.raises(CartChangedError):
        await world.complete(checkout)
    again = await world.service.checkouts.create(world.buyer, checkout.cart_id, "ada@example.com")
    assert again.id == checkout.id
    assert [line.sku for line in again.lines] == ["SKU-A", "SKU-B", "SKU-C"]
    assert list(world.depot.held.values()) == [{"SKU-A": 2, "SKU-B": 1, "SKU-C": 1}]
    assert (await world.complete(again)).status == OrderStatus.CONFIRMED


async def test_what_another_tab_adds_while_the_buyer_pays_is_not_lost(world):
    """The line comes after the prices were looked up and before the checkout is claimed."""
    checkout = await world.checkout()
    plain = world.shelf.articles

    async def articles(skus, currency):
        world.shelf.articles = plain
        await world.service.carts.add_lines(world.buyer, checkout.cart_id, [("SKU-C", 1)])
        return await plain(skus, currency)

    world.shelf.articles = articles
    with pytest.raises(CartChangedError):
        await world.complete(checkout)
    assert await statuses(world) == []
    assert world.till.payments == {}
    again = await world.service.checkouts.create(world.buyer, checkout.cart_id, "ada@example.com")
    assert [line.sku for line in again.lines] == ["SKU-A", "SKU-B", "SKU-C"]


async def test_an_ordered_cart_cannot_change(world):
    checkout = await world.checkout()
    await world.complete(checkout)
    with pytest.raises(CartClosedError):
        await world.service.carts.add_lines(world.buyer, checkout.cart_id, [("SKU-C", 1)])
    with pytest.raises(CartClosedError):
        await world.service.checkouts.create(world.buyer, checkout.cart_id, "ada@example.com")
    with pytest.raises(CartClosedError):
        await world.service.checkouts.set_shipping_method(world.buyer, checkout.id, "shm_express")


async def test_what_is_missing_is_named(world):
    cart = await world.cart()
    checkout = await world.service.checkouts.create(world.buyer, cart.id, "ada@example.com")
    with pytest.raises(CheckoutNotReadyError) as caught:
        await world.complete(checkout)
    assert caught.value.code == "ADDRESS_REQUIRED"


async def test_stock_that_was_lost_meanwhile_is_told_and_charges_nothing(world, clock):
    checkout = await world.checkout([("SKU-A", 8)])
    clock.advance(seconds=1000)
    world.depot.held.clear()
    world.depot.stock["SKU-A"] = 3
    with pytest.raises(InsufficientStockError) as caught:
        await world.complete(checkout)
    assert [(short.requested, short.available) for short in caught.value.shortages] == [(8, 3)]
    assert world.till.payments == {}
    assert await statuses(world) == ["CANCELLED"]


async def test_an_expired_reservation_is_made_anew(world, clock):
    checkout = await world.checkout()
    clock.advance(seconds=1000)
    world.depot.held.clear()
    assert (await world.complete(checkout)).status == OrderStatus.CONFIRMED


async def test_a_payment_that_cannot_be_sent_is_told_at_once(world):
    checkout = await world.checkout()
    world.faults.before["process"] = [CallUnavailableError("payments")]
    with pytest.raises(ConflictError) as caught:
        await world.complete(checkout)
    assert caught.value.code == "SERVICE_UNAVAILABLE"
    assert await statuses(world) == ["CANCELLED"]
    assert world.depot.held == {}


async def test_an_unknown_payment_leaves_the_order_waiting_until_it_is_known(world, clock):
    checkout = await world.checkout()
    world.faults.after["process"] = [CallTimeoutError("payments", 5)]
    order = await world.complete(checkout)
    assert order.status == OrderStatus.PAYMENT
    assert (await world.complete(checkout)).id == order.id
    assert await world.service.sagas.run_due() == 0
    clock.advance(seconds=2)
    assert await world.service.sagas.run_due() == 1
    assert (await world.complete(checkout)).status == OrderStatus.CONFIRMED
    assert len(world.till.payments) == 1
    assert world.faults.calls.count("process") == 1


async def test_a_refusal_to_tell_is_no_decline_of_what_was_sent(world, clock):
    checkout = await world.checkout()
    world.faults.after["process"] = [CallTimeoutError("payments", 5)]
    await world.complete(checkout)
    world.faults.before["find"] = [CallRefusedError("payments", "no token", "UNAUTHENTICATED")]
    clock.advance(seconds=2)
    await world.service.sagas.run_due()
    assert await statuses(world) == ["PAYMENT"]
    clock.advance(seconds=5)
    await world.service.sagas.run_due()
    assert await statuses(world) == ["CONFIRMED"]
    assert world.till.balance == world.total(checkout).minor


async def test_a_payment_that_is_refused_as_such_is_told_at_once(world):
    world.faults.before["process"] = [CallRefusedError("payments", "no token", "UNAUTHENTICATED")]
    with pytest.raises(ConflictError) as caught:
        await world.complete(await world.checkout())
    assert caught.value.code == "SERVICE_UNAVAILABLE"
    assert await statuses(world) == ["CANCELLED"]


async def test_a_payment_that_never_arrived_is_sent_again_under_the_same_key(world, clock):
    checkout = await world.checkout()
    world.faults.before["process"] = [CallTimeoutError("payments", 5)]
    assert (await world.complete(checkout)).status == OrderStatus.PAYMENT
    clock.advance(seconds=2)
    await world.service.sagas.run_due()
    assert await statuses(world) == ["CONFIRMED"]
    assert len(world.till.payments) == 1


async def test_a_pending_payment_is_asked_for_with_growing_pauses(world, clock):
    checkout = await world.checkout()
    assert (await world.complete(checkout, token="tok_pending")).status == OrderStatus.PAYMENT
    asked = []
    for second in range(20):
        clock.advance(seconds=1)
        if await world.service.sagas.run_due():
            asked.append(second + 1)
    assert asked == [1, 3, 7, 15]
    world.till.pending.clear()
    clock.advance(seconds=60)
    await world.service.sagas.run_due()
    assert await statuses(world) == ["CONFIRMED"]


async def test_a_failed_allocation_gives_the_money_back(world):
    checkout = await world.checkout()
    world.faults.before["allocate"] = [ConflictError("gone", code="RESERVATION_EXPIRED")]
    with pytest.raises(ConflictError) as caught:
        await world.complete(checkout)
    assert caught.value.code == "RESERVATION_EXPIRED"
    assert len(world.till.payments) == 1
    assert world.till.balance == 0
    assert world.depot.held == {}
    assert world.faults.calls[-2:] == ["refund", "release"]
    assert await told(world) == ["OrderPlaced", "OrderCancelled"]


async def test_compensation_goes_on_until_it_is_done(world, clock):
    checkout = await world.checkout()
    world.faults.before["allocate"] = [ConflictError("gone", code="RESERVATION_EXPIRED")]
    world.faults.before["refund"] = [CallUnavailableError("payments"), CallTimeoutError("payments", 5)]
    with pytest.raises(ConflictError):
        await world.complete(checkout)
    assert world.till.balance > 0
    for _ in range(3):
        clock.advance(seconds=5)
        await world.service.sagas.run_due()
    assert world.till.balance == 0
    assert await statuses(world) == ["CANCELLED"]
    shown = await world.service.checkouts.get(world.buyer, checkout.id)
    assert shown.status == CheckoutStatus.OPEN


@pytest.mark.parametrize("caller", [Caller(), Caller(id="usr_2", kind="customer")])
async def test_the_checkout_of_somebody_else_does_not_exist(world, caller):
    checkout = await world.checkout()
    with pytest.raises(NotFoundError):
        await world.complete(checkout, caller=caller)
    assert await statuses(world) == []


async def test_the_last_piece_is_sold_once(world):
    world.depot.stock["SKU-A"] = 3
    buyers = [Caller(id=f"usr_{at}", kind="customer") for at in range(8)]

    async def buy(buyer):
        checkout = await world.checkout([("SKU-A", 1)], buyer)
        return await world.complete(checkout, caller=buyer)

    outcomes = await asyncio.gather(*map(buy, buyers), return_exceptions=True)
    assert sum(isinstance(outcome, InsufficientStockError) for outcome in outcomes) == 5
    async with world.database.session() as session:
        assert (await session.execute(select(func.count()).select_from(orders))).scalar_one() == 3


async def test_a_tampered_total_changes_nothing(world):
    checkout = await world.checkout()
    with pytest.raises(PriceChangedError):
        await world.complete(checkout, total=Money(1, "EUR"))
    assert (await world.service.checkouts.get(world.buyer, checkout.id)).version == checkout.version
