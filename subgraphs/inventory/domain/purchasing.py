"""Orders to suppliers: drafted, ordered, received in parts, closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from kernel.errors import InvalidInputError
from kernel.transitions import Transitions
from subgraphs.inventory.domain.stock import MAX_QUANTITY

MAX_LINES: Final = 500


class PurchaseOrderState(StrEnum):
    """Where an order to a supplier stands."""

    DRAFT = "draft"
    ORDERED = "ordered"
    RECEIVED = "received"
    CANCELLED = "cancelled"


LIFE: Final = Transitions(
    "The purchase order",
    {
        PurchaseOrderState.DRAFT: frozenset({PurchaseOrderState.ORDERED, PurchaseOrderState.CANCELLED}),
        PurchaseOrderState.ORDERED: frozenset({PurchaseOrderState.RECEIVED, PurchaseOrderState.CANCELLED}),
        PurchaseOrderState.RECEIVED: frozenset(),
        PurchaseOrderState.CANCELLED: frozenset(),
    },
)


@dataclass(frozen=True, slots=True)
class PurchaseLine:
    """So many of a SKU, of which some may have arrived."""

    sku: str
    quantity: int
    received: int = 0

    @property
    def missing(self) -> int:
        """How many are still to come."""
        return max(self.quantity - self.received, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseOrder:
    """What a warehouse gets from a supplier, and when."""

    id: str
    warehouse_id: str
    supplier: str
    state: PurchaseOrderState
    expected_on: date | None
    created_at: datetime
    ordered_at: datetime | None = None
    closed_at: datetime | None = None
    lines: tuple[PurchaseLine, ...] = ()

    def arrived(self, quantities: Mapping[str, int]) -> tuple[PurchaseLine, ...]:
        """Count what arrived; more than was ordered may come, and nothing that was not ordered.

        Raises:
            InvalidInputError: a SKU is not on the order, or a quantity is none.
        """
        check_quantities(quantities)
        unknown = sorted(set(quantities) - {line.sku for line in self.lines})
        if unknown:
            raise InvalidInputError(f"{unknown[0][:80]!r} was not ordered.", path=("lines", "sku"))
        return tuple(
            PurchaseLine(line.sku, line.quantity, line.received + quantities.get(line.sku, 0)) for line in self.lines
        )


def check_quantities(quantities: Mapping[str, int]) -> None:
    """Refuse lines that cannot be meant.

    Raises:
        InvalidInputError: there are no lines, too many, or a quantity that is none.
    """
    if not 1 <= len(quantities) <= MAX_LINES:
        raise InvalidInputError(f"From 1 to {MAX_LINES} lines are possible.", path=("lines",))
    for sku, quantity in quantities.items():
        if not 1 <= quantity <= MAX_QUANTITY:
            raise InvalidInputError(f"A quantity lies between 1 and {MAX_QUANTITY}.", path=("lines", "quantity"))
        if not 1 <= len(sku) <= 250:
            raise InvalidInputError("A SKU has from 1 to 250 characters.", path=("lines", "sku"))
