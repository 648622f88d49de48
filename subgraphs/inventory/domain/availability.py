"""What can be bought of a SKU or of a product: in each warehouse and in total.

Only warehouses that work count. A figure is true for the instant at which it was read; `stable_until` is when it
will change by itself, because a reservation then ends by its expiry without any event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """What can be bought; `by_warehouse` holds the warehouses that work and have ever had it."""

    quantity: int = 0
    reorder_point: int = 0
    by_warehouse: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def in_stock(self) -> bool:
        """Whether any of it can be bought."""
        return self.quantity > 0

    @property
    def low(self) -> bool:
        """Whether there is some, but it is time to reorder."""
        return 0 < self.quantity <= self.reorder_point


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An availability with what a cache must know of it.

    `stamp` orders readings: of two, the one with the higher stamp saw everything that the other one saw.
    """

    availability: Availability
    stamp: int
    stable_until: datetime | None = None

    def plus(self, other: Self) -> Self:
        """Add what was read of something else in the same statement."""
        one, two = self.availability, other.availability
        names = [*one.by_warehouse, *(name for name in two.by_warehouse if name not in one.by_warehouse)]
        return type(self)(
            availability=Availability(
                quantity=one.quantity + two.quantity,
                reorder_point=one.reorder_point + two.reorder_point,
                by_warehouse={name: one.by_warehouse.get(name, 0) + two.by_warehouse.get(name, 0) for name in names},
            ),
            stamp=min(self.stamp, other.stamp),
            stable_until=earlier(self.stable_until, other.stable_until),
        )


def earlier(one: datetime | None, two: datetime | None) -> datetime | None:
    """Give the earlier of two instants that may never come."""
    return min((each for each in (one, two) if each is not None), default=None)
