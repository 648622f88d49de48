"""The tables of planning: what was wanted, what will be, what is on order, and who waits for it.

None of them decides whether something can be sold; the ledger and its levels do. Demand comes from the events of
orders and from imports, forecasts and reorder plans are made from it by a job and may be thrown away.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from subgraphs.inventory.storage.tables import METADATA, stock_events

sku_groups: Final = Table(
    "sku_groups",
    METADATA,
    Column("sku", Text, primary_key=True),
    Column("group_id", Text, nullable=False, server_default=""),
    Index("sku_groups_by_group", "group_id"),
)
"""The category whose season a SKU shares; the empty one is the rest of the shop."""

demand_lines: Final = Table(
    "demand_lines",
    METADATA,
    Column("order_id", Text, primary_key=True),
    Column("sku", Text, primary_key=True),
    Column("warehouse_id", Text, primary_key=True),
    Column("day", Date, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("cancelled", Boolean, nullable=False, server_default="false"),
    Index("demand_lines_by_sku", "sku", "day"),
)
"""What each order wanted. An order is here once, however often its events are told."""

demand_imports: Final = Table(
    "demand_imports",
    METADATA,
    Column("sku", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("week", Date, primary_key=True),
    Column("quantity", Integer, nullable=False),
    CheckConstraint("quantity >= 0", name="demand_imports_quantity"),
)
"""What was sold elsewhere, by week: in shops, on market places, in the system before this one."""

forecasts: Final = Table(
    "forecasts",
    METADATA,
    Column("sku", Text, primary_key=True),
    Column("first", Date, nullable=False),
    Column("means", ARRAY(Double), nullable=False),
    Column("scatter", Double, nullable=False),
    Column("evidence", Double, nullable=False),
    Column("model", Text, nullable=False),
    Column("pattern", Text, nullable=False),
    Column("mase", Double),
    Column("made_at", DateTime(timezone=True), nullable=False),
)

supply_terms: Final = Table(
    "supply_terms",
    METADATA,
    Column("sku", Text, primary_key=True),
    Column("supplier", Text, nullable=False, server_default=""),
    Column("lead_time_days", Integer, nullable=False),
    Column("cycle_days", Integer, nullable=False),
    Column("service_level", Double, nullable=False),
    Column("pack_size", Integer, nullable=False),
    Column("least_quantity", Integer, nullable=False),
)
"""How a SKU is bought where that is not as the settings say."""

reorder_plans: Final = Table(
    "reorder_plans",
    METADATA,
    Column("sku", Text, primary_key=True),
    Column("warehouse_id", Text, ForeignKey("warehouses.id", name="reorder_plans_warehouse"), primary_key=True),
    Column("reorder_point", Integer, nullable=False),
    Column("order_up_to", Integer, nullable=False),
    Column("lead_time_demand", Double, nullable=False),
    Column("lead_time_days", Integer, nullable=False),
    Column("service_level", Double, nullable=False),
    Column("pack_size", Integer, nullable=False),
    Column("least_quantity", Integer, nullable=False),
    Column("supplier", Text, nullable=False, server_default=""),
    Column("made_at", DateTime(timezone=True), nullable=False),
)

purchase_orders: Final = Table(
    "purchase_orders",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("warehouse_id", Text, ForeignKey("warehouses.id", name="purchase_orders_warehouse"), nullable=False),
    Column("supplier", Text, nullable=False, server_default=""),
    Column("state", Text, nullable=False),
    Column("expected_on", Date),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("ordered_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
)

purchase_order_lines: Final = Table(
    "purchase_order_lines",
    METADATA,
    Column(
        "purchase_order_id", Text, ForeignKey("purchase_orders.id", name="purchase_order_lines_of"), primary_key=True
    ),
    Column("sku", Text, primary_key=True),
    Column("quantity", Integer, nullable=False),
    Column("received", Integer, nullable=False, server_default="0"),
    CheckConstraint("quantity > 0 AND received >= 0", name="purchase_order_lines_quantities"),
    Index("purchase_order_lines_by_sku", "sku"),
)

stock_costs: Final = Table(
    "stock_costs",
    METADATA,
    Column("sku", Text, primary_key=True),
    Column("currency", Text, nullable=False),
    Column("minor", BigInteger, nullable=False),
    CheckConstraint("minor >= 0", name="stock_costs_minor"),
)
"""What a unit costs to buy: what the stock is worth."""

stock_watches: Final = Table(
    "stock_watches",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("sku", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("user_id", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("told_at", DateTime(timezone=True)),
    Index("stock_watches_waiting", "sku", "email", unique=True, postgresql_where=text("told_at IS NULL")),
)
"""Who wants to hear when a SKU can be bought again; each is told once."""

low_stock: Final = Table(
    "low_stock",
    METADATA,
    Column("sku", Text, primary_key=True),
    Column("warehouse_id", Text, primary_key=True),
    Column("since", DateTime(timezone=True), nullable=False),
)
"""The levels of which it was told that they are low, until they have clearly recovered."""

Index("stock_events_by_sku", stock_events.c.sku, stock_events.c.position)
Index("stock_events_by_cause", stock_events.c.reference, stock_events.c.position)
