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

    def add(self, warehouse_id: str, quantity: int, reorder_point: int, changes_at: datetime | None) -> Self:
        """Add the stock of one SKU in one warehouse that works."""
        before = self.availability
        instants = [each for each in (self.stable_until, changes_at) if each is not None]
        return type(self)(
            availability=Availability(
                quantity=before.quantity + quantity,
                reorder_point=before.reorder_point + reorder_point,
                by_warehouse={
                    **before.by_warehouse,
                    warehouse_id: before.by_warehouse.get(warehouse_id, 0) + quantity,
                },
            ),
            stamp=self.stamp,
            stable_until=min(instants, default=None),
        )
