"""Draft orders by staff, and the filters by which orders are found."""

from datetime import timedelta

import pytest

from kernel.errors import InvalidInputError
from kernel.events.catalogue import PostalAddress
from kernel.identity import Caller
from kernel.money import Money
from kernel.pagination import Page
from subgraphs.orders.domain.errors import InsufficientStockError
from subgraphs.orders.domain.order import OrderFilter
from subgraphs.orders.domain.status import OrderStatus
from subgraphs.orders.service.drafts import Draft

STAFF = Caller(id="usr_staff", kind="staff")


def draft(world, **changes):
    given = {
        "currency": "EUR",
        "email": "ada@example.com",
        "lines": (("SKU-A", 1),),
        "customer_id": world.buyer.id,
        "address": PostalAddress(name="Ada", line1="Weg 1", city="Berlin", postal_code="10115", country="DE"),
        "shipping_method_id": "shm_standard",
        "voucher_code": "TEN",
    }
    return Draft(**{**given, **changes})


async def test_what_the_staff_puts_together_its_buyer_pays(world):
    made = await world.service.drafts.create(STAFF, draft(world))
    assert (made.customer_id, made.discount) == (world.buyer.id, Money(200, "EUR"))
    order = await world.complete(made)
    assert (order.status, order.customer_id) == (OrderStatus.CONFIRMED, world.buyer.id)
    assert order.total.gross == Money(1999 - 200 + 490, "EUR")


async def test_a_draft_may_leave_things_to_its_buyer(world):
    open_end = {"customer_id": None, "address": None, "shipping_method_id": None, "voucher_code": None}
    made = await world.service.drafts.create(STAFF, draft(world, **open_end))
    assert (made.customer_id, made.address, made.shipping, made.voucher) == (None, None, None, None)
    assert made.reservation is not None


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"lines": (("SKU-A", 11),)}, InsufficientStockError), ({"email": "nobody"}, InvalidInputError)],
)
async def test_a_draft_is_refused_as_its_buyer_would_be(world, changes, error):
    with pytest.raises(error):
        await world.service.drafts.create(STAFF, draft(world, **changes))


async def test_orders_are_found_by_time_number_address_and_article(world, clock):
    first = await world.complete(await world.checkout([("SKU-A", 1)]), key="one")
    clock.advance(seconds=3600)
    second = await world.complete(await world.checkout([("SKU-B", 1)]), key="two")

    async def found(**where):
        return {order.id for order in (await world.service.orders.page(Page(), OrderFilter(**where))).items}

    half_way = clock.now() - timedelta(minutes=30)
    assert await found() == {first.id, second.id}
    assert await found(placed_from=half_way) == {second.id}
    assert await found(placed_until=half_way) == {first.id}
    assert await found(placed_from=second.placed_at, placed_until=second.placed_at) == set()
    assert await found(number=first.number) == {first.id}
    assert await found(email=" ADA@example.com ") == {first.id, second.id}
    assert await found(email="b@example.com") == set()
    assert await found(sku="SKU-B", statuses=(OrderStatus.CONFIRMED,)) == {second.id}
    assert await world.service.orders.count(OrderFilter(sku="SKU-B")) == 1
