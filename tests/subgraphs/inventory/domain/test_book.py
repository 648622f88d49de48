"""The rules of stock on a book that no database stands behind."""

from datetime import UTC, datetime, timedelta

import pytest

from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.events.catalogue import AllocationMoved, FulfilmentRequested, InventoryChanged, StockLine, StockReturned
from subgraphs.inventory.domain import moving, promising, resourcing
from subgraphs.inventory.domain.book import Book, Site
from subgraphs.inventory.domain.errors import InsufficientStockError, ReservationExpiredError
from subgraphs.inventory.domain.ledger import Shelf
from subgraphs.inventory.domain.places import Destination, locate
from subgraphs.inventory.domain.sourcing import fewest_splits, nearest
from subgraphs.inventory.domain.stock import Movement, MovementType, Policy

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SITES = {
    "ber": Site(priority=0, place=locate(Destination("DE", "10115"))),
    "ewr": Site(priority=1, place=locate(Destination("US", "07114"))),
    "old": Site(priority=2, active=False),
}


@pytest.fixture
def book():
    return Book(now=NOW, sites=SITES)


def stock(book, **quantities):
    for warehouse_id, quantity in quantities.items():
        moving.move(book, "A", warehouse_id, Movement(type=MovementType.RECEIVED, quantity=quantity))


def reserve(book, wanted, name="res_1", source=fewest_splits, **options):
    return promising.reserve(
        book, source, wanted, reservation_id=name, checkout_id="chk", expires_at=NOW + timedelta(minutes=5), **options
    )


def level(book, warehouse_id="ber", sku="A"):
    here = book.level(sku, warehouse_id)
    return here.on_hand, here.reserved, here.allocated


def news(book, kind):
    return [payload for _, payload in book.news if isinstance(payload, kind)]


def test_the_nearest_warehouse_serves_an_address(book):
    stock(book, ber=5, ewr=5)
    german = reserve(book, {"A": 1}, "res_1", nearest, destination=Destination("DE", "80331"))
    american = reserve(book, {"A": 1}, "res_2", nearest, destination=Destination("US", "10001"))
    assert [each.lines[0].warehouse_id for each in (german, american)] == ["ber", "ewr"]


def test_a_bundle_is_held_as_its_parts_or_not_at_all(book):
    book.bundles = {"SET": {"A": 2, "B": 1}}
    stock(book, ber=5)
    moving.move(book, "B", "ber", Movement(type=MovementType.RECEIVED, quantity=1))
    with pytest.raises(InsufficientStockError) as refused:
        reserve(book, {"SET": 2})
    assert [(each.sku, each.requested, each.available) for each in refused.value.shortages] == [("SET", 2, 1)]
    held = reserve(book, {"SET": 1, "A": 3})
    assert {(pick.sku, pick.quantity) for pick in held.lines} == {("A", 5), ("B", 1)}
    with pytest.raises(ConflictError):
        moving.move(book, "SET", "ber", Movement(type=MovementType.RECEIVED, quantity=1))


def test_pre_orders_are_sold_up_to_their_limit_and_not_shipped_before_their_release(book):
    release = NOW + timedelta(days=30)
    moving.set_policy(book, "A", "ber", Policy(backorder_limit=2, releases_at=release))
    reserve(book, {"A": 2})
    with pytest.raises(InsufficientStockError):
        reserve(book, {"A": 1}, "res_2")
    promising.allocate(book, "res_1", "ord_1")
    stock(book, ber=2)
    with pytest.raises(ConflictError, match="pre-order"):
        promising.ship(book, "ord_1", [StockLine(sku="A", quantity=2)])
    book.now = release
    promising.ship(book, "ord_1", [StockLine(sku="A", quantity=2)])
    assert level(book) == (0, 0, 0)


def test_safety_stock_is_not_sold(book):
    stock(book, ber=5)
    moving.set_policy(book, "A", "ber", Policy(safety_stock=4))
    with pytest.raises(InsufficientStockError):
        reserve(book, {"A": 2})
    reserve(book, {"A": 1})


def test_an_allocation_tells_each_warehouse_what_to_send(book):
    stock(book, ber=1, ewr=1)
    reserve(book, {"A": 2})
    promising.allocate(book, "res_1", "ord_1")
    assert {(each.warehouse_id, each.lines[0].quantity) for each in news(book, FulfilmentRequested)} == {
        ("ber", 1),
        ("ewr", 1),
    }


def test_extending_never_shortens_and_needs_the_stock(book):
    stock(book, ber=1)
    reserve(book, {"A": 1})
    assert promising.extend(book, "res_1", NOW + timedelta(hours=1)).expires_at == NOW + timedelta(hours=1)
    assert promising.extend(book, "res_1", NOW).expires_at == NOW + timedelta(hours=1)
    book.due = list(book.shelf.lines)
    book.now = NOW + timedelta(hours=2)
    reserve(book, {"A": 1}, "res_2")
    with pytest.raises(ReservationExpiredError):
        promising.extend(book, "res_1", NOW + timedelta(hours=3))
    with pytest.raises(NotFoundError):
        promising.extend(book, "res_none", NOW)


def test_what_comes_back_is_on_the_shelf_unless_it_is_spoilt(book):
    stock(book, ber=3)
    reserve(book, {"A": 3})
    promising.allocate(book, "res_1", "ord_1")
    promising.ship(book, "ord_1", [StockLine(sku="A", quantity=3)])
    back = {"warehouse_id": None, "sellable": True, "reason": "too small"}
    promising.take_back(book, "ord_1", "A", 1, **back)
    promising.take_back(book, "ord_1", "A", 1, **{**back, "warehouse_id": "ewr"})
    promising.take_back(book, "ord_1", "A", 1, **{**back, "sellable": False})
    assert (level(book), level(book, "ewr")) == ((1, 0, 0), (1, 0, 0))
    with pytest.raises(ConflictError):
        promising.take_back(book, "ord_1", "A", 1, **back)
    assert [each.sellable for each in news(book, StockReturned)] == [True, True, False]


def test_a_transfer_leaves_the_sum_as_it_was(book):
    stock(book, ber=3)
    reserve(book, {"A": 1})
    ways = {"source": "ber", "target": "ewr", "reference": "T-1", "reason": ""}
    moving.transfer(book, "A", 2, **ways)
    assert (level(book), level(book, "ewr")) == ((1, 1, 0), (2, 0, 0))
    with pytest.raises(ConflictError):
        moving.transfer(book, "A", 1, **ways)
    with pytest.raises(InvalidInputError):
        moving.transfer(book, "A", 1, **{**ways, "target": "ber"})
    with pytest.raises(NotFoundError):
        moving.transfer(book, "A", 1, **{**ways, "source": "nowhere"})


def test_a_count_moves_promises_that_it_does_not_cover(book):
    stock(book, ber=5, ewr=3)
    reserve(book, {"A": 2}, "res_1")
    promising.allocate(book, "res_1", "ord_1")
    reserve(book, {"A": 2}, "res_2")
    moving.count(book, fewest_splits, "A", "ber", 2, reason="stocktake")
    assert level(book) == (2, 0, 2)
    assert level(book, "ewr") == (3, 2, 0)
    assert [line.pick.warehouse_id for line in book.reservation("res_2") if line.held] == ["ewr"]


def test_a_count_that_breaks_promises_is_refused(book):
    stock(book, ber=5, ewr=1)
    reserve(book, {"A": 5})
    with pytest.raises(ConflictError, match="3 of A"), book.attempt():
        moving.count(book, fewest_splits, "A", "ber", 1, reason="stocktake")
    assert (level(book), level(book, "ewr")) == ((5, 5, 0), (1, 0, 0))


def test_a_failing_warehouse_is_served_from_others(book):
    stock(book, ber=4, ewr=3)
    reserve(book, {"A": 2}, "res_1")
    promising.allocate(book, "res_1", "ord_1")
    reserve(book, {"A": 2}, "res_2")
    assert resourcing.move_out(book, fewest_splits, "A", "ber", reason="flooded") == (3, 4)
    assert level(book, "ewr") == (3, 2, 1)
    stock(book, ewr=1)
    assert resourcing.move_out(book, fewest_splits, "A", "ber", reason="flooded") == (1, 1)
    assert (level(book), level(book, "ewr")) == ((4, 0, 0), (4, 2, 2))
    moved = news(book, AllocationMoved)
    assert {(each.order_id, each.warehouse_id, each.lines[0].warehouse_id) for each in moved} == {
        ("ord_1", "ber", "ewr")
    }
    assert sum(line.quantity for each in moved for line in each.lines) == 2
    assert promising.allocate(book, "res_2", "ord_2")[0].warehouse_id == "ewr"


def test_an_allocation_follows_the_parcel_that_left(book):
    stock(book, ber=3, ewr=3)
    reserve(book, {"A": 2})
    promising.allocate(book, "res_1", "ord_1")
    resourcing.move_out(book, fewest_splits, "A", "ber", reason="flooded")
    resourcing.ship(book, "ord_1", [StockLine(sku="A", quantity=2, warehouse_id="ber")])
    assert (level(book), level(book, "ewr")) == ((1, 0, 0), (3, 0, 0))


def test_what_is_refused_leaves_no_trace(book):
    stock(book, ber=1)
    entries, shelf = list(book.entries), dict(book.shelf.levels)
    moving_both = (moving.adjustment(1, "found"), moving.adjustment(-3, "lost"))

    def both():
        for movement in moving_both:
            moving.move(book, "A", "ber", movement)

    with pytest.raises(ConflictError), book.attempt():
        both()
    assert (book.entries, book.shelf.levels) == (entries, shelf)


def test_replaying_the_entries_gives_the_shelf(book):
    stock(book, ber=3, ewr=3)
    reserve(book, {"A": 5})
    promising.allocate(book, "res_1", "ord_1")
    promising.deallocate(book, "ord_1", "cancelled")
    replayed = Shelf()
    for entry in book.entries:
        replayed.apply(entry)
    assert replayed == book.shelf


def test_a_closed_warehouse_counts_for_nothing(book):
    stock(book, old=5)
    with pytest.raises(InsufficientStockError):
        reserve(book, {"A": 1})
    assert [payload for _, payload in book.changes() if isinstance(payload, InventoryChanged)] == []


def test_the_address_chooses_the_warehouse_when_the_order_is_placed(book):
    stock(book, ber=2, ewr=2)
    reserve(book, {"A": 2}, "res_1", nearest)
    options = {"source": nearest, "destination": Destination("US", "10001")}
    (row,) = promising.allocate(book, "res_1", "ord_1", **options)
    assert (row.warehouse_id, level(book), level(book, "ewr")) == ("ewr", (2, 0, 0), (2, 0, 2))
    reserve(book, {"A": 2}, "res_2", nearest)
    (row,) = promising.allocate(book, "res_2", "ord_2", **options)
    assert row.warehouse_id == "ber"


def test_what_is_held_in_a_closed_warehouse_is_still_given(book):
    stock(book, ber=2)
    reserve(book, {"A": 2})
    book.sites = {**SITES, "ber": Site(active=False)}
    (row,) = promising.allocate(book, "res_1", "ord_1", source=nearest, destination=Destination("DE", "10115"))
    assert row.warehouse_id == "ber"
