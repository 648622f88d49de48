"""Shipments: the part of an order that leaves one warehouse, and its way to the buyer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from kernel.errors import ConflictError
from kernel.events.catalogue import OrderConfirmed, OrderEdited, PostalAddress, StockLine
from kernel.ids import new_id
from kernel.transitions import Transitions


class ShipmentHandedOverError(ConflictError):
    """The parcel has left the warehouse and cannot be stopped."""

    default_code = "INVALID_STATE"


class ShipmentHeldError(ConflictError):
    """The order is being changed, so nothing of it is sent now."""

    default_code = "INVALID_STATE"


class ShipmentStatus(StrEnum):
    """Where a shipment stands."""

    PENDING = "PENDING"
    LABELLED = "LABELLED"
    IN_TRANSIT = "IN_TRANSIT"
    DELIVERY_FAILED = "DELIVERY_FAILED"
    DELIVERED = "DELIVERED"
    RETURNED = "RETURNED"
    CANCELLED = "CANCELLED"


SHIPMENT: Final = Transitions(
    "The shipment",
    {
        ShipmentStatus.PENDING: frozenset({ShipmentStatus.LABELLED, ShipmentStatus.CANCELLED}),
        ShipmentStatus.LABELLED: frozenset({ShipmentStatus.IN_TRANSIT, ShipmentStatus.CANCELLED}),
        ShipmentStatus.IN_TRANSIT: frozenset(
            {ShipmentStatus.DELIVERY_FAILED, ShipmentStatus.DELIVERED, ShipmentStatus.RETURNED}
        ),
        ShipmentStatus.DELIVERY_FAILED: frozenset(
            {ShipmentStatus.DELIVERY_FAILED, ShipmentStatus.DELIVERED, ShipmentStatus.RETURNED}
        ),
        ShipmentStatus.DELIVERED: frozenset(),
        ShipmentStatus.RETURNED: frozenset(),
        ShipmentStatus.CANCELLED: frozenset(),
    },
)

ON_THE_WAY: Final = frozenset(
    {
        ShipmentStatus.IN_TRANSIT,
        ShipmentStatus.DELIVERY_FAILED,
        ShipmentStatus.DELIVERED,
        ShipmentStatus.RETURNED,
    }
)
"""States of a shipment that has left the warehouse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """A parcel of an order."""

    id: str
    order_id: str
    customer_id: str | None
    email: str
    warehouse_id: str
    method_id: str
    carrier: str
    status: ShipmentStatus
    address: PostalAddress
    lines: tuple[StockLine, ...]
    tracking_number: str
    created_at: datetime
    shipped_at: datetime | None
    delivered_at: datetime | None
    attempts: int = 0
    """How often the carrier tried in vain to deliver it."""
    label_url: str = ""


def without(lines: Iterable[StockLine], taken: Iterable[StockLine]) -> tuple[StockLine, ...]:
    """Take quantities out of a parcel, by SKU; what is not in it is not missed."""
    return _parted(lines, taken)[1]


def within(lines: Iterable[StockLine], parcel: Iterable[StockLine]) -> tuple[StockLine, ...]:
    """Keep of some lines what a parcel holds, by SKU."""
    return _parted(lines, parcel)[0]


def _parted(
    lines: Iterable[StockLine], parcel: Iterable[StockLine]
) -> tuple[tuple[StockLine, ...], tuple[StockLine, ...]]:
    """Part lines into what a parcel holds of them, by SKU, and what is left."""
    held: Counter[str] = Counter()
    for line in parcel:
        held[line.sku] += line.quantity
    inside: list[StockLine] = []
    left: list[StockLine] = []
    for line in lines:
        here = min(line.quantity, held[line.sku])
        held[line.sku] -= here
        if here:
            inside.append(replace(line, quantity=here))
        if here < line.quantity:
            left.append(replace(line, quantity=line.quantity - here))
    return tuple(inside), tuple(left)


def by_warehouse(stock: Iterable[StockLine]) -> dict[str, tuple[StockLine, ...]]:
    """Divide allocated stock into parcels, one for each warehouse."""
    parcels: dict[str, tuple[StockLine, ...]] = {}
    for line in stock:
        warehouse = line.warehouse_id or ""
        parcels[warehouse] = (*parcels.get(warehouse, ()), line)
    return dict(sorted(parcels.items()))


def check_none_left(shipments: Iterable[Shipment]) -> None:
    """Let shipments pass of which none is on its way.

    Raises:
        ShipmentHandedOverError: one is.
    """
    if any(shipment.status in ON_THE_WAY for shipment in shipments):
        raise ShipmentHandedOverError("A part of the order is on its way already.")


def packed(order: OrderConfirmed | OrderEdited, carrier: str, at: datetime) -> list[Shipment]:
    """Make one shipment for each warehouse that has something of an order."""
    return [
        Shipment(
            id=new_id("shp"),
            order_id=order.order_id,
            customer_id=order.customer_id,
            email=order.email,
            warehouse_id=warehouse,
            method_id=order.shipping_method_id,
            carrier=carrier,
            status=ShipmentStatus.PENDING,
            address=order.shipping_address,
            lines=lines,
            tracking_number="",
            created_at=at,
            shipped_at=None,
            delivered_at=None,
        )
        for warehouse, lines in by_warehouse(order.stock).items()
    ]


def all_reached(statuses: Iterable[ShipmentStatus], wanted: ShipmentStatus) -> bool:
    """Tell whether every shipment that was not cancelled has come as far as `wanted`."""
    far_enough = ON_THE_WAY if wanted == ShipmentStatus.IN_TRANSIT else {wanted}
    return all(status in far_enough for status in statuses if status != ShipmentStatus.CANCELLED)
