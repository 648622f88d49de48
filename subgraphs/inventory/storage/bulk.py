"""Warehouses and years of stock movements in bulk, for demo data: no events are told to other subgraphs.

Only the movements are given; levels, reservations and allocations follow from them by the same rules that the
running shop uses, so what is loaded can neither be oversold nor differ from its ledger.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final

import asyncpg
import orjson

from subgraphs.inventory.domain.ledger import SCHEMA_VERSION, Entry, Shelf
from subgraphs.inventory.domain.reservations import Allocation, ReservationLine
from subgraphs.inventory.domain.stock import Details, Level, Movement, MovementType, Policy

SCHEMA: Final = "inventory"
_HELD_FOR: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehouseRow:
    """A warehouse; a lower priority is served from first."""

    id: str
    code: str
    name: str
    country: str
    priority: int = 0
    postal_code: str = ""
    parcel_cost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuRow:
    """To which product and variant a SKU belongs."""

    sku: str
    product_id: str
    variant_id: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """When a SKU is reordered in a warehouse, and how many more than there are may be promised."""

    sku: str
    warehouse_id: str
    reorder_point: int = 0
    backorder_limit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementRow:
    """One entry of the ledger; a sale is RESERVED, ALLOCATED and SHIPPED.

    `reference` is what caused it: of a RESERVED entry the reservation, of the later ones the order.
    """

    sku: str
    warehouse_id: str
    type: MovementType
    quantity: int
    occurred_at: datetime
    reference: str = ""
    reason: str = ""
    details: Details = field(default_factory=dict[str, Any])
    """What entries of this type carry: an ALLOCATED one its `reservation_id`, a RETURNED one `shipped_from`."""


async def copy(
    connection: asyncpg.Connection,
    *,
    warehouses: Iterable[WarehouseRow],
    skus: Iterable[SkuRow],
    movements: Iterable[MovementRow],
    policies: Iterable[PolicyRow] = (),
) -> None:
    """Load stock in the caller's transaction; the movements of one SKU in one warehouse come in their order.

    Raises:
        ConflictError: the movements take more than there is.
    """
    moved = list(movements)
    begin = min((row.occurred_at for row in moved), default=datetime.now(UTC))
    told = [_policy(row, begin) for row in policies]
    shelf, ledger = Shelf(), list[tuple[Any, ...]]()
    for row in (*told, *moved):
        ledger.append(_record(shelf, row))
    await _copy(connection, "warehouses", WarehouseRow, warehouses)
    await _copy(connection, "skus", SkuRow, skus)
    await connection.copy_records_to_table("stock_events", schema_name=SCHEMA, columns=_LEDGER_COLUMNS, records=ledger)
    await _copy(connection, "stock_levels", Level, shelf.levels.values())
    await _copy(connection, "reservation_lines", ReservationLine, shelf.lines.values())
    await _copy(connection, "allocations", Allocation, shelf.allocations.values())


_LEDGER_COLUMNS: Final = (
    "sku",
    "warehouse_id",
    "version",
    "type",
    "quantity",
    "reference",
    "reason",
    "occurred_at",
    "schema_version",
    "details",
)


def _policy(row: PolicyRow, at: datetime) -> MovementRow:
    policy = Policy(reorder_point=row.reorder_point, backorder_limit=row.backorder_limit)
    return MovementRow(
        sku=row.sku,
        warehouse_id=row.warehouse_id,
        type=MovementType.POLICY_SET,
        quantity=0,
        occurred_at=at,
        details=policy.details(),
    )


def _record(shelf: Shelf, row: MovementRow) -> tuple[Any, ...]:
    """Put a movement on the shelf by the rules of the running shop; give its row of the ledger."""
    details = row.details
    if row.type is MovementType.RESERVED:
        details = {"checkout_id": "", "expires_at": (row.occurred_at + _HELD_FOR).isoformat(), **details}
    movement = Movement(
        type=row.type, quantity=row.quantity, reference=row.reference, reason=row.reason, details=details
    )
    level = shelf.level((row.sku, row.warehouse_id)).record(movement)
    shelf.apply(Entry(row.sku, row.warehouse_id, level.version, movement, row.occurred_at))
    text = orjson.dumps(details).decode() if details else None
    return (
        *(row.sku, row.warehouse_id, level.version, row.type.value, row.quantity, row.reference, row.reason),
        *(row.occurred_at, SCHEMA_VERSION, text),
    )


async def _copy(connection: asyncpg.Connection, table: str, kind: type[Any], rows: Iterable[Any]) -> None:
    columns = [each.name for each in fields(kind)]
    await connection.copy_records_to_table(
        table, schema_name=SCHEMA, columns=columns, records=[_values(row, columns) for row in rows]
    )


def _values(row: Any, columns: Iterable[str]) -> tuple[Any, ...]:
    values = (getattr(row, column) for column in columns)
    return tuple(value.value if isinstance(value, Enum) else value for value in values)
