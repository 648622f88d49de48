"""Returns with their lines, and invoices with numbers that have no gaps."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    """
    CREATE TABLE returns (
        id text PRIMARY KEY,
        order_id text NOT NULL REFERENCES orders,
        status text NOT NULL,
        reason text NOT NULL,
        answer text NOT NULL DEFAULT '',
        refund_minor bigint NOT NULL DEFAULT 0 CONSTRAINT returns_refund CHECK (refund_minor >= 0),
        tracking_number text,
        label_url text,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX returns_of_order ON returns (order_id, created_at, id)",
    """
    CREATE TABLE return_lines (
        return_id text NOT NULL REFERENCES returns ON DELETE CASCADE,
        line_id text NOT NULL REFERENCES order_lines,
        quantity integer NOT NULL CONSTRAINT return_lines_quantity CHECK (quantity > 0),
        state text NOT NULL,
        PRIMARY KEY (return_id, line_id)
    )
    """,
    """
    CREATE TABLE invoices (
        number bigint PRIMARY KEY,
        order_id text NOT NULL UNIQUE REFERENCES orders,
        issued_at timestamptz NOT NULL
    )
    """,
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)
