"""Carts and checkouts before payment."""

import asyncio

import pytest

from kernel.errors import InvalidInputError, NotFoundError
from kernel.identity import ANONYMOUS, Caller
from kernel.money import Money
from subgraphs.orders.domain.errors import (
    CheckoutNotReadyError,
    InsufficientStockError,
    QuantityError,
    VariantUnavailableError,
)

OTHER = Caller(id="usr_2", kind="customer", email="other@example.com")
STAFF = Caller(id="usr_9", kind="staff")


async def lines(world, cart, caller=None):
    shown = await world.service.carts.get(caller or world.buyer, cart.id)
    return {line.sku: line.quantity for line in shown.lines}


async def test_adding_again_adds_up_at_the_price_of_now(world):
    cart = await world.cart([("SKU-A", 1)])
    world.shelf.prices["SKU-A"] = 2500
    filled = await world.service.carts.add_lines(world.buyer, cart.id, [("SKU-A", 2), ("SKU-B", 1)])
    assert await lines(world, cart) == {"SKU-A": 3, "SKU-B": 1}
    assert filled.subtotal == Money(3 * 2500 + 500, "EUR")
    assert filled.version == cart.version + 1


async def test_pieces_that_two_tabs_add_at_once_are_all_there(world):
    cart = await world.cart([("SKU-A", 1)])
    add = world.service.carts.add_lines
    await asyncio.gather(*(add(world.buyer, cart.id, [("SKU-A", 1)]) for _ in range(10)))
    assert await lines(world, cart) == {"SKU-A": 11}


async def test_a_line_is_set_and_removed(world):
    cart = await world.cart([("SKU-A", 1), ("SKU-B", 1)])
    await world.service.carts.set_quantity(world.buyer, cart.id, "SKU-A", 7)
    assert await lines(world, cart) == {"SKU-A": 7, "SKU-B": 1}
    await world.service.carts.remove_line(world.buyer, cart.id, "SKU-A")
    assert await lines(world, cart) == {"SKU-B": 1}


@pytest.mark.parametrize("quantity", [0, -1, 1000, 2**40])
async def test_quantities_out_of_bounds_change_nothing(world, quantity):
    cart = await world.cart([("SKU-A", 1)])
    with pytest.raises(QuantityError):
        await world.service.carts.add_lines(world.buyer, cart.id, [("SKU-A", quantity)])
    with pytest.raises(QuantityError):
        await world.service.carts.set_quantity(world.buyer, cart.id, "SKU-A", quantity)
    assert await lines(world, cart) == {"SKU-A": 1}


async def test_a_line_never_grows_past_its_bound(world):
    cart = await world.cart([("SKU-A", 998)])
    with pytest.raises(QuantityError):
        await world.service.carts.add_lines(world.buyer, cart.id, [("SKU-B", 1), ("SKU-A", 2)])
    assert await lines(world, cart) == {"SKU-A": 998}


async def test_what_is_not_for_sale_is_named_and_nothing_is_added(world):
    cart = await world.cart([("SKU-A", 1)])
    with pytest.raises(VariantUnavailableError) as caught:
        await world.service.carts.add_lines(world.buyer, cart.id, [("SKU-B", 1), ("SKU-X", 1)])
    assert caught.value.sku == "SKU-X"
    assert await lines(world, cart) == {"SKU-A": 1}


async def test_a_line_that_is_not_there_is_not_found(world):
    cart = await world.cart([("SKU-A", 1)])
    with pytest.raises(NotFoundError):
        await world.service.carts.set_quantity(world.buyer, cart.id, "SKU-B", 1)
    with pytest.raises(NotFoundError):
        await world.service.carts.remove_line(world.buyer, cart.id, "SKU-B")


async def test_an_unknown_currency_is_refused(world):
    with pytest.raises(InvalidInputError):
        await world.service.carts.create(world.buyer, "XXX")


@pytest.mark.parametrize("caller", [ANONYMOUS, OTHER])
async def test_a_customers_cart_does_not_exist_for_others(world, caller):
    cart = await world.cart([("SKU-A", 1)])
    assert await world.service.carts.get(caller, cart.id) is None
    with pytest.raises(NotFoundError):
        await world.service.carts.add_lines(caller, cart.id, [("SKU-B", 1)])
    with pytest.raises(NotFoundError):
        await world.service.checkouts.create(caller, cart.id, "a@example.com")
    assert await lines(world, cart) == {"SKU-A": 1}


async def test_staff_sees_a_customers_cart(world):
    cart = await world.cart([("SKU-A", 1)])
    assert await world.service.carts.get(STAFF, cart.id) is not None


async def test_a_guests_cart_belongs_to_whoever_knows_its_id(world):
    cart = await world.cart([("SKU-A", 1)], ANONYMOUS)
    await world.service.carts.add_lines(OTHER, cart.id, [("SKU-B", 1)])
    assert await lines(world, cart, ANONYMOUS) == {"SKU-A": 1, "SKU-B": 1}


async def test_a_customer_who_checks_a_guests_cart_out_makes_it_theirs(world):
    cart = await world.cart([("SKU-A", 1)], ANONYMOUS)
    checkout = await world.service.checkouts.create(world.buyer, cart.id, "ada@example.com")
    assert checkout.customer_id == world.buyer.id
    assert await world.service.carts.get(ANONYMOUS, cart.id) is None
    assert await world.service.checkouts.get(OTHER, checkout.id) is None


async def test_a_guest_buys_without_an_account(world):
    checkout = await world.checkout([("SKU-A", 1)], ANONYMOUS)
    order = await world.complete(checkout, caller=ANONYMOUS)
    assert order.customer_id is None
    assert await world.service.orders.get(ANONYMOUS, order.id) == order


async def test_an_empty_cart_cannot_be_checked_out(world):
    cart = await world.service.carts.create(world.buyer, "EUR")
    with pytest.raises(CheckoutNotReadyError) as caught:
        await world.service.checkouts.create(world.buyer, cart.id, "ada@example.com")
    assert caught.value.code == "CART_EMPTY"


@pytest.mark.parametrize("email", ["", "ada", "ada@", "a b@example.com", "x" * 250 + "@e.org"])
async def test_an_address_for_mail_is_needed(world, email):
    cart = await world.cart()
    with pytest.raises(InvalidInputError):
        await world.service.checkouts.create(world.buyer, cart.id, email)


async def test_a_checkout_holds_its_stock_and_says_until_when(world, clock):
    cart = await world.cart([("SKU-A", 8)])
    checkout = await world.service.checkouts.create(world.buyer, cart.id, "ada@example.com")
    assert (checkout.reservation.expires_at - clock.now()).total_seconds() == 900
    rival = await world.cart([("SKU-A", 3)], OTHER)
    with pytest.raises(InsufficientStockError) as caught:
        await world.service.checkouts.create(OTHER, rival.id, "other@example.com")
    assert caught.value.shortages[0].available == 2


async def test_the_same_cart_again_keeps_what_it_holds(world):
    cart = await world.cart()
    first = await world.service.checkouts.create(world.buyer, cart.id, "ada@example.com")
    again = await world.service.checkouts.create(world.buyer, cart.id, "eva@example.com")
    assert (again.id, again.reservation, again.email) == (first.id, first.reservation, "eva@example.com")
    assert world.faults.calls.count("reserve") == 1


async def test_a_method_needs_an_address_and_must_serve_it(world):
    cart = await world.cart()
    checkouts = world.service.checkouts
    checkout = await checkouts.create(world.buyer, cart.id, "ada@example.com")
    with pytest.raises(CheckoutNotReadyError):
        await checkouts.set_shipping_method(world.buyer, checkout.id, "shm_standard")
    ready = await world.checkout()
    with pytest.raises(InvalidInputError):
        await checkouts.set_shipping_method(world.buyer, ready.id, "shm_rocket")


async def test_a_new_address_prices_the_method_anew_or_drops_it(world):
    checkouts = world.service.checkouts
    checkout = await world.checkout()
    abroad = type(checkout.address)(name="A", line1="1", city="Paris", postal_code="75001", country="FR")
    moved = await checkouts.set_address(world.buyer, checkout.id, abroad)
    assert moved.shipping.price == Money(990, "EUR")
    await checkouts.set_address(world.buyer, checkout.id, checkout.address)
    await checkouts.set_shipping_method(world.buyer, checkout.id, "shm_express")
    assert (await checkouts.set_address(world.buyer, checkout.id, abroad)).shipping is None
