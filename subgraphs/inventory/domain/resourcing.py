"""Serving promises from other warehouses than was planned: one fails, or holds less than it was thought to.

A promise moves as a whole where another warehouse has all of it, else in parts. Its buyer keeps the reservation
or the order, and the time at which a reservation ends; only where the goods come from changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from kernel.errors import ConflictError
from kernel.events.catalogue import AllocationMoved, StockLine
from subgraphs.inventory.domain import promising
from subgraphs.inventory.domain.book import Book, stock_line
from subgraphs.inventory.domain.reservations import Allocation, ReservationLine
from subgraphs.inventory.domain.sourcing import Pick, SourcingStrategy
from subgraphs.inventory.domain.stock import MovementType

Promise = ReservationLine | Allocation
Each = TypeVar("Each", ReservationLine, Allocation)


def make_room(book: Book, source: SourcingStrategy, sku: str, warehouse_id: str, quantity: int, *, reason: str) -> None:
    """Move so many promised units out of a warehouse, those of checkouts before those of orders.

    Raises:
        ConflictError: the other warehouses cannot take them over.
    """
    for promise in _promises(book, sku, warehouse_id):
        quantity -= _move(book, source, promise, min(quantity, _open(promise)), reason)
    if quantity > 0:
        message = f"{quantity} of {sku} are promised from that warehouse and nowhere else to be had."
        raise ConflictError(message, code="INSUFFICIENT_STOCK")


def move_out(book: Book, source: SourcingStrategy, sku: str, warehouse_id: str, *, reason: str) -> tuple[int, int]:
    """Move all promises out of a warehouse as far as others can take them; tell how many units, and of how many."""
    book.expire({sku})
    moved = total = 0
    for promise in _promises(book, sku, warehouse_id):
        total += _open(promise)
        moved += _move(book, source, promise, _open(promise), reason)
    return moved, total


def ship(book: Book, order_id: str, lines: Iterable[StockLine]) -> None:
    """Take shipped lines of an order out of the books; where a parcel left from elsewhere, its allocation follows it.

    Raises:
        ConflictError: more was shipped than the order still has, or than that warehouse could spare.
    """
    shipped = list(lines)
    for line in shipped:
        if line.warehouse_id is not None:
            _follow(book, order_id, line.sku, line.warehouse_id, line.quantity)
    promising.ship(book, order_id, shipped)


def _follow(book: Book, order_id: str, sku: str, warehouse_id: str, quantity: int) -> None:
    """Move an order's allocations to the warehouse that its parcel really left from."""
    rows = [row for row in book.order(order_id) if row.sku == sku and row.open]
    missing = quantity - sum(row.open for row in rows if row.warehouse_id == warehouse_id)
    for row in rows:
        part = min(missing, row.open)
        if part > 0 and row.warehouse_id != warehouse_id:
            missing -= part
            left, taken = Pick(sku, row.warehouse_id, part), Pick(sku, warehouse_id, part)
            _move_allocation(book, row, [left], [taken], "The parcel left from there")


def _promises(book: Book, sku: str, warehouse_id: str) -> Iterator[Promise]:
    """What is open on a shelf: checkouts before orders, and the youngest reservation first."""
    lines = [line for line in book.shelf.lines.values() if line.held]
    yield from sorted(_there(lines, sku, warehouse_id), key=lambda each: each.reservation_id, reverse=True)
    rows = [row for row in book.shelf.allocations.values() if row.open]
    yield from sorted(_there(rows, sku, warehouse_id), key=lambda each: each.order_id, reverse=True)


def _there(promises: Iterable[Each], sku: str, warehouse_id: str) -> list[Each]:
    return [each for each in promises if (each.sku, each.warehouse_id) == (sku, warehouse_id)]


def _open(promise: Promise) -> int:
    return promise.quantity if isinstance(promise, ReservationLine) else promise.open


def _move(book: Book, source: SourcingStrategy, promise: Promise, quantity: int, reason: str) -> int:
    """Move so many units of a promise, or as many as others can take over; tell how many."""
    others = [
        each
        for each in book.supplies()
        if each.sku == promise.sku and each.warehouse_id != promise.warehouse_id and each.available > 0
    ]
    moved = min(quantity, sum(each.available for each in others))
    if moved:
        picks = source({promise.sku: moved}, others)
        left = [Pick(promise.sku, promise.warehouse_id, moved)]
        if isinstance(promise, ReservationLine):
            _move_line(book, promise, left, picks, reason)
        else:
            _move_allocation(book, promise, left, picks, reason)
            _tell(book, promise, picks, reason)
    return moved


def _move_line(book: Book, line: ReservationLine, left: list[Pick], picks: Iterable[Pick], reason: str) -> None:
    book.record_picks(left, MovementType.RELEASED, line.reservation_id, reason)
    details = {"checkout_id": line.checkout_id, "expires_at": line.expires_at.isoformat()}
    book.record_picks(picks, MovementType.RESERVED, line.reservation_id, reason, details)


def _move_allocation(book: Book, row: Allocation, left: list[Pick], taken: Sequence[Pick], reason: str) -> None:
    """Give the order stock elsewhere: reserved for it and allocated at once, so that the other shelf shows both."""
    book.record_picks(left, MovementType.DEALLOCATED, row.order_id, reason)
    held = {"checkout_id": "", "expires_at": book.now.isoformat()}
    book.record_picks(taken, MovementType.RESERVED, row.reservation_id, reason, held)
    book.record_picks(taken, MovementType.ALLOCATED, row.order_id, reason, {"reservation_id": row.reservation_id})


def _tell(book: Book, row: Allocation, taken: Sequence[Pick], reason: str) -> None:
    news = AllocationMoved(
        order_id=row.order_id,
        warehouse_id=row.warehouse_id,
        lines=tuple(stock_line(pick) for pick in taken),
        reason=reason,
    )
    book.tell(row.order_id, news)
    promising.request_fulfilment(book, row.order_id, taken)
