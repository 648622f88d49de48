"""The pictures that a product shows, in their order."""

from alembic import op

revision = "0040"
down_revision = "0011"


def upgrade() -> None:
    """Create the column."""
    op.execute("ALTER TABLE products ADD COLUMN media jsonb NOT NULL DEFAULT '[]'")


def downgrade() -> None:
    """Drop it."""
    op.execute("ALTER TABLE products DROP COLUMN media")
