"""What moved on each day: a table that follows the ledger by itself."""

from alembic import op

revision = "0003"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; the projection fills it from the first entry on."""
    op.execute(
        """
        CREATE TABLE stock_turnover (
            day date NOT NULL,
            sku text NOT NULL,
            warehouse_id text NOT NULL,
            received bigint NOT NULL,
            shipped bigint NOT NULL,
            returned bigint NOT NULL,
            corrected bigint NOT NULL,
            transferred bigint NOT NULL,
            PRIMARY KEY (day, sku, warehouse_id))
        """
    )
