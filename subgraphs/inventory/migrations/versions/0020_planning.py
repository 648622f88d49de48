"""Planning: demand, forecasts, reorder plans, purchase orders, costs, watches, and what was told to be low."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0020"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)

# What the ledger tells of the time before order events were counted. An order that gave all back was cancelled.
DEMAND_OF_THE_LEDGER = """
INSERT INTO demand_lines (order_id, sku, warehouse_id, day, quantity, cancelled)
SELECT reference, sku, warehouse_id, min(occurred_at)::date,
       sum(quantity) FILTER (WHERE type = 'StockAllocated'),
       coalesce(sum(quantity) FILTER (WHERE type = 'AllocationReleased'), 0)
           >= sum(quantity) FILTER (WHERE type = 'StockAllocated')
FROM stock_events WHERE type IN ('StockAllocated', 'AllocationReleased')
GROUP BY reference, sku, warehouse_id
HAVING count(*) FILTER (WHERE type = 'StockAllocated') > 0
"""


def upgrade() -> None:
    _create_demand()
    _create_plans()
    _create_purchasing()
    _create_watches()
    op.create_index("stock_events_by_sku", "stock_events", ["sku", "position"])
    op.create_index("stock_events_by_cause", "stock_events", ["reference", "position"])
    op.execute(DEMAND_OF_THE_LEDGER)
    op.execute("INSERT INTO sku_groups (sku) SELECT sku FROM skus")


def _create_demand() -> None:
    op.create_table(
        "sku_groups",
        sa.Column("sku", sa.Text(), primary_key=True),
        sa.Column("group_id", sa.Text(), nullable=False, server_default=""),
    )
    op.create_index("sku_groups_by_group", "sku_groups", ["group_id"])
    op.create_table(
        "demand_lines",
        sa.Column("order_id", sa.Text(), primary_key=True),
        sa.Column("sku", sa.Text(), primary_key=True),
        sa.Column("warehouse_id", sa.Text(), primary_key=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False, server_default="false"),
    )
    op.create_index("demand_lines_by_sku", "demand_lines", ["sku", "day"])
    op.create_table(
        "demand_imports",
        sa.Column("sku", sa.Text(), primary_key=True),
        sa.Column("channel", sa.Text(), primary_key=True),
        sa.Column("week", sa.Date(), primary_key=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity >= 0", name="demand_imports_quantity"),
    )


def _create_plans() -> None:
    op.create_table(
        "forecasts",
        sa.Column("sku", sa.Text(), primary_key=True),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("means", pg.ARRAY(sa.Double()), nullable=False),
        sa.Column("scatter", sa.Double(), nullable=False),
        sa.Column("evidence", sa.Double(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("mase", sa.Double()),
        sa.Column("made_at", INSTANT, nullable=False),
    )
    op.create_table(
        "supply_terms",
        sa.Column("sku", sa.Text(), primary_key=True),
        sa.Column("supplier", sa.Text(), nullable=False, server_default=""),
        sa.Column("lead_time_days", sa.Integer(), nullable=False),
        sa.Column("cycle_days", sa.Integer(), nullable=False),
        sa.Column("service_level", sa.Double(), nullable=False),
        sa.Column("pack_size", sa.Integer(), nullable=False),
        sa.Column("least_quantity", sa.Integer(), nullable=False),
    )
    op.create_table(
        "reorder_plans",
        sa.Column("sku", sa.Text(), primary_key=True),
        sa.Column(
            "warehouse_id", sa.Text(), sa.ForeignKey("warehouses.id", name="reorder_plans_warehouse"), primary_key=True
        ),
        sa.Column("reorder_point", sa.Integer(), nullable=False),
        sa.Column("order_up_to", sa.Integer(), nullable=False),
        sa.Column("lead_time_demand", sa.Double(), nullable=False),
        sa.Column("lead_time_days", sa.Integer(), nullable=False),
        sa.Column("service_level", sa.Double(), nullable=False),
        sa.Column("pack_size", sa.Integer(), nullable=False),
        sa.Column("least_quantity", sa.Integer(), nullable=False),
        sa.Column("supplier", sa.Text(), nullable=False, server_default=""),
        sa.Column("made_at", INSTANT, nullable=False),
    )


def _create_purchasing() -> None:
    op.create_table(
        "purchase_orders",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column(
            "warehouse_id", sa.Text(), sa.ForeignKey("warehouses.id", name="purchase_orders_warehouse"), nullable=False
        ),
        sa.Column("supplier", sa.Text(), nullable=False, server_default=""),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("expected_on", sa.Date()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ordered_at", INSTANT),
        sa.Column("closed_at", INSTANT),
    )
    op.create_table(
        "purchase_order_lines",
        sa.Column(
            "purchase_order_id",
            sa.Text(),
            sa.ForeignKey("purchase_orders.id", name="purchase_order_lines_of"),
            primary_key=True,
        ),
        sa.Column("sku", sa.Text(), primary_key=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False, server_default="0"),
        sa.CheckConstraint("quantity > 0 AND received >= 0", name="purchase_order_lines_quantities"),
    )
    op.create_index("purchase_order_lines_by_sku", "purchase_order_lines", ["sku"])
    op.create_table(
        "stock_costs",
        sa.Column("sku", sa.Text(), primary_key=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("minor >= 0", name="stock_costs_minor"),
    )


def _create_watches() -> None:
    op.create_table(
        "stock_watches",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text()),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("told_at", INSTANT),
    )
    op.create_index(
        "stock_watches_waiting", "stock_watches", ["sku", "email"], unique=True,
        postgresql_where=sa.text("told_at IS NULL"),
    )
    op.create_table(
        "low_stock",
        sa.Column("sku", sa.Text(), primary_key=True),
        sa.Column("warehouse_id", sa.Text(), primary_key=True),
        sa.Column("since", INSTANT, nullable=False),
    )


def downgrade() -> None:
    op.drop_index("stock_events_by_cause", "stock_events")
    op.drop_index("stock_events_by_sku", "stock_events")
    for table in (
        "low_stock", "stock_watches", "stock_costs", "purchase_order_lines", "purchase_orders", "reorder_plans",
        "supply_terms", "forecasts", "demand_imports", "demand_lines", "sku_groups",
    ):
        op.drop_table(table)
