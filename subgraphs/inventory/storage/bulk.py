"""Warehouses and years of stock movements in bulk, for demo data: no events are told to other subgraphs.

Levels are not given but added up from the movements by the same rule that the running shop uses, so what is
loaded can neither be oversold nor differ from its ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

import asyncpg

from subgraphs.inventory.domain.stock import Level, Movement, MovementType

SCHEMA: Final = "inventory"


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehouseRow:
    """A warehouse; a lower priority is served from first."""

    id: str
    code: str
    name: str
    country: str
    priority: int = 0


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
    """One entry of the ledger; a sale is RESERVED, ALLOCATED and SHIPPED, `reference` being its order's id."""

    sku: str
    warehouse_id: str
    type: MovementType
    quantity: int
    occurred_at: datetime
    reference: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationRow:
    """Stock that belongs to an order; `quantity - shipped - released` of it must be allocated by the movements."""

    order_id: str
    reservation_id: str
    sku: str
    warehouse_id: str
    quantity: int
    shipped: int = 0
    released: int = 0


async def copy(
    connection: asyncpg.Connection,
    *,
    warehouses: Iterable[WarehouseRow],
    skus: Iterable[SkuRow],
    movements: Iterable[MovementRow],
    policies: Iterable[PolicyRow] = (),
    allocations: Iterable[AllocationRow] = (),
) -> None:
    """Load stock in the caller's transaction; the movements of one SKU in one warehouse come in their order.

    Raises:
        ConflictError: the movements take more than there is.
    """
    ledger, levels = _add_up(movements, {(each.sku, each.warehouse_id): each for each in policies})
    await _copy(connection, "warehouses", WarehouseRow, warehouses)
    await _copy(connection, "skus", SkuRow, skus)
    await connection.copy_records_to_table("stock_events", schema_name=SCHEMA, columns=_LEDGER_COLUMNS, records=ledger)
    await _copy(connection, "stock_levels", Level, levels)
    await _copy(connection, "allocations", AllocationRow, allocations)


_LEDGER_COLUMNS: Final = ("sku", "warehouse_id", "version", "type", "quantity", "reference", "reason", "occurred_at")


def _add_up(
    movements: Iterable[MovementRow], policies: Mapping[tuple[str, str], PolicyRow]
) -> tuple[list[tuple[Any, ...]], Iterable[Level]]:
    ledger: list[tuple[Any, ...]] = []
    levels = {stream: _empty(policy) for stream, policy in policies.items()}
    for row in movements:
        stream = (row.sku, row.warehouse_id)
        before = levels.get(stream) or Level(sku=row.sku, warehouse_id=row.warehouse_id)
        movement = Movement(type=row.type, quantity=row.quantity, reference=row.reference, reason=row.reason)
        after = levels[stream] = before.record(movement)
        ledger.append(
            (*stream, after.version, row.type.value, row.quantity, row.reference, row.reason, row.occurred_at)
        )
    return ledger, levels.values()


def _empty(policy: PolicyRow) -> Level:
    return Level(
        sku=policy.sku,
        warehouse_id=policy.warehouse_id,
        reorder_point=policy.reorder_point,
        backorder_limit=policy.backorder_limit,
    )


async def _copy(connection: asyncpg.Connection, table: str, kind: type[Any], rows: Iterable[Any]) -> None:
    columns = [each.name for each in fields(kind)]
    await connection.copy_records_to_table(
        table, schema_name=SCHEMA, columns=columns, records=list(map(attrgetter(*columns), rows))
    )
