"""Popularity, pairs, purchases.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

from kernel.migrations import create_event_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_event_tables()
    op.create_table(
        "product_popularity",
        sa.Column("product_id", sa.Text, primary_key=True),
        sa.Column("orders", sa.Integer, nullable=False),
        sa.Column("units", sa.Integer, nullable=False),
        sa.Column("last_bought_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("product_popularity_rank", "product_popularity", ["orders", "product_id"])
    op.create_table(
        "product_pairs",
        sa.Column("product_id", sa.Text, primary_key=True),
        sa.Column("other_id", sa.Text, primary_key=True),
        sa.Column("orders", sa.Integer, nullable=False),
        sa.CheckConstraint("product_id <> other_id", name="product_pairs_distinct"),
    )
    op.create_table(
        "purchases",
        sa.Column("customer_id", sa.Text, primary_key=True),
        sa.Column("product_id", sa.Text, primary_key=True),
        sa.Column("orders", sa.Integer, nullable=False),
        sa.Column("last_bought_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table("hidden_products", sa.Column("product_id", sa.Text, primary_key=True))
