"""What planning knows of years past, in bulk, for demo data; the ledger is loaded before it by `bulk.copy`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

import asyncpg

from kernel.money import Money
from subgraphs.inventory.storage.demand import SoldElsewhere

SCHEMA: Final = "inventory"

_FROM_ORDERS: Final = """
INSERT INTO inventory.demand_lines (order_id, sku, warehouse_id, day, quantity, cancelled)
SELECT allocation.order_id, sku, warehouse_id, told.day, quantity, released = quantity
FROM inventory.allocations AS allocation
JOIN unnest($1::text[], $2::date[]) AS told (order_id, day) ON told.order_id = allocation.order_id
"""


async def copy_planning(
    connection: asyncpg.Connection,
    *,
    groups: Mapping[str, str],
    orders: Mapping[str, date],
    sold: Iterable[SoldElsewhere],
    costs: Mapping[str, Money],
) -> None:
    """Load the group of each SKU, the days of the orders, what was sold elsewhere, and what units cost."""
    await connection.copy_records_to_table("sku_groups", schema_name=SCHEMA, records=list(groups.items()))
    await connection.execute(_FROM_ORDERS, list(orders), list(orders.values()))
    await connection.copy_records_to_table(
        "demand_imports",
        schema_name=SCHEMA,
        columns=("sku", "channel", "week", "quantity"),
        records=[(each.sku, each.channel, each.week, each.quantity) for each in sold],
    )
    await connection.copy_records_to_table(
        "stock_costs",
        schema_name=SCHEMA,
        columns=("sku", "currency", "minor"),
        records=[(sku, cost.currency, cost.minor) for sku, cost in costs.items()],
    )
