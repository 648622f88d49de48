"""Vouchers on checkouts and orders; lines that are saved for later; when a cart was found abandoned."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    """
    ALTER TABLE carts
        ADD COLUMN abandoned_at timestamptz,
        ADD COLUMN merged_into text
    """,
    "CREATE INDEX carts_at_rest ON carts (updated_at) WHERE NOT ordered AND abandoned_at IS NULL",
    "ALTER TABLE cart_lines ADD COLUMN saved boolean NOT NULL DEFAULT false",
    """
    ALTER TABLE checkouts
        ADD COLUMN voucher_code text,
        ADD COLUMN voucher_name text,
        ADD COLUMN discount_minor bigint NOT NULL DEFAULT 0 CONSTRAINT checkouts_discount CHECK (discount_minor >= 0)
    """,
    """
    ALTER TABLE orders
        ADD COLUMN voucher_code text,
        ADD COLUMN discount_minor bigint NOT NULL DEFAULT 0 CONSTRAINT orders_discount CHECK (discount_minor >= 0)
    """,
    """
    ALTER TABLE order_lines
        ADD COLUMN discount_minor bigint NOT NULL DEFAULT 0 CONSTRAINT order_lines_discount CHECK (discount_minor >= 0)
    """,
)


def upgrade() -> None:
    """Add the columns."""
    for statement in STATEMENTS:
        op.execute(statement)
