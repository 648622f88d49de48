"""A voucher that a buyer enters while it is still a cart."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column."""
    op.execute("ALTER TABLE carts ADD COLUMN voucher_code text")
