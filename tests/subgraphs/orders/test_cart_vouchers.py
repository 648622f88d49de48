"""Vouchers on carts: kept with the cart, answered as of now, and taken over by the checkout."""

import pytest

from kernel.errors import ConflictError, NotFoundError
from kernel.identity import Caller
from kernel.money import Money
from subgraphs.orders.domain.errors import CartClosedError

OTHER = Caller(id="usr_2", kind="customer", email="b@example.com")


async def check_out(world, cart):
    return await world.service.checkouts.create(world.buyer, cart.id, "ada@example.com")


async def standing(world, cart):
    return await world.service.cart_vouchers.standing(world.buyer, cart)


async def test_a_voucher_is_kept_with_the_cart_and_the_checkout_takes_it_over(world):
    cart = await world.cart()
    assert await standing(world, cart) is None
    cart = await world.service.cart_vouchers.apply(world.buyer, cart.id, "TEN")
    assert (await standing(world, cart)).voucher.discount == Money(450, "EUR")
    checkout = await check_out(world, cart)
    assert (checkout.voucher.code, checkout.discount) == ("TEN", Money(450, "EUR"))
    cart = await world.service.carts.add_lines(world.buyer, cart.id, [("SKU-B", 1)])
    assert (await standing(world, cart)).voucher.discount == Money(500, "EUR")
    assert (await check_out(world, cart)).discount == Money(500, "EUR")


async def test_a_voucher_that_is_taken_off_the_cart_is_off_the_checkout_too(world):
    cart = await world.service.cart_vouchers.apply(world.buyer, (await world.cart()).id, "TEN")
    assert (await check_out(world, cart)).voucher
    cart = await world.service.cart_vouchers.remove(world.buyer, cart.id)
    assert await standing(world, cart) is None
    assert (await check_out(world, cart)).voucher is None


async def test_a_voucher_that_was_entered_at_the_checkout_stays_when_the_cart_has_none(world):
    cart = await world.cart()
    checkout = await check_out(world, cart)
    await world.service.checkouts.apply_voucher(world.buyer, checkout.id, "TEN")
    cart = await world.service.carts.add_lines(world.buyer, cart.id, [("SKU-B", 1)])
    assert (await check_out(world, cart)).voucher.code == "TEN"


async def test_why_a_voucher_does_not_count_is_told_and_nothing_changes(world):
    cart = await world.cart()
    with pytest.raises(ConflictError) as refused:
        await world.service.cart_vouchers.apply(world.buyer, cart.id, "LONG-GONE")
    assert refused.value.code == "VOUCHER_EXPIRED"
    assert await world.service.carts.get(world.buyer, cart.id) == cart


async def test_one_that_counts_no_longer_says_so_and_holds_up_no_checkout(world):
    cart = await world.service.cart_vouchers.apply(world.buyer, (await world.cart()).id, "TEN")
    del world.drawer.limits["TEN"]
    now = await standing(world, cart)
    assert (now.voucher, now.refusal.code) == (None, "VOUCHER_EXPIRED")
    assert (await check_out(world, cart)).voucher is None


async def test_only_open_carts_of_ones_own_take_vouchers(world):
    cart = await world.cart()
    with pytest.raises(NotFoundError):
        await world.service.cart_vouchers.apply(OTHER, cart.id, "TEN")
    ordered = await world.complete(await world.checkout())
    with pytest.raises(CartClosedError):
        await world.service.cart_vouchers.apply(world.buyer, ordered.cart_id, "TEN")
