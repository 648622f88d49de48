"""The entries of the ledger, and the one way in which they become the tables that are read.

`Shelf.apply` is what both the running shop and a rebuild use: a command applies each entry that it makes to the
rows that it has locked, a rebuild applies all entries there ever were to nothing. So the read models cannot tell
anything else than the ledger does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from subgraphs.inventory.domain.reservations import Allocation, ReservationLine, ReservationState
from subgraphs.inventory.domain.stock import Details, Level, Movement, MovementType, Stream

SCHEMA_VERSION: Final = 2
"""The version in which entries are written now."""

Place = tuple[str, str, str]
"""A reservation or an order, a SKU and a warehouse."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A movement with its place in the ledger: number `version` of its stream."""

    sku: str
    warehouse_id: str
    version: int
    movement: Movement
    occurred_at: datetime

    @property
    def stream(self) -> Stream:
        """The stream it belongs to."""
        return self.sku, self.warehouse_id


@dataclass(slots=True)
class Shelf:
    """Levels, and who was promised what, as far as the entries that were applied tell."""

    levels: dict[Stream, Level] = field(default_factory=dict)
    lines: dict[Place, ReservationLine] = field(default_factory=dict)
    allocations: dict[Place, Allocation] = field(default_factory=dict)

    def level(self, stream: Stream) -> Level:
        """Tell how a stream stands; one without entries stands at nothing."""
        return self.levels.get(stream) or Level(sku=stream[0], warehouse_id=stream[1])

    def apply(self, entry: Entry) -> None:
        """Let an entry change what it changes."""
        self.levels[entry.stream] = self.level(entry.stream).after(entry.movement)
        effect = _PROMISES.get(entry.movement.type)
        if effect is not None and entry.movement.details is not None:
            effect(self, entry, entry.movement.details)


def _reserved(shelf: Shelf, entry: Entry, details: Details) -> None:
    place = _place(entry)
    line = shelf.lines.get(place)
    already = line.quantity if line is not None and line.held else 0
    shelf.lines[place] = ReservationLine(
        reservation_id=place[0],
        checkout_id=details["checkout_id"] if line is None else line.checkout_id,
        sku=entry.sku,
        warehouse_id=entry.warehouse_id,
        quantity=entry.movement.quantity + already,
        state=ReservationState.HELD,
        expires_at=datetime.fromisoformat(details["expires_at"]),
        created_at=entry.occurred_at if line is None else line.created_at,
    )


def _extended(shelf: Shelf, entry: Entry, details: Details) -> None:
    place = _place(entry)
    shelf.lines[place] = replace(shelf.lines[place], expires_at=datetime.fromisoformat(details["expires_at"]))


def _given_up(state: ReservationState) -> Callable[[Shelf, Entry, Details], None]:
    def effect(shelf: Shelf, entry: Entry, _details: Details) -> None:
        _settle_line(shelf, _place(entry), entry.movement.quantity, state)

    return effect


def _settle_line(shelf: Shelf, place: Place, quantity: int, state: ReservationState) -> None:
    """Move a line on; a part of it only makes it smaller."""
    line = shelf.lines[place]
    rest = line.quantity - quantity
    shelf.lines[place] = replace(line, quantity=rest) if rest else replace(line, state=state)


def _allocated(shelf: Shelf, entry: Entry, details: Details) -> None:
    quantity, order_id, reservation_id = entry.movement.quantity, entry.movement.reference, details["reservation_id"]
    _settle_line(shelf, (reservation_id, *entry.stream), quantity, ReservationState.ALLOCATED)
    place = _place(entry)
    known = shelf.allocations.get(place) or Allocation(
        order_id=order_id, reservation_id=reservation_id, sku=entry.sku, warehouse_id=entry.warehouse_id, quantity=0
    )
    shelf.allocations[place] = replace(known, quantity=known.quantity + quantity)


def _deallocated(shelf: Shelf, entry: Entry, _details: Details) -> None:
    place = _place(entry)
    row = shelf.allocations[place]
    shelf.allocations[place] = replace(row, released=row.released + entry.movement.quantity)


def _shipped(shelf: Shelf, entry: Entry, _details: Details) -> None:
    place = _place(entry)
    row = shelf.allocations[place]
    shelf.allocations[place] = replace(row, shipped=row.shipped + entry.movement.quantity)


def _returned(shelf: Shelf, entry: Entry, details: Details) -> None:
    place = (entry.movement.reference, entry.sku, details["shipped_from"])
    row = shelf.allocations[place]
    shelf.allocations[place] = replace(row, returned=row.returned + entry.movement.quantity)


def _carried_over(shelf: Shelf, entry: Entry, details: Details) -> None:
    for row in details["lines"]:
        told: dict[str, Any] = {
            **row,
            "state": ReservationState(row["state"]),
            "expires_at": datetime.fromisoformat(row["expires_at"]),
            "created_at": datetime.fromisoformat(row["created_at"]),
        }
        line = ReservationLine(**told)
        shelf.lines[line.reservation_id, *entry.stream] = line
    for row in details["allocations"]:
        shelf.allocations[row["order_id"], *entry.stream] = Allocation(**row)


def _place(entry: Entry) -> Place:
    return entry.movement.reference, entry.sku, entry.warehouse_id


_PROMISES: Final[Mapping[MovementType, Callable[[Shelf, Entry, Details], None]]] = {
    MovementType.RESERVED: _reserved,
    MovementType.EXTENDED: _extended,
    MovementType.RELEASED: _given_up(ReservationState.RELEASED),
    MovementType.EXPIRED: _given_up(ReservationState.EXPIRED),
    MovementType.ALLOCATED: _allocated,
    MovementType.DEALLOCATED: _deallocated,
    MovementType.SHIPPED: _shipped,
    MovementType.RETURNED: _returned,
    MovementType.CARRIED_OVER: _carried_over,
}
"""What each type of movement does to promises, beside its effect on the counters."""


def upcast(kind: MovementType, schema_version: int, details: dict[str, Any] | None) -> Details | None:
    """Read the details of an entry as they would be written now.

    Version 1 had none: its entries only tell how the counters moved. What was promised by then is told by the
    `StreamCarriedOver` that closes the version-1 part of each stream. Version 2 always has some, if only empty.
    """
    if schema_version == 1 and kind is not MovementType.CARRIED_OVER:
        return None
    return details or {}
