"""The commands of stock. Each is one transaction: all of its lines happen, or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database, constraint_name
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.events.catalogue import StockAllocated, StockLine, StockReleased, StockReserved
from kernel.ids import new_id
from subgraphs.inventory.domain.errors import ReservationExpiredError
from subgraphs.inventory.domain.reservations import (
    Allocation,
    Reservation,
    ReservationState,
    Wish,
    add_up,
    check_duration,
)
from subgraphs.inventory.domain.sourcing import Pick, SourcingStrategy, fewest_splits
from subgraphs.inventory.domain.stock import MAX_QUANTITY, Movement, MovementType
from subgraphs.inventory.service.book import StockBook
from subgraphs.inventory.service.once import once
from subgraphs.inventory.storage import ledger, promises
from subgraphs.inventory.storage.ledger import Standing
from subgraphs.inventory.storage.verification import Discrepancy, find_discrepancies

_SWEPT_AT_ONCE = 50


class InventoryService:
    """What can be done with stock."""

    def __init__(self, database: Database, clock: Clock, *, source: SourcingStrategy = fewest_splits) -> None:
        self.database = database
        self.clock = clock
        self._source = source

    async def reserve(self, checkout_id: str, wishes: Sequence[Wish], ttl_seconds: int, key: str) -> Reservation:
        """Hold stock for a checkout until its time is over.

        Raises:
            InsufficientStockError: some line cannot be met; nothing is held.
        """
        wanted, duration = add_up(wishes), check_duration(ttl_seconds)

        async def work(session: AsyncSession) -> Reservation:
            now = self.clock.now()
            book = await StockBook.open(session, wanted, now)
            reservation = Reservation(
                id=new_id("res"),
                checkout_id=checkout_id,
                expires_at=now + duration,
                state=ReservationState.HELD,
                lines=self._source(wanted, book.supplies()),
            )
            _record(book, reservation.lines, MovementType.RESERVED, reservation.id)
            await promises.add_reservation(session, reservation, now)
            await book.close(_reserved(reservation))
            return reservation

        return await once(
            self.database, key, "stockReserve", [checkout_id, wanted, ttl_seconds], work=work, gives=Reservation
        )

    async def release(self, reservation_id: str, reason: str, key: str) -> Reservation:
        """Give back what a reservation still holds; one that holds nothing any more stays as it is.

        Raises:
            NotFoundError: there is no such reservation.
            ConflictError: its stock belongs to an order already.
        """

        async def work(session: AsyncSession) -> Reservation:
            reservation = await _locked(session, reservation_id)
            if reservation.state is ReservationState.ALLOCATED:
                raise ConflictError("The reserved stock belongs to an order.", code="INVALID_STATE")
            book = await StockBook.open(session, _skus(reservation.lines), self.clock.now(), spare=reservation.id)
            held = await promises.settle_reservation(session, reservation.id, ReservationState.RELEASED)
            _record(book, held, MovementType.RELEASED, reservation.id, reason)
            await book.close(*_released(reservation.id, reservation.id, held, reason))
            return replace(reservation, state=ReservationState.RELEASED)

        return await once(
            self.database, key, "reservationRelease", [reservation_id, reason], work=work, gives=Reservation
        )

    async def allocate(self, reservation_id: str, order_id: str, key: str) -> tuple[Allocation, ...]:
        """Give reserved stock to an order.

        A reservation whose time is over still counts as long as nobody else has taken any of it.

        Raises:
            NotFoundError: there is no such reservation.
            ReservationExpiredError: some of it is gone; nothing is allocated.
            ConflictError: it belongs to another order.
        """

        async def work(session: AsyncSession) -> tuple[Allocation, ...]:
            reservation = await _locked(session, reservation_id)
            if reservation.state is ReservationState.ALLOCATED:
                return await _allocated_before(session, reservation_id, order_id)
            book = await StockBook.open(session, _skus(reservation.lines), self.clock.now(), spare=reservation.id)
            held = await promises.settle_reservation(session, reservation.id, ReservationState.ALLOCATED)
            if len(held) < len(reservation.lines):
                raise ReservationExpiredError("The reservation is over and its stock was given to others.")
            _record(book, reservation.lines, MovementType.ALLOCATED, order_id)
            rows = tuple(
                Allocation(order_id=order_id, reservation_id=reservation.id, **asdict(line))
                for line in reservation.lines
            )
            await promises.add_allocations(session, rows)
            await book.close(_allocated(reservation, order_id))
            return rows

        try:
            return await once(
                self.database, key, "stockAllocate", [reservation_id, order_id], work=work, gives=tuple[Allocation, ...]
            )
        except IntegrityError as error:
            if constraint_name(error) != "allocations_pkey":
                raise
            raise ConflictError("The order already has stock from another reservation.") from error

    async def release_allocation(self, order_id: str, reason: str, key: str) -> tuple[Allocation, ...]:
        """Give back what an order has not shipped; an order that has nothing is no fault."""

        async def work(session: AsyncSession) -> tuple[Allocation, ...]:
            return await self.deallocate(session, order_id, reason)

        return await once(
            self.database, key, "allocationRelease", [order_id, reason], work=work, gives=tuple[Allocation, ...]
        )

    async def deallocate(self, session: AsyncSession, order_id: str, reason: str) -> tuple[Allocation, ...]:
        """Give back what an order has not shipped, in the caller's transaction."""
        book, rows = await self._open_order(session, order_id)
        picks = [Pick(row.sku, row.warehouse_id, row.open) for row in rows if row.open]
        _record(book, picks, MovementType.DEALLOCATED, order_id, reason)
        after = [replace(row, released=row.released + row.open) for row in rows if row.open]
        await promises.write_allocations(session, after)
        await book.close(*_released(order_id, rows[0].reservation_id if rows else "", picks, reason))
        return tuple(await promises.get_allocations(session, order_id))

    async def ship(self, session: AsyncSession, order_id: str, lines: Iterable[StockLine]) -> None:
        """Take shipped lines of an order out of the books, in the caller's transaction.

        Raises:
            ConflictError: more was shipped than the order still has.
        """
        book, rows = await self._open_order(session, order_id)
        after = {(row.sku, row.warehouse_id): row for row in rows}
        for line in lines:
            for row, taken in _take(list(after.values()), line):
                after[row.sku, row.warehouse_id] = replace(row, shipped=row.shipped + taken)
                book.record(
                    row.sku,
                    row.warehouse_id,
                    Movement(type=MovementType.SHIPPED, quantity=taken, reference=order_id),
                )
        await promises.write_allocations(session, [row for row in after.values() if row not in rows])
        await book.close()

    async def receive(self, sku: str, warehouse_id: str, quantity: int, *, reference: str, key: str) -> Standing:
        """Add delivered goods."""
        movement = Movement(type=MovementType.RECEIVED, quantity=quantity, reference=reference)
        return await self._move("stockReceive", sku, warehouse_id, movement, key)

    async def open_stock(self, warehouse_id: str, quantities: Mapping[str, int], *, reference: str) -> int:
        """Receive the first goods of SKUs that this warehouse has never had, all or none; tell of how many SKUs.

        A SKU that has a history there is left alone, so the same list may come again.
        """
        async with self.database.transaction() as session:
            for sku in sorted(quantities):
                await _open_level(session, sku, warehouse_id)
            book = await StockBook.open(session, quantities, self.clock.now())
            for sku, quantity in quantities.items():
                if quantity and not book.standing(sku, warehouse_id).level.version:
                    movement = Movement(type=MovementType.RECEIVED, quantity=quantity, reference=reference)
                    book.record(sku, warehouse_id, movement)
            await book.close()
            return book.movements

    async def adjust(self, sku: str, warehouse_id: str, delta: int, *, reason: str, key: str) -> Standing:
        """Correct how many there are; a reason is due.

        Raises:
            ConflictError: what would be taken is not there or promised to others.
        """
        if not reason.strip():
            raise InvalidInputError("Say why the stock is corrected.", path=("reason",))
        movement = Movement(type=MovementType.ADJUSTED, quantity=delta, reason=reason.strip()[:500])
        return await self._move("stockAdjust", sku, warehouse_id, movement, key)

    async def set_policy(self, sku: str, warehouse_id: str, *, reorder_point: int, backorder_limit: int) -> Standing:
        """Say when a SKU is reordered in a warehouse, and how many more than there are may be promised.

        Raises:
            ConflictError: more back-orders than the new limit are promised already.
        """
        if not (0 <= reorder_point <= MAX_QUANTITY and 0 <= backorder_limit <= MAX_QUANTITY):
            raise InvalidInputError(f"A policy's figures lie between 0 and {MAX_QUANTITY}.", path=("input",))
        async with self.database.transaction() as session:
            await _open_level(session, sku, warehouse_id)
            book = await StockBook.open(session, [sku], self.clock.now())
            book.set_policy(sku, warehouse_id, reorder_point=reorder_point, backorder_limit=backorder_limit)
            await book.close()
            return book.standing(sku, warehouse_id)

    async def expire_due(self) -> int:
        """End some reservations whose time is over; tell how many lines that were."""
        async with self.database.transaction() as session:
            skus = await promises.due_skus(session, self.clock.now(), _SWEPT_AT_ONCE)
            if not skus:
                return 0
            book = await StockBook.open(session, skus, self.clock.now())
            await book.close()
            return book.movements

    async def verify(self) -> list[Discrepancy]:
        """Prove that levels, ledger, reservations and allocations agree; empty when they do."""
        async with self.database.transaction() as session:
            return await find_discrepancies(session)

    async def _move(self, operation: str, sku: str, warehouse_id: str, movement: Movement, key: str) -> Standing:
        async def work(session: AsyncSession) -> Standing:
            await _open_level(session, sku, warehouse_id)
            book = await StockBook.open(session, [sku], self.clock.now())
            book.record(sku, warehouse_id, movement)
            await book.close()
            return book.standing(sku, warehouse_id)

        arguments = [sku, warehouse_id, movement.quantity, movement.reference, movement.reason]
        return await once(self.database, key, operation, arguments, work=work, gives=Standing)

    async def _open_order(self, session: AsyncSession, order_id: str) -> tuple[StockBook, list[Allocation]]:
        """Lock the stock of an order, then read what it has of it."""
        known = await promises.get_allocations(session, order_id)
        book = await StockBook.open(session, {row.sku for row in known}, self.clock.now())
        return book, await promises.get_allocations(session, order_id)


async def _locked(session: AsyncSession, reservation_id: str) -> Reservation:
    reservation = await promises.get_reservation(session, reservation_id, lock=True)
    if reservation is None:
        raise NotFoundError("There is no such reservation.", path=("reservationId",))
    return reservation


async def _allocated_before(session: AsyncSession, reservation_id: str, order_id: str) -> tuple[Allocation, ...]:
    rows = tuple(await promises.get_allocations(session, order_id))
    if not rows or any(row.reservation_id != reservation_id for row in rows):
        raise ConflictError("The reserved stock belongs to another order.", code="INVALID_STATE")
    return rows


async def _open_level(session: AsyncSession, sku: str, warehouse_id: str) -> None:
    if not 1 <= len(sku) <= 250:
        raise InvalidInputError("A SKU has from 1 to 250 characters.", path=("sku",))
    try:
        await ledger.open_level(session, sku, warehouse_id)
    except IntegrityError as error:
        if constraint_name(error) != "stock_levels_warehouse":
            raise
        raise NotFoundError("There is no such warehouse.", path=("warehouseId",)) from error


def _record(book: StockBook, lines: Iterable[Pick], kind: MovementType, reference: str, reason: str = "") -> None:
    for line in lines:
        movement = Movement(type=kind, quantity=line.quantity, reference=reference, reason=reason)
        book.record(line.sku, line.warehouse_id, movement)


def _take(rows: Sequence[Allocation], line: StockLine) -> Iterable[tuple[Allocation, int]]:
    """Find the allocations that a shipped line came from."""
    missing = line.quantity
    for row in rows:
        taken = min(missing, row.open)
        if row.sku == line.sku and line.warehouse_id in (None, row.warehouse_id) and taken:
            missing -= taken
            yield row, taken
    if missing:
        raise ConflictError(f"More of {line.sku} was shipped than the order has.", code="INVALID_STATE")


def _skus(lines: Iterable[Pick]) -> set[str]:
    return {line.sku for line in lines}


def _lines(picks: Iterable[Pick]) -> tuple[StockLine, ...]:
    return tuple(StockLine(**asdict(pick)) for pick in picks)


def _reserved(reservation: Reservation) -> tuple[str, StockReserved]:
    return reservation.id, StockReserved(
        reservation_id=reservation.id,
        checkout_id=reservation.checkout_id,
        lines=_lines(reservation.lines),
        expires_at=reservation.expires_at.isoformat(),
    )


def _released(
    subject: str, reservation_id: str, picks: Sequence[Pick], reason: str
) -> Iterable[tuple[str, StockReleased]]:
    if picks:
        yield subject, StockReleased(reservation_id=reservation_id, lines=_lines(picks), reason=reason)


def _allocated(reservation: Reservation, order_id: str) -> tuple[str, StockAllocated]:
    return order_id, StockAllocated(reservation_id=reservation.id, order_id=order_id, lines=_lines(reservation.lines))
