"""The stock of one SKU in one warehouse: a stream of movements and the level that they add up to.

A movement is a quantity with a type, and each type has one fixed effect on the three counters of a level. That
is all there is to replay: the level of any stream is the sum of its movements, and `Level.record` is the only
way to change one, so the ledger and the level cannot drift apart.

Invariants of a level, also held by the database: no counter is negative, and what is promised (reserved and
allocated) is covered by what is on hand and what may be back-ordered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from kernel.errors import ConflictError, InvalidInputError

MAX_QUANTITY: Final = 1_000_000
MAX_ON_HAND: Final = 1_000_000_000


class MovementType(Enum):
    """What can happen to stock; the value is what the ledger stores."""

    RECEIVED = "StockReceived"
    ADJUSTED = "StockAdjusted"
    RESERVED = "StockReserved"
    RELEASED = "ReservationReleased"
    EXPIRED = "ReservationExpired"
    ALLOCATED = "StockAllocated"
    DEALLOCATED = "AllocationReleased"
    SHIPPED = "StockShipped"


@dataclass(frozen=True, slots=True)
class Effect:
    """What one unit of a movement does to each counter."""

    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0


EFFECTS: Final[dict[MovementType, Effect]] = {
    MovementType.RECEIVED: Effect(on_hand=1),
    MovementType.ADJUSTED: Effect(on_hand=1),
    MovementType.RESERVED: Effect(reserved=1),
    MovementType.RELEASED: Effect(reserved=-1),
    MovementType.EXPIRED: Effect(reserved=-1),
    MovementType.ALLOCATED: Effect(reserved=-1, allocated=1),
    MovementType.DEALLOCATED: Effect(allocated=-1),
    MovementType.SHIPPED: Effect(on_hand=-1, allocated=-1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One entry of the ledger, not yet numbered; `quantity` is only negative in an adjustment.

    `reference` is what caused it (a reservation, an order, a delivery note) and `reason` why, in words.
    """

    type: MovementType
    quantity: int
    reference: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        signed = self.type is MovementType.ADJUSTED
        if not self.quantity or abs(self.quantity) > MAX_QUANTITY or (self.quantity < 0 and not signed):
            raise InvalidInputError(f"A quantity lies between 1 and {MAX_QUANTITY}.", path=("quantity",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """How a stream stands after `version` movements."""

    sku: str
    warehouse_id: str
    version: int = 0
    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0
    backorder_limit: int = 0
    reorder_point: int = 0

    @property
    def available(self) -> int:
        """How many can still be promised."""
        return self.on_hand + self.backorder_limit - self.reserved - self.allocated

    @property
    def low(self) -> bool:
        """Whether it is time to reorder."""
        return self.available <= self.reorder_point

    def record(self, movement: Movement) -> Level:
        """Let a movement happen.

        Raises:
            ConflictError: the stock does not allow it.
        """
        effect = EFFECTS[movement.type]
        after = replace(
            self,
            version=self.version + 1,
            on_hand=self.on_hand + effect.on_hand * movement.quantity,
            reserved=self.reserved + effect.reserved * movement.quantity,
            allocated=self.allocated + effect.allocated * movement.quantity,
        )
        if after.on_hand > MAX_ON_HAND:
            raise ConflictError(f"No warehouse holds so many of {self.sku}.", code="INVALID_STATE")
        if min(after.on_hand, after.reserved, after.allocated) < 0:
            raise ConflictError(f"{self.sku} has less stock than {movement.type.value} takes.", code="INVALID_STATE")
        if after.available < 0:
            raise ConflictError(f"The stock of {self.sku} is promised to others.", code="INSUFFICIENT_STOCK")
        return after

    def follow(self, *, reorder_point: int, backorder_limit: int) -> Level:
        """Say when to reorder and how many more than there are may be promised.

        Raises:
            ConflictError: more than the new limit is promised already.
        """
        after = replace(self, reorder_point=reorder_point, backorder_limit=backorder_limit)
        if after.available < 0:
            raise ConflictError(f"More back-orders of {self.sku} are promised.", code="INSUFFICIENT_STOCK")
        return after
