"""Wishes for stock and what became of them, as values."""

from __future__ import annotations

from collections.abc import Iterable
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
class Reservation:
    """Stock that is held for a checkout; past `expires_at` anybody may have it."""

    id: str
    checkout_id: str
    expires_at: datetime
    state: ReservationState
    lines: tuple[Pick, ...]


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

    @property
    def open(self) -> int:
        """How many still wait in the warehouse."""
        return self.quantity - self.shipped - self.released


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
