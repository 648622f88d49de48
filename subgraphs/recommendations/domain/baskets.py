"""What is learnt from one confirmed order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from kernel.events.catalogue import OrderConfirmed


@dataclass(frozen=True, slots=True)
class Basket:
    """The products of one order, each once with its units; who bought them, if that is known."""

    order_id: str
    customer_id: str | None
    confirmed_at: datetime
    units: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, order: OrderConfirmed) -> Self:
        """Read the basket out of the event; several variants of a product count as one product."""
        units = _summed((line.product_id, line.quantity) for line in order.lines)
        return cls(order.order_id, order.customer_id, datetime.fromisoformat(order.confirmed_at), units)

    @property
    def products(self) -> list[str]:
        """The ids of the products."""
        return [product for product, _ in self.units]


def _summed(lines: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    totals: dict[str, int] = {}
    for product, quantity in lines:
        totals[product] = totals.get(product, 0) + quantity
    return tuple(totals.items())
