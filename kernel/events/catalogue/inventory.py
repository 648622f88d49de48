"""What stock tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kernel.events.catalogue.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class StockLine:
    """A quantity of one SKU, in one warehouse where that is decided."""

    sku: str
    quantity: int
    warehouse_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryChanged(Payload):
    """What can be bought of a SKU changed; quantities are totals over all warehouses."""

    producer: ClassVar[str] = "inventory"
    sku: str
    product_id: str | None
    available: int
    on_hand: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockLevelLow(Payload):
    """A SKU fell to its reorder point or below."""

    producer: ClassVar[str] = "inventory"
    sku: str
    warehouse_id: str
    available: int
    reorder_point: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockReserved(Payload):
    """Stock is held for a checkout until `expires_at`."""

    producer: ClassVar[str] = "inventory"
    reservation_id: str
    checkout_id: str
    lines: tuple[StockLine, ...]
    expires_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StockReleased(Payload):
    """A reservation or allocation was given back."""

    producer: ClassVar[str] = "inventory"
    reservation_id: str
    lines: tuple[StockLine, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StockAllocated(Payload):
    """Reserved stock now belongs to an order; each line names its warehouse."""

    producer: ClassVar[str] = "inventory"
    reservation_id: str
    order_id: str
    lines: tuple[StockLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationExtended(Payload):
    """A reservation is held for longer."""

    producer: ClassVar[str] = "inventory"
    reservation_id: str
    expires_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentRequested(Payload):
    """A warehouse is to send these lines of an order."""

    producer: ClassVar[str] = "inventory"
    order_id: str
    warehouse_id: str
    lines: tuple[StockLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationMoved(Payload):
    """Lines of an order are to come from another warehouse than was told before."""

    producer: ClassVar[str] = "inventory"
    order_id: str
    warehouse_id: str
    lines: tuple[StockLine, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StockReturned(Payload):
    """A buyer's goods came back to the shelves, or could not be sold again."""

    producer: ClassVar[str] = "inventory"
    order_id: str
    lines: tuple[StockLine, ...]
    sellable: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackInStock(Payload):
    """Somebody who waited for a SKU can buy it; each is told once."""

    producer: ClassVar[str] = "inventory"
    personal: ClassVar[tuple[str, ...]] = ("email",)
    watch_id: str
    sku: str
    product_id: str | None
    email: str
    user_id: str | None
    name: str = ""
