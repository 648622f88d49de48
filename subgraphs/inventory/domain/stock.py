"""The stock of one SKU in one warehouse: a stream of movements and the level that they add up to.

A movement is a quantity with a type, and each type has one fixed effect on the three counters of a level. That
is all there is to replay: the level of any stream is the sum of its movements, and `Level.record` is the only
way to change one, so the ledger and the level cannot drift apart.

Invariants of a level, also held by the database: no counter is negative, and what is promised (reserved and
allocated) is covered by what is on hand and what may be back-ordered. Safety stock is no invariant: it is kept
from new promises only, so that raising it breaks none that was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final

from kernel.errors import ConflictError, InvalidInputError

MAX_QUANTITY: Final = 1_000_000
MAX_ON_HAND: Final = 1_000_000_000

Stream = tuple[str, str]
"""A SKU and a warehouse."""


class MovementType(Enum):
    """What can happen to stock; the value is what the ledger stores."""

    RECEIVED = "StockReceived"
    ADJUSTED = "StockAdjusted"
    COUNTED = "StockCounted"
    TRANSFERRED = "StockTransferred"
    RETURNED = "StockReturned"
    RESERVED = "StockReserved"
    EXTENDED = "ReservationExtended"
    RELEASED = "ReservationReleased"
    EXPIRED = "ReservationExpired"
    ALLOCATED = "StockAllocated"
    DEALLOCATED = "AllocationReleased"
    SHIPPED = "StockShipped"
    POLICY_SET = "PolicySet"
    CARRIED_OVER = "StreamCarriedOver"


@dataclass(frozen=True, slots=True)
class Effect:
    """What one unit of a movement does to each counter."""

    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0


EFFECTS: Final[dict[MovementType, Effect]] = {
    MovementType.RECEIVED: Effect(on_hand=1),
    MovementType.ADJUSTED: Effect(on_hand=1),
    MovementType.COUNTED: Effect(on_hand=1),
    MovementType.TRANSFERRED: Effect(on_hand=1),
    MovementType.RETURNED: Effect(on_hand=1),
    MovementType.RESERVED: Effect(reserved=1),
    MovementType.EXTENDED: Effect(),
    MovementType.RELEASED: Effect(reserved=-1),
    MovementType.EXPIRED: Effect(reserved=-1),
    MovementType.ALLOCATED: Effect(reserved=-1, allocated=1),
    MovementType.DEALLOCATED: Effect(allocated=-1),
    MovementType.SHIPPED: Effect(on_hand=-1, allocated=-1),
    MovementType.POLICY_SET: Effect(),
    MovementType.CARRIED_OVER: Effect(),
}
_SIGNED: Final = frozenset({MovementType.ADJUSTED, MovementType.TRANSFERRED, MovementType.COUNTED})
_WITHOUT_QUANTITY: Final = frozenset({MovementType.EXTENDED, MovementType.POLICY_SET, MovementType.CARRIED_OVER})

Details = Mapping[str, Any]
"""What a movement carries beside its quantity: plain JSON values, by the type of the movement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One entry of the ledger, not yet numbered.

    `reference` is what caused it (a reservation, an order, a delivery note) and `reason` why, in words. The
    quantity is only negative where stock is adjusted, counted or sent elsewhere, and zero where none moves.
    """

    type: MovementType
    quantity: int
    reference: str = ""
    reason: str = ""
    details: Details | None = field(default_factory=dict[str, Any])
    """None only where an entry is so old that it tells nothing but the quantity."""

    def __post_init__(self) -> None:
        if not _is_possible(self.type, self.quantity):
            raise InvalidInputError(f"A quantity lies between 1 and {MAX_QUANTITY}.", path=("quantity",))


def _is_possible(kind: MovementType, quantity: int) -> bool:
    if kind in _WITHOUT_QUANTITY:
        return quantity == 0
    if kind is MovementType.COUNTED:
        return abs(quantity) <= MAX_ON_HAND
    return 1 <= (abs(quantity) if kind in _SIGNED else quantity) <= MAX_QUANTITY


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a SKU is sold from a warehouse.

    `backorder_limit` is how many more than there are may be promised; while `releases_at` lies ahead these are
    pre-orders, which are not shipped before. `safety_stock` is never promised.
    """

    reorder_point: int = 0
    backorder_limit: int = 0
    safety_stock: int = 0
    releases_at: datetime | None = None

    def __post_init__(self) -> None:
        figures = {
            "reorderPoint": self.reorder_point,
            "backorderLimit": self.backorder_limit,
            "safetyStock": self.safety_stock,
        }
        for name, figure in figures.items():
            if not 0 <= figure <= MAX_QUANTITY:
                raise InvalidInputError(f"A policy's figures lie between 0 and {MAX_QUANTITY}.", path=(name,))

    def details(self) -> Details:
        """Write the policy as a movement carries it."""
        until = self.releases_at
        return {**asdict(self), "releases_at": None if until is None else until.isoformat()}


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
    safety_stock: int = 0
    releases_at: datetime | None = None

    @property
    def promised(self) -> int:
        """How many belong to checkouts and orders."""
        return self.reserved + self.allocated

    @property
    def covered(self) -> int:
        """How many may be promised at all."""
        return self.on_hand + self.backorder_limit

    @property
    def available(self) -> int:
        """How many can still be promised; negative where safety stock was raised above what is free."""
        return self.covered - self.promised - self.safety_stock

    @property
    def low(self) -> bool:
        """Whether it is time to reorder."""
        return self.available <= self.reorder_point

    def after(self, movement: Movement) -> Level:
        """Tell how the level stands once a movement has happened, which is not asked to be allowed."""
        effect = EFFECTS[movement.type]
        quantity = movement.quantity
        policy = _policy_told(movement, self)
        return Level(
            sku=self.sku,
            warehouse_id=self.warehouse_id,
            version=self.version + 1,
            on_hand=self.on_hand + effect.on_hand * quantity,
            reserved=self.reserved + effect.reserved * quantity,
            allocated=self.allocated + effect.allocated * quantity,
            backorder_limit=policy.backorder_limit,
            reorder_point=policy.reorder_point,
            safety_stock=policy.safety_stock,
            releases_at=policy.releases_at,
        )

    def record(self, movement: Movement) -> Level:
        """Let a movement happen.

        Raises:
            ConflictError: the stock does not allow it.
        """
        after = self.after(movement)
        if after.on_hand > MAX_ON_HAND:
            raise ConflictError(f"No warehouse holds so many of {self.sku}.", code="INVALID_STATE")
        if min(after.on_hand, after.reserved, after.allocated) < 0:
            raise ConflictError(f"{self.sku} has less stock than {movement.type.value} takes.", code="INVALID_STATE")
        if after.promised > after.covered or (movement.type is MovementType.RESERVED and after.available < 0):
            raise ConflictError(f"The stock of {self.sku} is promised to others.", code="INSUFFICIENT_STOCK")
        return after


def _policy_told(movement: Movement, level: Level) -> Policy | Level:
    """Read the policy that a movement sets; all others leave it as it is."""
    if movement.type is MovementType.POLICY_SET and movement.details is not None:
        return policy_from(movement.details)
    if movement.type is MovementType.CARRIED_OVER and movement.details is not None:
        return policy_from(movement.details["policy"])
    return level


def policy_from(details: Details) -> Policy:
    """Read a policy as a movement carries it."""
    until = details.get("releases_at")
    figures: dict[str, Any] = {**details, "releases_at": None if until is None else datetime.fromisoformat(until)}
    return Policy(**figures)
