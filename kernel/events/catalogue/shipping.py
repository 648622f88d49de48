"""What parcels tell: an order is shipped or delivered when all its shipments are, and shipping knows it first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kernel.events.catalogue.inventory import StockLine
from kernel.events.catalogue.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderShipped(Payload):
    """A shipment of an order left its warehouse; `complete` when it was the last one."""

    producer: ClassVar[str] = "shipping"
    personal: ClassVar[tuple[str, ...]] = ("email",)
    order_id: str
    shipment_id: str
    carrier: str
    tracking_number: str
    lines: tuple[StockLine, ...]
    customer_id: str | None
    email: str
    shipped_at: str
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDelivered(Payload):
    """A shipment of an order reached its address; `complete` when it was the last one."""

    producer: ClassVar[str] = "shipping"
    personal: ClassVar[tuple[str, ...]] = ("email",)
    order_id: str
    shipment_id: str
    customer_id: str | None
    email: str
    delivered_at: str
    complete: bool = True
