"""What is promised of the stock: held for checkouts, given to orders, taken back, shipped and returned.

Each function is one decision on an open book: all of its lines happen, or it raises and the book is as before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from kernel.errors import ConflictError
from kernel.events.catalogue import (
    FulfilmentRequested,
    ReservationExtended,
    StockAllocated,
    StockLine,
    StockReleased,
    StockReserved,
    StockReturned,
)
from subgraphs.inventory.domain.book import Book, stock_line
from subgraphs.inventory.domain.errors import InsufficientStockError, ReservationExpiredError, Shortage
from subgraphs.inventory.domain.places import Destination, locate
from subgraphs.inventory.domain.reservations import Allocation, Reservation, ReservationLine, ReservationState
from subgraphs.inventory.domain.sourcing import Pick, SourcingStrategy
from subgraphs.inventory.domain.stock import Movement, MovementType


def reserve(
    book: Book,
    source: SourcingStrategy,
    wanted: Mapping[str, int],
    *,
    reservation_id: str,
    checkout_id: str,
    expires_at: datetime,
    destination: Destination | None = None,
) -> Reservation:
    """Hold stock for a checkout: all lines or none; a bundle is held as its parts.

    Raises:
        InsufficientStockError: some line cannot be met.
    """
    parts = _parts(book, wanted)
    book.expire(parts.keys())
    place = None if destination is None else locate(destination)
    try:
        picks = source(parts, book.supplies(place))
    except InsufficientStockError as error:
        raise InsufficientStockError(list(_as_wanted(book, wanted, error.shortages))) from error
    details = {"checkout_id": checkout_id, "expires_at": expires_at.isoformat()}
    book.record_picks(picks, MovementType.RESERVED, reservation_id, details=details)
    book.tell(
        reservation_id,
        StockReserved(
            reservation_id=reservation_id,
            checkout_id=checkout_id,
            lines=_lines(picks),
            expires_at=expires_at.isoformat(),
        ),
    )
    return Reservation(
        id=reservation_id,
        checkout_id=checkout_id,
        expires_at=expires_at,
        state=ReservationState.HELD,
        lines=tuple(picks),
    )


def extend(book: Book, reservation_id: str, expires_at: datetime) -> Reservation:
    """Hold a reservation for longer; one whose time is over still counts while nobody else has taken any of it.

    Raises:
        NotFoundError: there is no such reservation.
        ReservationExpiredError: it does not hold all of its stock any more.
    """
    lines = _all_held(book, reservation_id)
    for line in lines:
        if line.expires_at < expires_at:
            movement = Movement(
                type=MovementType.EXTENDED,
                quantity=0,
                reference=reservation_id,
                details={"expires_at": expires_at.isoformat()},
            )
            book.record(line.sku, line.warehouse_id, movement)
    extended = Reservation.of(book.reservation(reservation_id))
    book.tell(
        reservation_id,
        ReservationExtended(reservation_id=reservation_id, expires_at=extended.expires_at.isoformat()),
    )
    return extended


def release(book: Book, reservation_id: str, reason: str) -> Reservation:
    """Give back what a reservation still holds; one that holds nothing any more stays as it is.

    Raises:
        NotFoundError: there is no such reservation.
        ConflictError: its stock belongs to an order already.
    """
    lines = book.reservation(reservation_id)
    if any(line.state is ReservationState.ALLOCATED for line in lines):
        raise ConflictError("The reserved stock belongs to an order.", code="INVALID_STATE")
    book.expire({line.sku for line in lines}, spare=reservation_id)
    held = [line.pick for line in lines if line.held]
    book.record_picks(held, MovementType.RELEASED, reservation_id, reason)
    _tell_release(book, reservation_id, reservation_id, held, reason)
    return Reservation.of(book.reservation(reservation_id))


def allocate(
    book: Book,
    reservation_id: str,
    order_id: str,
    *,
    source: SourcingStrategy | None = None,
    destination: Destination | None = None,
) -> tuple[Allocation, ...]:
    """Give reserved stock to an order; what it has of this reservation already is given again as it is.

    A reservation whose time is over still counts as long as nobody else has taken any of it. Where the goods go to
    is often known only now: with a `destination` the warehouses are chosen anew.

    Raises:
        NotFoundError: there is no such reservation.
        ReservationExpiredError: some of it is gone; nothing is allocated.
        ConflictError: it belongs to another order, or the order has stock from another reservation.
    """
    known = book.order(order_id)
    if any(row.reservation_id != reservation_id for row in known):
        raise ConflictError("The order already has stock from another reservation.")
    if known:
        return tuple(known)
    if any(line.state is ReservationState.ALLOCATED for line in book.reservation(reservation_id)):
        raise ConflictError("The reserved stock belongs to another order.", code="INVALID_STATE")
    held = _all_held(book, reservation_id)
    picks = [line.pick for line in held]
    if source is not None and destination is not None:
        picks = _chosen_anew(book, source, held, destination)
    details = {"reservation_id": reservation_id}
    book.record_picks(picks, MovementType.ALLOCATED, order_id, details=details)
    book.tell(order_id, StockAllocated(reservation_id=reservation_id, order_id=order_id, lines=_lines(picks)))
    request_fulfilment(book, order_id, picks)
    return tuple(book.order(order_id))


def deallocate(book: Book, order_id: str, reason: str) -> tuple[Allocation, ...]:
    """Give back what an order has not shipped; an order that has nothing is no fault."""
    rows = [row for row in book.order(order_id) if row.open]
    book.expire({row.sku for row in rows})
    picks = [Pick(row.sku, row.warehouse_id, row.open) for row in rows]
    book.record_picks(picks, MovementType.DEALLOCATED, order_id, reason)
    if rows:
        _tell_release(book, order_id, rows[0].reservation_id, picks, reason)
    return tuple(book.order(order_id))


def reallocate(
    book: Book,
    source: SourcingStrategy,
    order_id: str,
    wanted: Mapping[str, int],
    *,
    destination: Destination | None = None,
) -> tuple[Allocation, ...]:
    """Let an order that was changed have just this: what it lacks is allocated, what is too much given back.

    What it keeps stays where it is.

    Raises:
        InsufficientStockError: some line cannot be met; nothing has changed.
        ConflictError: the order has no stock, or a part of it has left.
    """
    rows = book.order(order_id)
    if not rows or any(row.shipped for row in rows):
        raise ConflictError("The order has no stock that could be changed.", code="INVALID_STATE")
    parts = _parts(book, wanted)
    has: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        has[row.sku] += row.open
    book.expire(parts.keys() | has.keys())
    _allocate_more(book, source, rows[0], _excess(parts, has), destination)
    _give_back(book, rows, _excess(has, parts))
    return tuple(book.order(order_id))


def _excess(here: Mapping[str, int], there: Mapping[str, int]) -> dict[str, int]:
    """Tell of what there is more here than there."""
    return {sku: more for sku in sorted(here) if (more := here[sku] - there.get(sku, 0)) > 0}


def _allocate_more(
    book: Book, source: SourcingStrategy, head: Allocation, missing: Mapping[str, int], destination: Destination | None
) -> None:
    """Reserve for an order and allocate at once, under the reservation that it was made from."""
    if not missing:
        return
    place = None if destination is None else locate(destination)
    picks = source(missing, [each for each in book.supplies(place) if each.sku in missing])
    why, held = "The order was changed", {"checkout_id": "", "expires_at": book.now.isoformat()}
    book.record_picks(picks, MovementType.RESERVED, head.reservation_id, why, held)
    details = {"reservation_id": head.reservation_id}
    book.record_picks(picks, MovementType.ALLOCATED, head.order_id, why, details)
    told = StockAllocated(reservation_id=head.reservation_id, order_id=head.order_id, lines=_lines(picks))
    book.tell(head.order_id, told)
    request_fulfilment(book, head.order_id, picks)


def _give_back(book: Book, rows: Sequence[Allocation], surplus: dict[str, int]) -> None:
    """Give back what an order has too much of, from its last warehouse on."""
    picks: list[Pick] = []
    for row in reversed(rows):
        back = min(row.open, surplus.get(row.sku, 0))
        if back:
            surplus[row.sku] -= back
            picks.append(Pick(row.sku, row.warehouse_id, back))
    why = "The order was changed"
    book.record_picks(picks, MovementType.DEALLOCATED, rows[0].order_id, why)
    _tell_release(book, rows[0].order_id, rows[0].reservation_id, picks, why)


def ship(book: Book, order_id: str, lines: Iterable[StockLine]) -> None:
    """Take shipped lines of an order out of the books.

    Raises:
        ConflictError: more was shipped than the order still has, or before a pre-order's release.
    """
    wanted = list(lines)
    book.expire({line.sku for line in wanted})
    for line in wanted:
        for pick in _take(book.order(order_id), line):
            releases_at = book.level(pick.sku, pick.warehouse_id).releases_at
            if releases_at is not None and book.now < releases_at:
                raise ConflictError(f"{pick.sku} is a pre-order until {releases_at:%Y-%m-%d}.", code="INVALID_STATE")
            book.record_picks([pick], MovementType.SHIPPED, order_id)


def take_back(
    book: Book, order_id: str, sku: str, quantity: int, *, warehouse_id: str | None, sellable: bool, reason: str
) -> tuple[Allocation, ...]:
    """Put goods that a buyer sent back on the shelf; what cannot be sold again is written off at once.

    They come back to the warehouse that shipped them unless another one is named.

    Raises:
        ConflictError: the order has not been sent so many.
    """
    book.expire({sku})
    taken: list[Pick] = []
    for row in book.order(order_id):
        back = min(row.away, quantity) if row.sku == sku else 0
        if back:
            quantity -= back
            taken.append(Pick(sku, warehouse_id or row.warehouse_id, back))
            details = {"shipped_from": row.warehouse_id}
            book.record_picks(taken[-1:], MovementType.RETURNED, order_id, reason, details)
    if quantity:
        raise ConflictError(f"The order has not been sent so many of {sku}.", code="INVALID_STATE")
    if not sellable:
        for pick in taken:
            lost = Movement(
                type=MovementType.ADJUSTED,
                quantity=-pick.quantity,
                reference=order_id,
                reason=reason or "Returned, not fit to be sold",
            )
            book.record(pick.sku, pick.warehouse_id, lost)
    book.tell(order_id, StockReturned(order_id=order_id, lines=_lines(taken), sellable=sellable, reason=reason))
    return tuple(book.order(order_id))


def request_fulfilment(book: Book, order_id: str, picks: Sequence[Pick]) -> None:
    """Tell each warehouse what it is to send of an order."""
    by_warehouse: defaultdict[str, list[Pick]] = defaultdict(list)
    for pick in picks:
        by_warehouse[pick.warehouse_id].append(pick)
    for warehouse_id, own in by_warehouse.items():
        book.tell(order_id, FulfilmentRequested(order_id=order_id, warehouse_id=warehouse_id, lines=_lines(own)))


def _chosen_anew(
    book: Book, source: SourcingStrategy, held: Sequence[ReservationLine], destination: Destination
) -> list[Pick]:
    """Move held stock to where it is best sent from; it stays where it is when there is nothing better."""
    own = {(line.sku, line.warehouse_id): line.quantity for line in held}
    wanted: defaultdict[str, int] = defaultdict(int)
    for line in held:
        wanted[line.sku] += line.quantity
    supplies = [
        replace(each, available=each.available + own.get((each.sku, each.warehouse_id), 0))
        for each in book.supplies(locate(destination))
        if each.sku in wanted
    ]
    kept = [line.pick for line in held]
    try:
        picks = list(source(wanted, supplies))
    except InsufficientStockError:  # a warehouse was closed since, or keeps more safety stock
        return kept
    if set(picks) != set(kept):
        head, why = held[0], "Chosen by the address"
        details = {"checkout_id": head.checkout_id, "expires_at": head.expires_at.isoformat()}
        book.record_picks(kept, MovementType.RELEASED, head.reservation_id, why)
        book.record_picks(picks, MovementType.RESERVED, head.reservation_id, why, details)
    return picks


def _all_held(book: Book, reservation_id: str) -> list[ReservationLine]:
    lines = book.reservation(reservation_id)
    book.expire({line.sku for line in lines}, spare=reservation_id)
    held = [line for line in lines if line.held]
    if not held or any(line.state is ReservationState.EXPIRED for line in lines):
        raise ReservationExpiredError("The reservation is over and its stock was given to others.")
    return held


def _parts(book: Book, wanted: Mapping[str, int]) -> dict[str, int]:
    """Count what is really taken from shelves: bundles as their parts."""
    parts: dict[str, int] = {}
    for sku, quantity in wanted.items():
        for part, each in book.bundles.get(sku, {sku: 1}).items():
            parts[part] = parts.get(part, 0) + quantity * each
    return parts


def _as_wanted(book: Book, wanted: Mapping[str, int], shortages: Sequence[Shortage]) -> Iterator[Shortage]:
    """Tell shortages of parts as shortages of the lines that were wanted."""
    short = {each.sku: each for each in shortages}
    for sku, quantity in wanted.items():
        parts = book.bundles.get(sku)
        if parts is None and sku in short:
            yield Shortage(sku, quantity, min(short[sku].available, max(0, quantity - 1)))
        elif parts is not None and not short.keys().isdisjoint(parts):
            enough = min(short[part].available // each for part, each in parts.items() if part in short)
            yield Shortage(sku, quantity, min(enough, max(0, quantity - 1)))


def _take(rows: Sequence[Allocation], line: StockLine) -> Iterator[Pick]:
    """Find the allocations that a shipped line came from."""
    missing = line.quantity
    for row in rows:
        taken = min(missing, row.open)
        if row.sku == line.sku and line.warehouse_id in (None, row.warehouse_id) and taken:
            missing -= taken
            yield Pick(row.sku, row.warehouse_id, taken)
    if missing:
        raise ConflictError(f"More of {line.sku} was shipped than the order has.", code="INVALID_STATE")


def _tell_release(book: Book, subject: str, reservation_id: str, picks: Sequence[Pick], reason: str) -> None:
    if picks:
        book.tell(subject, StockReleased(reservation_id=reservation_id, lines=_lines(picks), reason=reason))


def _lines(picks: Iterable[Pick]) -> tuple[StockLine, ...]:
    return tuple(stock_line(pick) for pick in picks)
