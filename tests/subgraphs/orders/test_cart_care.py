"""Carts over time: put aside, merged at log-in, told of when left alone, cleared away when forgotten."""

import asyncio

import pytest
from sqlalchemy import select

from kernel.errors import NotFoundError, UnauthenticatedError
from kernel.identity import ANONYMOUS, Caller
from kernel.money import Money
from subgraphs.orders.domain.errors import CartClosedError, CurrencyMismatchError
from subgraphs.orders.domain.merging import MergeStrategy
from subgraphs.orders.domain.notices import NoticeKind
from subgraphs.orders.service.cart_care import CartCare
from subgraphs.orders.storage.tables import outbox

HOUR, DAY = 3600, 86400


def pieces(cart):
    return {line.sku: line.quantity for line in cart.lines}


@pytest.fixture
def care(world):
    return CartCare(world.database, world.clock, abandoned_after=4 * HOUR, kept_for=90 * DAY)


async def told(world):
    async with world.database.session() as session:
        rows = await session.execute(select(outbox.c.event).where(outbox.c.type == "CartAbandoned"))
        return [row.event["data"] for row in rows]


# --- put aside ---


async def test_what_is_put_aside_is_not_bought_and_comes_back_as_it_was(world):
    cart = await world.cart()
    aside = await world.service.carts.set_saved(world.buyer, cart.id, "SKU-A", saved=True)
    assert (pieces(aside), [line.sku for line in aside.saved]) == ({"SKU-B": 1}, ["SKU-A"])
    assert aside.subtotal == Money(500, "EUR")
    checkout = await world.service.checkouts.create(world.buyer, cart.id, "ada@example.com")
    assert [line.sku for line in checkout.lines] == ["SKU-B"]
    back = await world.service.carts.set_saved(world.buyer, cart.id, "SKU-A", saved=False)
    assert (pieces(back), back.saved) == ({"SKU-A": 2, "SKU-B": 1}, ())


async def test_what_is_added_again_is_no_longer_aside(world):
    cart = await world.cart()
    await world.service.carts.set_saved(world.buyer, cart.id, "SKU-A", saved=True)
    again = await world.service.carts.add_lines(world.buyer, cart.id, [("SKU-A", 1)])
    assert (pieces(again), again.saved) == ({"SKU-A": 1, "SKU-B": 1}, ())


async def test_what_is_not_there_cannot_be_put_aside(world):
    cart = await world.cart()
    with pytest.raises(NotFoundError):
        await world.service.carts.set_saved(world.buyer, cart.id, "SKU-C", saved=True)


# --- notices ---


async def test_a_cart_tells_what_has_changed_since(world):
    cart = await world.cart([("SKU-A", 2), ("SKU-B", 1), ("SKU-C", 3)])
    assert await world.service.carts.notices(cart) == ()
    world.shelf.prices["SKU-A"] = 2099
    del world.shelf.prices["SKU-B"]
    world.depot.stock["SKU-C"] = 2
    price, gone, short = await world.service.carts.notices(cart)
    assert (price.kind, price.was, price.now) == (NoticeKind.PRICE_CHANGED, Money(1999, "EUR"), Money(2099, "EUR"))
    assert (gone.kind, gone.sku) == (NoticeKind.NOT_AVAILABLE, "SKU-B")
    assert (short.kind, short.sku, short.available) == (NoticeKind.INSUFFICIENT_STOCK, "SKU-C", 2)


# --- merging ---


@pytest.fixture
async def two_carts(world):
    """A guest's cart, and one that the customer has had."""
    guest = await world.cart([("SKU-A", 3), ("SKU-B", 1)], ANONYMOUS)
    own = await world.cart([("SKU-B", 2), ("SKU-C", 1)])
    return guest, own


@pytest.mark.parametrize(
    ("strategy", "stays", "lines"),
    [
        (MergeStrategy.MERGE, 1, {"SKU-A": 3, "SKU-B": 2, "SKU-C": 1}),
        (MergeStrategy.USE_GUEST, 0, {"SKU-A": 3, "SKU-B": 1}),
        (MergeStrategy.USE_EXISTING, 1, {"SKU-B": 2, "SKU-C": 1}),
    ],
)
async def test_at_log_in_one_cart_stays_and_says_so_again(world, two_carts, strategy, stays, lines):
    merged = await world.service.carts.merge(world.buyer, two_carts[0].id, strategy)
    assert (merged.id, merged.customer_id, pieces(merged)) == (two_carts[stays].id, world.buyer.id, lines)
    again = await world.service.carts.merge(world.buyer, two_carts[0].id, strategy)
    assert (again.id, pieces(again)) == (merged.id, lines)
    other = await world.service.carts.get(world.buyer, two_carts[1 - stays].id)
    assert (other.ordered, other.merged_into) == (True, merged.id)


async def test_merged_twice_at_once_is_merged_once(world, two_carts):
    merges = (world.service.carts.merge(world.buyer, two_carts[0].id, MergeStrategy.MERGE) for _ in range(4))
    merged = await asyncio.gather(*merges)
    assert {(cart.id, cart.pieces) for cart in merged} == {(two_carts[1].id, 6)}


@pytest.mark.parametrize("strategy", MergeStrategy)
async def test_who_has_no_cart_gets_the_guests(world, strategy):
    guest = await world.cart(caller=ANONYMOUS)
    merged = await world.service.carts.merge(world.buyer, guest.id, strategy)
    assert (merged.id, merged.customer_id) == (guest.id, world.buyer.id)


async def test_a_cart_in_another_currency_is_chosen_or_left(world, two_carts):
    foreign = await world.service.carts.create(ANONYMOUS, "USD")
    with pytest.raises(CurrencyMismatchError):
        await world.service.carts.merge(world.buyer, foreign.id, MergeStrategy.MERGE)
    assert (await world.service.carts.merge(world.buyer, foreign.id, MergeStrategy.USE_EXISTING)).id == two_carts[1].id


async def test_nobody_merges_what_is_somebody_elses_or_ordered(world, two_carts):
    other = Caller(id="usr_2", kind="customer", email="b@example.com")
    theirs = await world.cart(caller=other)
    with pytest.raises(NotFoundError):
        await world.service.carts.merge(world.buyer, theirs.id, MergeStrategy.MERGE)
    with pytest.raises(UnauthenticatedError):
        await world.service.carts.merge(ANONYMOUS, two_carts[0].id, MergeStrategy.MERGE)
    await world.complete(await world.checkout(caller=ANONYMOUS), caller=ANONYMOUS)
    bought = await world.checkout(caller=ANONYMOUS)
    await world.complete(bought, caller=ANONYMOUS)
    with pytest.raises(CartClosedError):
        await world.service.carts.merge(world.buyer, bought.cart_id, MergeStrategy.MERGE)


# --- left alone ---


async def test_a_cart_that_was_left_alone_is_told_of_once_for_each_time(world, care, clock):
    checkout = await world.checkout([("SKU-A", 2)])
    clock.advance(seconds=3 * HOUR)
    assert await care.run() == 0
    clock.advance(seconds=2 * HOUR)
    assert (await care.run(), await care.run()) == (1, 0)
    (event,) = await told(world)
    assert (event["cart_id"], event["email"], event["total_minor"]) == (checkout.cart_id, "ada@example.com", 3998)
    assert [line["quantity"] for line in event["lines"]] == [2]
    await world.service.carts.add_lines(world.buyer, checkout.cart_id, [("SKU-B", 1)])
    clock.advance(seconds=5 * HOUR)
    assert await care.run() == 1
    assert len(await told(world)) == 2


async def test_nothing_is_told_of_what_was_bought_or_has_no_address(world, care, clock):
    await world.complete(await world.checkout())
    await world.cart(caller=ANONYMOUS)
    clock.advance(seconds=5 * HOUR)
    assert (await care.run(), await told(world)) == (0, [])


async def test_forgotten_carts_are_cleared_away_and_orders_stay(world, care, clock):
    order = await world.complete(await world.checkout())
    forgotten = await world.checkout()
    clock.advance(seconds=89 * DAY)
    kept = await world.cart()
    await care.tell_abandoned()
    clock.advance(seconds=2 * DAY)
    assert await care.clear_away() == 1
    assert await world.service.carts.get(world.buyer, forgotten.cart_id) is None
    assert await world.service.checkouts.get(world.buyer, forgotten.id) is None
    assert pieces(await world.service.carts.get(world.buyer, kept.id)) == {"SKU-A": 2, "SKU-B": 1}
    assert (await world.service.orders.get(world.buyer, order.id)).id == order.id
