"""Orders that are being changed: nothing of them leaves, and a warehouse may pack for one of them anew."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    "CREATE TABLE held_orders (order_id text PRIMARY KEY, at timestamptz NOT NULL)",
    "DROP INDEX shipments_one_per_warehouse",
    """
    CREATE UNIQUE INDEX shipments_one_per_warehouse ON shipments (order_id, warehouse_id) WHERE status <> 'CANCELLED'
    """,
)


def upgrade() -> None:
    """Add what an order's change needs."""
    for statement in STATEMENTS:
        op.execute(statement)
