"""The commands of stock. Each is one decision on a book: all of its lines happen, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import InvalidInputError
from kernel.events.catalogue import StockLine
from kernel.events.feed import EventFeed, PostgresFeed
from kernel.ids import new_id
from subgraphs.inventory.domain import moving, promising, resourcing
from subgraphs.inventory.domain.book import Book
from subgraphs.inventory.domain.places import Destination
from subgraphs.inventory.domain.reservations import Allocation, Reservation, Wish, add_up, check_duration
from subgraphs.inventory.domain.sourcing import SourcingStrategy, fewest_splits
from subgraphs.inventory.domain.stock import Movement, MovementType, Policy
from subgraphs.inventory.service import auditing
from subgraphs.inventory.service.desk import Command, Desk, in_transaction_of
from subgraphs.inventory.storage import commands, promises
from subgraphs.inventory.storage.ledger import Standing, Touched, standing_in
from subgraphs.inventory.storage.verification import Discrepancy

Answer = TypeVar("Answer")

_SWEPT_AT_ONCE: Final = 50
_ALLOCATIONS: Final = tuple[Allocation, ...]


class InventoryService:
    """What can be done with stock."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        source: SourcingStrategy = fewest_splits,
        desk: Desk | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.feed: EventFeed = PostgresFeed(database)
        """What happens to stock, for those who wait for it."""
        self._source = source
        self._desk = desk or Desk(database, clock)

    async def reserve(
        self,
        checkout_id: str,
        wishes: Sequence[Wish],
        ttl_seconds: int,
        key: str,
        *,
        destination: Destination | None = None,
    ) -> Reservation:
        """Hold stock for a checkout until its time is over; a bundle is held as its parts.

        Raises:
            InsufficientStockError: some line cannot be met; nothing is held.
        """
        wanted, duration = add_up(wishes), check_duration(ttl_seconds)
        reservation_id = new_id("res")

        def decide(book: Book) -> Reservation:
            return promising.reserve(
                book,
                self._source,
                wanted,
                reservation_id=reservation_id,
                checkout_id=checkout_id,
                expires_at=book.now + duration,
                destination=destination,
            )

        return await self._once(
            "stockReserve",
            key,
            [checkout_id, wanted, ttl_seconds, *_said(destination)],
            Touched(skus=frozenset(wanted)),
            decide,
            gives=Reservation,
        )

    async def extend(self, reservation_id: str, ttl_seconds: int, key: str) -> Reservation:
        """Hold a reservation for so long from now on, if that is longer than it is held already.

        Raises:
            NotFoundError: there is no such reservation.
            ReservationExpiredError: it does not hold all of its stock any more.
        """
        duration = check_duration(ttl_seconds)
        return await self._once(
            "reservationExtend",
            key,
            [reservation_id, ttl_seconds],
            Touched(reservations=frozenset([reservation_id])),
            lambda book: promising.extend(book, reservation_id, book.now + duration),
            gives=Reservation,
        )

    async def release(self, reservation_id: str, reason: str, key: str) -> Reservation:
        """Give back what a reservation still holds; one that holds nothing any more stays as it is.

        Raises:
            NotFoundError: there is no such reservation.
            ConflictError: its stock belongs to an order already.
        """
        return await self._once(
            "reservationRelease",
            key,
            [reservation_id, reason],
            Touched(reservations=frozenset([reservation_id])),
            lambda book: promising.release(book, reservation_id, reason),
            gives=Reservation,
        )

    async def allocate(
        self, reservation_id: str, order_id: str, key: str, *, destination: Destination | None = None
    ) -> tuple[Allocation, ...]:
        """Give reserved stock to an order, from the warehouses that suit the address if one is given.

        A reservation whose time is over still counts as long as nobody else has taken any of it.

        Raises:
            NotFoundError: there is no such reservation.
            ReservationExpiredError: some of it is gone; nothing is allocated.
            ConflictError: it belongs to another order, or the order has stock from another reservation.
        """
        return await self._once(
            "stockAllocate",
            key,
            [reservation_id, order_id, *_said(destination)],
            Touched(reservations=frozenset([reservation_id]), orders=frozenset([order_id])),
            lambda book: promising.allocate(
                book, reservation_id, order_id, source=self._source, destination=destination
            ),
            gives=_ALLOCATIONS,
        )

    async def release_allocation(self, order_id: str, reason: str, key: str) -> tuple[Allocation, ...]:
        """Give back what an order has not shipped; an order that has nothing is no fault."""
        return await self._once(
            "allocationRelease",
            key,
            [order_id, reason],
            Touched(orders=frozenset([order_id])),
            lambda book: promising.deallocate(book, order_id, reason),
            gives=_ALLOCATIONS,
        )

    async def reallocate(
        self, order_id: str, wishes: Sequence[Wish], key: str, *, destination: Destination | None = None
    ) -> tuple[Allocation, ...]:
        """Let an order that was changed have just this.

        Raises:
            InsufficientStockError: some line cannot be met; nothing has changed.
            ConflictError: the order has no stock, or a part of it has left.
        """
        wanted = add_up(wishes)
        return await self._once(
            "allocationChange",
            key,
            [order_id, wanted, *_said(destination)],
            Touched(skus=frozenset(wanted), orders=frozenset([order_id])),
            lambda book: promising.reallocate(book, self._source, order_id, wanted, destination=destination),
            gives=_ALLOCATIONS,
        )

    async def deallocate(self, session: AsyncSession, order_id: str, reason: str) -> tuple[Allocation, ...]:
        """Give back what an order has not shipped, in the caller's transaction."""
        touches = Touched(orders=frozenset([order_id]))
        return await in_transaction_of(
            session, self.clock, touches, lambda book: promising.deallocate(book, order_id, reason)
        )

    async def ship(self, session: AsyncSession, order_id: str, lines: Iterable[StockLine]) -> None:
        """Take shipped lines of an order out of the books, in the caller's transaction.

        Raises:
            ConflictError: more was shipped than the order still has.
        """
        shipped = tuple(lines)
        touches = Touched(orders=frozenset([order_id]))
        await in_transaction_of(session, self.clock, touches, lambda book: resourcing.ship(book, order_id, shipped))

    async def take_back(
        self,
        order_id: str,
        sku: str,
        quantity: int,
        *,
        key: str,
        warehouse_id: str | None = None,
        sellable: bool = True,
        reason: str = "",
    ) -> tuple[Allocation, ...]:
        """Put goods that a buyer sent back on the shelf, or write them off where they cannot be sold again.

        Raises:
            ConflictError: the order has not been sent so many.
        """
        return await self._once(
            "stockReturn",
            key,
            [order_id, sku, quantity, warehouse_id, sellable, reason],
            Touched(skus=frozenset([sku]), orders=frozenset([order_id])),
            lambda book: promising.take_back(
                book, order_id, sku, quantity, warehouse_id=warehouse_id, sellable=sellable, reason=reason
            ),
            gives=_ALLOCATIONS,
        )

    async def receive(self, sku: str, warehouse_id: str, quantity: int, *, reference: str, key: str) -> Standing:
        """Add delivered goods."""
        movement = Movement(type=MovementType.RECEIVED, quantity=quantity, reference=reference)
        return await self._move("stockReceive", sku, warehouse_id, movement, key)

    async def open_stock(self, warehouse_id: str, quantities: Mapping[str, int], *, reference: str) -> int:
        """Receive the first goods of SKUs that this warehouse has never had, all or none; tell of how many SKUs.

        A SKU that has a history there is left alone, so the same list may come again; one of which there is nothing
        yet has none.
        """
        for sku in quantities:
            _check_sku(sku)

        def decide(book: Book) -> int:
            fresh = {
                sku: quantity
                for sku, quantity in quantities.items()
                if quantity and not book.level(sku, warehouse_id).version
            }
            for sku, quantity in fresh.items():
                movement = Movement(type=MovementType.RECEIVED, quantity=quantity, reference=reference)
                moving.move(book, sku, warehouse_id, movement)
            return len(fresh)

        command = Command(operation="stockOpen", touches=Touched(skus=frozenset(quantities)), decide=decide)
        return int(await self._desk.do(command))

    async def adjust(self, sku: str, warehouse_id: str, delta: int, *, reason: str, key: str) -> Standing:
        """Correct how many there are; a reason is due.

        Raises:
            ConflictError: what would be taken is not there or promised to others.
        """
        return await self._move("stockAdjust", sku, warehouse_id, moving.adjustment(delta, reason), key)

    async def count(self, sku: str, warehouse_id: str, counted: int, *, reason: str, key: str) -> Standing:
        """Write down how many were counted; promises that they do not cover are moved to other warehouses.

        Raises:
            ConflictError: more is promised than was counted and no other warehouse can take it over.
        """

        def decide(book: Book) -> Standing:
            moving.count(book, self._source, sku, warehouse_id, counted, reason=reason)
            return standing_in(book, sku, warehouse_id)

        touches = Touched(skus=_named(sku), every_promise=True)
        arguments = [sku, warehouse_id, counted, reason]
        return await self._once("stockCount", key, arguments, touches, decide, gives=Standing)

    async def transfer(
        self, sku: str, quantity: int, *, source: str, target: str, key: str, reference: str = "", reason: str = ""
    ) -> tuple[Standing, Standing]:
        """Take goods from the shelf of one warehouse to that of another; tell how both stand.

        Raises:
            ConflictError: what would be taken is not there or promised to others.
        """

        def decide(book: Book) -> tuple[Standing, Standing]:
            moving.transfer(book, sku, quantity, source=source, target=target, reference=reference, reason=reason)
            return standing_in(book, sku, source), standing_in(book, sku, target)

        arguments = [sku, quantity, source, target, reference, reason]
        touches = Touched(skus=_named(sku))
        return await self._once("stockTransfer", key, arguments, touches, decide, gives=tuple[Standing, Standing])

    async def set_policy(self, sku: str, warehouse_id: str, policy: Policy) -> Standing:
        """Say when a SKU is reordered in a warehouse, what is kept back and how many more than there are may be sold.

        Raises:
            ConflictError: more back-orders than the new limit are promised already.
        """

        def decide(book: Book) -> Standing:
            moving.set_policy(book, sku, warehouse_id, policy)
            return standing_in(book, sku, warehouse_id)

        command = Command(operation="stockPolicySet", touches=Touched(skus=_named(sku)), decide=decide)
        standing: Standing = await self._desk.do(command)
        return standing

    async def move_out(self, warehouse_id: str, *, reason: str) -> tuple[int, int]:
        """Serve from elsewhere what is promised from a warehouse; tell how many units moved, of how many.

        Each SKU is a transaction of its own, so that the shop sells on meanwhile; run it again for what came since.
        """
        async with self.database.session() as session:
            promised = await promises.promised_skus(session, warehouse_id)
        moved = total = 0
        for sku in promised:
            units, of = await self.move_out_of(sku, warehouse_id, reason=reason)
            moved, total = moved + units, total + of
        return moved, total

    async def move_out_of(self, sku: str, warehouse_id: str, *, reason: str) -> tuple[int, int]:
        """Serve from elsewhere what is promised of one SKU from a warehouse; tell how many units moved, of how many."""

        def decide(book: Book) -> tuple[int, int]:
            return resourcing.move_out(book, self._source, sku, warehouse_id, reason=reason)

        touches = Touched(skus=frozenset([sku]), every_promise=True)
        units: tuple[int, int] = await self._desk.do(Command(operation="moveOut", touches=touches, decide=decide))
        return units

    async def expire_due(self) -> int:
        """End some reservations whose time is over; tell how many lines that were."""
        async with self.database.session() as session:
            skus = await promises.due_skus(session, self.clock.now(), _SWEPT_AT_ONCE)
        if not skus:
            return 0

        def decide(book: Book) -> int:
            book.expire(skus)
            return len(book.entries)

        touches = Touched(skus=frozenset(skus))
        return int(await self._desk.do(Command(operation="expire", touches=touches, decide=decide)))

    async def forget_commands(self, seconds: float) -> int:
        """Forget some commands that were carried out longer ago than that; a repetition would be done again."""
        async with self.database.transaction() as session:
            return await commands.forget(session, seconds)

    async def verify(self) -> list[Discrepancy]:
        """Prove that levels, ledger, reservations and allocations agree; empty when they do."""
        return await auditing.verify(self.database)

    async def _move(self, operation: str, sku: str, warehouse_id: str, movement: Movement, key: str) -> Standing:
        def decide(book: Book) -> Standing:
            moving.move(book, sku, warehouse_id, movement)
            return standing_in(book, sku, warehouse_id)

        arguments = [sku, warehouse_id, movement.quantity, movement.reference, movement.reason]
        return await self._once(operation, key, arguments, Touched(skus=_named(sku)), decide, gives=Standing)

    async def _once(
        self,
        operation: str,
        key: str,
        arguments: Any,
        touches: Touched,
        decide: Callable[[Book], Answer],
        *,
        gives: type[Answer],
    ) -> Answer:
        command = Command(
            operation=operation, key=key, arguments=arguments, touches=touches, decide=decide, gives=gives
        )
        answer: Answer = await self._desk.do(command)
        return answer


def _said(destination: Destination | None) -> list[Destination]:
    """What a destination adds to the arguments by which a repeated command is known."""
    return [] if destination is None else [destination]


def _named(sku: str) -> frozenset[str]:
    _check_sku(sku)
    return frozenset([sku])


def _check_sku(sku: str) -> None:
    if not 1 <= len(sku) <= 250:
        raise InvalidInputError("A SKU has from 1 to 250 characters.", path=("sku",))
