"""An open page of the stock ledger: the levels of some SKUs, locked, and the movements made on them.

A command opens the book on what it touches, records movements and leaves; whoever opened the book writes what is
new in it, all in one transaction. Several commands can use one open book, one after the other: each sees what
those before it did, and one that is refused leaves no trace. The first thing that a command does is to end the
reservations of its SKUs whose time is over; that is why availability never waits for a sweeper.

The book knows no database, so all rules of stock can be tried without one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from kernel.errors import ConflictError, NotFoundError
from kernel.events.catalogue import InventoryChanged, Payload, StockLine, StockReleased
from subgraphs.inventory.domain.ledger import Entry, Place, Shelf
from subgraphs.inventory.domain.places import Coordinates, distance_km
from subgraphs.inventory.domain.reservations import Allocation, ReservationLine
from subgraphs.inventory.domain.sourcing import Pick, Supply
from subgraphs.inventory.domain.stock import Level, Movement, MovementType

News = tuple[str, Payload]
"""An event for others beside its subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A warehouse as sourcing sees it."""

    priority: int = 0
    active: bool = True
    place: Coordinates | None = None
    parcel_cost: int = 0


@dataclass(slots=True, kw_only=True)
class Book:
    """The locked levels of some SKUs at one moment."""

    now: datetime
    sites: Mapping[str, Site]
    products: Mapping[str, str | None] = field(default_factory=dict)
    bundles: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    before: Shelf = field(default_factory=Shelf)
    shelf: Shelf = field(default_factory=Shelf)
    due: Sequence[Place] = ()
    """The lines whose time was over when the book was opened."""
    entries: list[Entry] = field(default_factory=list)
    news: list[News] = field(default_factory=list)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Undo what is done inside when it raises."""
        shelf = self.shelf
        kept = Shelf(dict(shelf.levels), dict(shelf.lines), dict(shelf.allocations))
        entries, news = len(self.entries), len(self.news)
        try:
            yield
        except BaseException:
            self.shelf = kept
            del self.entries[entries:], self.news[news:]
            raise

    def record(self, sku: str, warehouse_id: str, movement: Movement) -> Level:
        """Let a movement happen.

        Raises:
            NotFoundError: there is no such warehouse.
            ConflictError: the stock does not allow it, or the SKU is a bundle.
        """
        if sku in self.bundles:
            raise ConflictError("A bundle has no stock of its own.", code="INVALID_STATE", path=("sku",))
        if warehouse_id not in self.sites:
            raise NotFoundError("There is no such warehouse.", path=("warehouseId",))
        level = self.shelf.level((sku, warehouse_id)).record(movement)
        entry = Entry(sku, warehouse_id, level.version, movement, self.now)
        self.shelf.apply(entry)
        self.entries.append(entry)
        return level

    def record_picks(
        self,
        picks: Iterable[Pick],
        kind: MovementType,
        reference: str,
        reason: str = "",
        details: Mapping[str, str] | None = None,
    ) -> None:
        """Let the same movement happen to several picks."""
        for pick in picks:
            movement = Movement(
                type=kind, quantity=pick.quantity, reference=reference, reason=reason, details=details or {}
            )
            self.record(pick.sku, pick.warehouse_id, movement)

    def tell(self, subject: str, payload: Payload) -> None:
        """Have others told of what happened, once it is written."""
        self.news.append((subject, payload))

    def level(self, sku: str, warehouse_id: str) -> Level:
        """Tell how a SKU stands in a warehouse now."""
        return self.shelf.level((sku, warehouse_id))

    def supplies(self, destination: Coordinates | None = None) -> list[Supply]:
        """What can be promised now, from the warehouses that work."""
        return [
            Supply(
                sku,
                warehouse_id,
                level.available,
                site.priority,
                _distance(site.place, destination),
                site.parcel_cost,
            )
            for (sku, warehouse_id), level in self.shelf.levels.items()
            if (site := self.sites[warehouse_id]).active
        ]

    def reservation(self, reservation_id: str) -> list[ReservationLine]:
        """Give all lines of a reservation, whatever became of them.

        Raises:
            NotFoundError: there is no such reservation.
        """
        lines = [line for line in self.shelf.lines.values() if line.reservation_id == reservation_id]
        if not lines:
            raise NotFoundError("There is no such reservation.", path=("reservationId",))
        return sorted(lines, key=lambda each: (each.sku, each.warehouse_id))

    def order(self, order_id: str) -> list[Allocation]:
        """Give what an order has of the stock, or had."""
        rows = (row for row in self.shelf.allocations.values() if row.order_id == order_id)
        return sorted(rows, key=lambda each: (each.sku, each.warehouse_id))

    def expire(self, skus: Collection[str], *, spare: str | None = None) -> None:
        """End what has expired on these SKUs, except one reservation."""
        ended: defaultdict[str, list[StockLine]] = defaultdict(list)
        for place in self.due:
            line = self.shelf.lines[place]
            if line.sku in skus and line.held and line.expires_at <= self.now and line.reservation_id != spare:
                self.record_picks([line.pick], MovementType.EXPIRED, line.reservation_id)
                ended[line.reservation_id].append(stock_line(line.pick))
        for reservation_id, lines in ended.items():
            news = StockReleased(reservation_id=reservation_id, lines=tuple(lines), reason="expired")
            self.tell(reservation_id, news)

    def changes(self) -> list[News]:
        """Tell of every SKU of which more or less can be bought than before."""
        return list(self._changed_totals([after for _, after in self.moves()]))

    def moves(self) -> list[tuple[Level | None, Level]]:
        """Give every level that changed, as it was, if it was, and as it is."""
        pairs = ((self.before.levels.get(stream), level) for stream, level in self.shelf.levels.items())
        return [(before, after) for before, after in pairs if before != after]

    def _changed_totals(self, changed: Sequence[Level]) -> Iterator[News]:
        before, after = self._totals(self.before.levels.values()), self._totals(self.shelf.levels.values())
        for sku in sorted({level.sku for level in changed}):
            if before.get(sku, (0, 0)) != (now := after.get(sku, (0, 0))):
                yield (
                    sku,
                    InventoryChanged(sku=sku, product_id=self.products.get(sku), available=now[0], on_hand=now[1]),
                )

    def _totals(self, levels: Iterable[Level]) -> dict[str, tuple[int, int]]:
        totals: dict[str, tuple[int, int]] = {}
        for level in levels:
            if self.sites[level.warehouse_id].active:
                available, on_hand = totals.get(level.sku, (0, 0))
                totals[level.sku] = (available + max(0, level.available), on_hand + level.on_hand)
        return totals


def stock_line(pick: Pick) -> StockLine:
    """Tell a pick to others."""
    return StockLine(sku=pick.sku, quantity=pick.quantity, warehouse_id=pick.warehouse_id)


def _distance(here: Coordinates | None, there: Coordinates | None) -> float | None:
    return None if here is None or there is None else distance_km(here, there)
