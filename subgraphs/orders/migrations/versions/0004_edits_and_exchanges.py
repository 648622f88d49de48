"""Orders that are changed or exchanged: what was taken for one, how often it was changed; classes of taxed goods."""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = (
    """
    ALTER TABLE orders
        ADD COLUMN charged_minor bigint NOT NULL DEFAULT 0,
        ADD COLUMN revision integer NOT NULL DEFAULT 0,
        ADD COLUMN replaces text REFERENCES orders,
        DROP CONSTRAINT orders_refunds,
        ADD CONSTRAINT orders_refunds CHECK (refunded_minor >= 0)
    """,
    "UPDATE orders SET charged_minor = total_minor WHERE confirmed_at IS NOT NULL",
    """
    ALTER TABLE returns
        ADD COLUMN credit_minor bigint NOT NULL DEFAULT 0 CONSTRAINT returns_credit CHECK (credit_minor >= 0),
        ADD COLUMN replacement_id text REFERENCES orders
    """,
    "ALTER TABLE invoices DROP CONSTRAINT invoices_order_id_key, ADD COLUMN revision integer NOT NULL DEFAULT 0",
    "CREATE TABLE tax_classes (sku text PRIMARY KEY, tax_class text NOT NULL)",
    "CREATE UNIQUE INDEX invoices_one_per_revision ON invoices (order_id, revision)",
)


def upgrade() -> None:
    """Add the columns."""
    for statement in STATEMENTS:
        op.execute(statement)
