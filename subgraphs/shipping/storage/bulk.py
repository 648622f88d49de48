"""Historic shipments in bulk, for demo data and imports: no events are told and no carrier is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import orjson

SCHEMA = "shipping"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentRow:
    """A shipment of the past: in transit, or delivered when `delivered_at` is known.

    `method_id` is `shm_standard` or `shm_express`; `address` has the fields of `PostalAddress`; each line is
    a (sku, quantity).
    """

    id: str
    order_id: str
    customer_id: str | None
    email: str
    warehouse_id: str
    method_id: str
    address: Mapping[str, str]
    lines: tuple[tuple[str, int], ...]
    tracking_number: str
    created_at: datetime
    shipped_at: datetime
    delivered_at: datetime | None
    carrier: str = "sandbox"


_SHIPMENT = (
    "id",
    "order_id",
    "customer_id",
    "email",
    "warehouse_id",
    "method_id",
    "carrier",
    "status",
    "address",
    "lines",
    "tracking_number",
    "created_at",
    "shipped_at",
    "delivered_at",
)


async def copy(connection: asyncpg.Connection, *, shipments: Iterable[ShipmentRow]) -> None:
    """Load historic shipments with their events, in the caller's transaction."""
    rows = list(shipments)
    await connection.copy_records_to_table(
        "shipments", schema_name=SCHEMA, columns=_SHIPMENT, records=map(_shipment, rows)
    )
    await connection.copy_records_to_table(
        "shipment_events",
        schema_name=SCHEMA,
        columns=("shipment_id", "status", "at"),
        records=(event for row in rows for event in _events(row)),
    )


def _shipment(row: ShipmentRow) -> tuple[Any, ...]:
    lines = [{"sku": sku, "quantity": quantity, "warehouse_id": row.warehouse_id} for sku, quantity in row.lines]
    return (
        row.id,
        row.order_id,
        row.customer_id,
        row.email,
        row.warehouse_id,
        row.method_id,
        row.carrier,
        "DELIVERED" if row.delivered_at else "IN_TRANSIT",
        orjson.dumps(row.address).decode(),
        orjson.dumps(lines).decode(),
        row.tracking_number,
        row.created_at,
        row.shipped_at,
        row.delivered_at,
    )


def _events(row: ShipmentRow) -> Iterator[tuple[str, str, datetime]]:
    yield (row.id, "PENDING", row.created_at)
    yield (row.id, "LABELLED", row.created_at)
    yield (row.id, "IN_TRANSIT", row.shipped_at)
    if row.delivered_at:
        yield (row.id, "DELIVERED", row.delivered_at)
