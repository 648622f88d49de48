"""Vouchers on checkouts: what they take off, split to the last minor unit, and counted once for each order."""

import asyncio

import pytest

from kernel.calls import CallTimeoutError
from kernel.errors import ConflictError
from kernel.money import Money
from subgraphs.orders.domain.errors import PaymentDeclinedError, PriceChangedError
from subgraphs.orders.domain.status import OrderStatus
from subgraphs.orders.storage import orders as order_store


@pytest.fixture
async def checkout(world):
    """A checkout of goods for 44.98 with ten percent taken off, and shipping for 4.90."""
    ready = await world.checkout()
    return await world.service.checkouts.apply_voucher(world.buyer, ready.id, "TEN")


async def lines_of(world, order):
    async with world.database.session() as session:
        return (await order_store.lines_of(session, [order.id]))[order.id]


async def test_a_voucher_is_taken_off_the_total(world, checkout):
    assert (checkout.goods, checkout.discount) == (Money(4498, "EUR"), Money(450, "EUR"))
    assert world.total(checkout) == Money(4498 - 450 + 490, "EUR")


async def test_the_order_keeps_code_and_discount_and_its_lines_share_it(world, checkout):
    order = await world.complete(checkout)
    assert (order.status, order.voucher_code, order.discount) == (OrderStatus.CONFIRMED, "TEN", Money(450, "EUR"))
    lines = await lines_of(world, order)
    assert sum(line.discount.minor for line in lines) == 450
    assert sum(line.total.gross.minor for line in lines) == order.subtotal.gross.minor == 4498 - 450
    assert world.till.balance == order.total.gross.minor
    assert world.drawer.uses == {order.id: "TEN"}


async def test_a_voucher_is_taken_off_again(world, checkout):
    without = await world.service.checkouts.remove_voucher(world.buyer, checkout.id)
    assert (without.voucher, world.total(without)) == (None, Money(4988, "EUR"))


async def test_a_voucher_that_does_not_count_changes_nothing(world):
    ready = await world.checkout()
    with pytest.raises(ConflictError) as refused:
        await world.service.checkouts.apply_voucher(world.buyer, ready.id, "LONG-GONE")
    assert refused.value.code == "VOUCHER_EXPIRED"
    assert await world.service.checkouts.get(world.buyer, ready.id) == ready


async def test_one_that_expires_before_payment_is_told_and_charges_nothing(world, checkout):
    del world.drawer.limits["TEN"]
    with pytest.raises(ConflictError) as refused:
        await world.complete(checkout)
    assert (refused.value.code, world.till.balance) == ("VOUCHER_EXPIRED", 0)


async def test_other_lines_are_worked_out_anew(world, checkout):
    await world.service.carts.add_lines(world.buyer, checkout.cart_id, [("SKU-C", 1)])
    again = await world.service.checkouts.create(world.buyer, checkout.cart_id, "ada@example.com")
    assert again.discount == Money(483, "EUR")


async def test_lines_for_which_it_does_not_count_drop_it(world, checkout):
    del world.drawer.limits["TEN"]
    again = await world.service.checkouts.create(world.buyer, checkout.cart_id, "ada@example.com")
    assert again.voucher is None


async def test_a_price_that_moves_moves_the_discount_and_is_told(world, checkout):
    world.shelf.prices["SKU-B"] = 1000
    with pytest.raises(PriceChangedError) as refused:
        await world.complete(checkout)
    assert refused.value.actual == Money(4998 - 500 + 490, "EUR")


async def test_a_declined_payment_gives_the_use_back(world, checkout):
    with pytest.raises(PaymentDeclinedError):
        await world.complete(checkout, token="tok_decline_stolen_card")
    assert world.drawer.uses == {}
    assert (await world.complete(checkout, key="again")).status == OrderStatus.CONFIRMED


async def test_a_voucher_for_one_use_is_used_once_by_racing_buyers(world):
    ready = [await world.checkout([("SKU-A", 1)]) for _ in range(5)]
    ready = [await world.service.checkouts.apply_voucher(world.buyer, each.id, "ONCE") for each in ready]
    outcomes = await asyncio.gather(*(world.complete(each, key=each.id) for each in ready), return_exceptions=True)
    refused = [each.code for each in outcomes if isinstance(each, ConflictError)]
    assert refused == ["VOUCHER_USED_UP"] * 4
    assert len(world.drawer.uses) == 1
    assert world.till.balance == world.total(ready[0]).minor


async def test_a_lost_answer_counts_one_use(world, checkout, clock):
    world.faults.after["redeem"] = [CallTimeoutError("products", 5)]
    order = await world.complete(checkout)
    assert order.status == OrderStatus.PAYMENT
    clock.advance(seconds=5)
    await world.service.sagas.run_due()
    assert (await world.service.orders.get(world.buyer, order.id)).status == OrderStatus.CONFIRMED
    assert list(world.drawer.uses.values()) == ["TEN"]
