"""Vouchers and their uses."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    """
    CREATE TABLE vouchers (
        code text PRIMARY KEY,
        name text NOT NULL,
        percent numeric(5, 2) CONSTRAINT vouchers_percent CHECK (percent > 0 AND percent <= 100),
        amounts jsonb NOT NULL DEFAULT '{}',
        starts_at timestamptz NOT NULL,
        ends_at timestamptz,
        minimum_minor bigint,
        minimum_currency text,
        usage_limit integer CONSTRAINT vouchers_usage_limit CHECK (usage_limit > 0),
        buyer_limit integer CONSTRAINT vouchers_buyer_limit CHECK (buyer_limit > 0)
    )
    """,
    """
    CREATE TABLE voucher_uses (
        order_id text PRIMARY KEY,
        code text NOT NULL REFERENCES vouchers,
        buyer text NOT NULL,
        used_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX voucher_uses_of_voucher ON voucher_uses (code, buyer)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE voucher_uses, vouchers")
