"""What can be wrong with a wish for stock.

DomainError
├── InsufficientStockError      INSUFFICIENT_STOCK      names each line that cannot be met
└── ConflictError
    ├── ReservationExpiredError RESERVATION_EXPIRED     the stock may be somebody else's by now
    └── KeyReusedError          IDEMPOTENCY_KEY_REUSED  one key, two different commands
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kernel.errors import ConflictError, DomainError


@dataclass(frozen=True, slots=True)
class Shortage:
    """A line that cannot be met: how many are wanted and how many could be had."""

    sku: str
    requested: int
    available: int


class InsufficientStockError(DomainError):
    """There is less than is wanted; nothing was taken."""

    default_code = "INSUFFICIENT_STOCK"

    def __init__(self, shortages: Sequence[Shortage]) -> None:
        lines = ", ".join(f"{each.sku}: {each.available} of {each.requested}" for each in shortages)
        super().__init__(f"Not enough stock ({lines}).", path=("lines",))
        self.shortages = tuple(shortages)


class ReservationExpiredError(ConflictError):
    """The reservation ran out before it was used, or it is already settled."""

    default_code = "RESERVATION_EXPIRED"


class KeyReusedError(ConflictError):
    """The idempotency key has already served a different command."""

    default_code = "IDEMPOTENCY_KEY_REUSED"
