"""Facts of sales, views, checkouts and searches.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    at = sa.DateTime(timezone=True)
    op.create_table(
        "sales",
        sa.Column("order_id", sa.Text, primary_key=True),
        sa.Column("buyer", sa.Text, index=True),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("total_minor", sa.BigInteger, nullable=False),
        sa.Column("units", sa.Integer, nullable=False),
        sa.Column("confirmed_at", at, nullable=False, index=True),
        sa.Column("cancelled_at", at),
    )
    op.create_table(
        "sold_lines",
        sa.Column("order_id", sa.Text, primary_key=True),
        sa.Column("sku", sa.Text, primary_key=True),
        sa.Column("product_id", sa.Text, nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("revenue_minor", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "refunds",
        sa.Column("refund_id", sa.Text, primary_key=True),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("refunded_at", at, nullable=False, index=True),
    )
    op.create_table(
        "checkouts_started",
        sa.Column("checkout_id", sa.Text, primary_key=True),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("started_at", at, nullable=False, index=True),
    )
    op.create_table(
        "product_views",
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("product_id", sa.Text, nullable=False),
        sa.Column("visitor", sa.Text, nullable=False, index=True),
        sa.Column("searched", sa.Text, nullable=False),
        sa.Column("viewed_at", at, nullable=False, index=True),
    )
    op.create_table(
        "searches",
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("place", sa.SmallInteger, primary_key=True),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("found", sa.Integer, nullable=False),
        sa.Column("searched_at", at, nullable=False, index=True),
    )
