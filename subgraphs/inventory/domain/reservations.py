"""Wishes for stock and what became of them, as values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from kernel.errors import InvalidInputError
from subgraphs.inventory.domain.sourcing import Pick
from subgraphs.inventory.domain.stock import MAX_QUANTITY

MAX_LINES: Final = 100
LONGEST: Final = timedelta(hours=24)


class ReservationState(Enum):
    """Where a reservation or one of its lines stands."""

    HELD = "held"
    RELEASED = "released"
    EXPIRED = "expired"
    ALLOCATED = "allocated"


@dataclass(frozen=True, slots=True)
class Wish:
    """A line somebody wants."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationLine:
    """So many of a SKU held in one warehouse for a checkout; past `expires_at` anybody may have them."""

    reservation_id: str
    checkout_id: str
    sku: str
    warehouse_id: str
    quantity: int
    state: ReservationState
    expires_at: datetime
    created_at: datetime

    @property
    def held(self) -> bool:
        """Whether nothing has become of it yet."""
        return self.state is ReservationState.HELD

    @property
    def pick(self) -> Pick:
        """What is held where."""
        return Pick(self.sku, self.warehouse_id, self.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Stock that is held for a checkout; past `expires_at` anybody may have it."""

    id: str
    checkout_id: str
    expires_at: datetime
    state: ReservationState
    lines: tuple[Pick, ...]

    @classmethod
    def of(cls, lines: Sequence[ReservationLine]) -> Reservation:
        """Put the lines of one reservation together; what is still held decides how it stands."""
        states = {line.state for line in lines}
        state = next(each for each in _WEIGHT if each in states)
        return cls(
            id=lines[0].reservation_id,
            checkout_id=lines[0].checkout_id,
            expires_at=max(line.expires_at for line in lines),
            state=state,
            lines=tuple(line.pick for line in lines if line.state is state),
        )


_WEIGHT: Final = (
    ReservationState.ALLOCATED,
    ReservationState.HELD,
    ReservationState.EXPIRED,
    ReservationState.RELEASED,
)
"""Which state of a line tells how the whole reservation stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """Stock of one warehouse that belongs to an order; `open` of it are neither shipped nor given back."""

    order_id: str
    reservation_id: str
    sku: str
    warehouse_id: str
    quantity: int
    shipped: int = 0
    released: int = 0
    returned: int = 0

    @property
    def open(self) -> int:
        """How many still wait in the warehouse."""
        return self.quantity - self.shipped - self.released

    @property
    def away(self) -> int:
        """How many are with the buyer and could come back."""
        return self.shipped - self.returned


def add_up(wishes: Iterable[Wish]) -> dict[str, int]:
    """Total the wishes by SKU, in the order in which stock is locked.

    Raises:
        InvalidInputError: there is nothing to want, too much of it, or a quantity that is none.
    """
    lines = tuple(wishes)
    if not 1 <= len(lines) <= MAX_LINES:
        raise InvalidInputError(f"From 1 to {MAX_LINES} lines can be reserved at once.", path=("lines",))
    totals: dict[str, int] = {}
    for line in sorted(lines, key=lambda each: each.sku):
        if not 1 <= line.quantity <= MAX_QUANTITY:
            raise InvalidInputError(f"A quantity lies between 1 and {MAX_QUANTITY}.", path=("lines", "quantity"))
        totals[line.sku] = totals.get(line.sku, 0) + line.quantity
    return totals


def check_duration(seconds: int) -> timedelta:
    """Read for how long a reservation is to hold.

    Raises:
        InvalidInputError: it is not positive, or too long.
    """
    if not 1 <= seconds <= LONGEST.total_seconds():
        raise InvalidInputError("A reservation holds from one second to one day.", path=("ttlSeconds",))
    return timedelta(seconds=seconds)
