"""What is known of products, what was viewed, what was learnt of both.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _products()
    op.create_table(
        "categories",
        sa.Column("category_id", sa.Text, primary_key=True),
        sa.Column("parent_id", sa.Text, index=True),
    )
    op.create_table(
        "stock",
        sa.Column("sku", sa.Text, primary_key=True),
        sa.Column("product_id", sa.Text, nullable=False, index=True),
        sa.Column("available", sa.Integer, nullable=False),
    )
    op.create_table(
        "views",
        sa.Column("viewer", sa.Text, primary_key=True),
        sa.Column("product_id", sa.Text, primary_key=True),
        sa.Column("views", sa.Integer, nullable=False),
        sa.Column("last_viewed_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("views_recent", "views", ["viewer", "last_viewed_at"])
    op.create_index("views_old", "views", ["last_viewed_at"])
    op.create_index("purchases_recent", "purchases", ["customer_id", "last_bought_at"])
    op.create_table(
        "neighbours",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("product_id", sa.Text, primary_key=True),
        sa.Column("rank", sa.SmallInteger, primary_key=True),
        sa.Column("other_id", sa.Text, nullable=False),
        sa.Column("score", sa.Float(53), nullable=False),
    )
    op.create_table(
        "training",
        sa.Column("id", sa.SmallInteger, primary_key=True),
        sa.Column("trained_at", sa.DateTime(timezone=True)),
        sa.Column("learnt_until", sa.DateTime(timezone=True)),
        sa.CheckConstraint("id = 1", name="training_one_row"),
    )
    op.execute("INSERT INTO training (id) VALUES (1)")


def _products() -> None:
    """Let the counts of a product and what is known of it be one row."""
    op.rename_table("product_popularity", "products")
    op.execute("ALTER INDEX product_popularity_pkey RENAME TO products_pkey")
    op.drop_index("product_popularity_rank", "products")
    op.alter_column("products", "last_bought_at", nullable=True)
    for count in ("orders", "units"):
        op.alter_column("products", count, server_default="0")
    for column in (
        sa.Column("trend", sa.Float(53), nullable=False, server_default="0"),
        sa.Column("name", sa.Text, nullable=False, server_default=""),
        sa.Column("category_id", sa.Text),
        sa.Column("features", sa.ARRAY(sa.Text), nullable=False, server_default="{}"),
        sa.Column("published", sa.Boolean, nullable=False, server_default="true"),
        sa.Column("in_stock", sa.Boolean, nullable=False, server_default="true"),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("shown", sa.Boolean, sa.Computed("published AND in_stock", persisted=True), nullable=False),
    ):
        op.add_column("products", column)
    op.execute("""
        UPDATE products SET trend =
            power(2, extract(epoch FROM last_bought_at - '2025-01-01Z'::timestamptz)::float8 / (14 * 86400))
    """)
    op.execute("""
        INSERT INTO products (product_id, published) SELECT product_id, false FROM hidden_products
        ON CONFLICT (product_id) DO UPDATE SET published = false
    """)
    op.drop_table("hidden_products")
    shown = sa.text("shown")
    op.create_index("products_popular", "products", ["orders", "product_id"], postgresql_where=shown)
    op.create_index("products_trending", "products", ["trend", "product_id"], postgresql_where=shown)
    op.create_index(
        "products_of_category", "products", ["category_id", "orders", "product_id"], postgresql_where=shown
    )
