"""The catalogue: categories, product types, products, variants, prices, promotions, collections."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from kernel.migrations import create_event_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SEARCH_VECTOR = (
    "setweight(to_tsvector('english', name), 'A') || setweight(to_tsvector('simple', name), 'A') || "
    "setweight(to_tsvector('simple', brand), 'B') || setweight(to_tsvector('simple', keywords), 'B') || "
    "setweight(to_tsvector('english', keywords), 'B') || setweight(to_tsvector('english', category_words), 'C') || "
    "setweight(to_tsvector('english', description), 'D')"
)


def upgrade() -> None:
    create_event_tables()
    op.create_table(
        "categories",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False, server_default=""),
        sa.Column("parent_id", sa.Text(), sa.ForeignKey("categories.id", name="categories_parent")),
        sa.Column("path", pg.ARRAY(sa.Text()), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, server_default="0"),
        sa.UniqueConstraint("slug", name="categories_slug"),
    )
    op.create_index("categories_by_parent", "categories", ["parent_id", "position", "id"])
    op.create_index("categories_by_path", "categories", ["path"], postgresql_using="gin")
    op.create_table(
        "product_types",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("attributes", pg.JSONB(), nullable=False, server_default="[]"),
        sa.UniqueConstraint("slug", name="product_types_slug"),
    )
    op.create_table(
        "products",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False, server_default=""),
        sa.Column("type_id", sa.Text(), sa.ForeignKey("product_types.id", name="products_type"), nullable=False),
        sa.Column("category_id", sa.Text(), sa.ForeignKey("categories.id", name="products_category")),
        sa.Column("brand", sa.Text(), nullable=False, server_default=""),
        sa.Column("tags", pg.ARRAY(sa.Text()), nullable=False, server_default="{}"),
        sa.Column("attributes", pg.JSONB(), nullable=False, server_default="{}"),
        sa.Column("published", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("owner_id", sa.Text()),
        sa.Column("keywords", sa.Text(), nullable=False, server_default=""),
        sa.Column("category_words", sa.Text(), nullable=False, server_default=""),
        sa.Column("search", pg.TSVECTOR(), sa.Computed(SEARCH_VECTOR, persisted=True)),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.UniqueConstraint("slug", name="products_slug"),
    )
    op.create_index("products_by_category", "products", ["category_id", "id"])
    op.create_index("products_by_name", "products", ["name", "id"])
    op.create_index("products_by_birth", "products", ["created_at", "id"])
    op.create_index("products_by_words", "products", ["search"], postgresql_using="gin")
    op.create_index("products_by_tags", "products", ["tags"], postgresql_using="gin")
    op.create_table(
        "variants",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("product_id", sa.Text(), sa.ForeignKey("products.id", name="variants_product"), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, server_default=""),
        sa.Column("options", pg.JSONB(), nullable=False, server_default="{}"),
        sa.Column("attributes", pg.JSONB(), nullable=False, server_default="{}"),
        sa.Column("weight_grams", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("position", sa.Integer(), nullable=False, server_default="0"),
        sa.UniqueConstraint("sku", name="variants_sku"),
        sa.CheckConstraint("weight_grams >= 0", name="variants_weight"),
    )
    op.create_index("variants_by_product", "variants", ["product_id", "position", "id"])
    op.create_table(
        "prices",
        sa.Column("variant_id", sa.Text(), sa.ForeignKey("variants.id", name="prices_variant"), primary_key=True),
        sa.Column("currency", sa.Text(), primary_key=True),
        sa.Column("minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("minor >= 0", name="prices_not_negative"),
    )
    op.create_table(
        "promotions",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("percent", sa.Numeric(5, 2)),
        sa.Column("amounts", pg.JSONB()),
        sa.Column("category_ids", pg.ARRAY(sa.Text()), nullable=False, server_default="{}"),
        sa.Column("product_ids", pg.ARRAY(sa.Text()), nullable=False, server_default="{}"),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(percent IS NULL) <> (amounts IS NULL)", name="promotions_one_reward"),
        sa.CheckConstraint("starts_at < ends_at", name="promotions_window"),
    )
    op.create_index("promotions_by_end", "promotions", ["ends_at"])
    op.create_table(
        "collections",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False, server_default=""),
        sa.UniqueConstraint("slug", name="collections_slug"),
    )
    op.create_table(
        "collection_products",
        sa.Column(
            "collection_id",
            sa.Text(),
            sa.ForeignKey("collections.id", name="collection_products_collection"),
            primary_key=True,
        ),
        sa.Column(
            "product_id", sa.Text(), sa.ForeignKey("products.id", name="collection_products_product"), primary_key=True
        ),
        sa.Column("position", sa.Integer(), nullable=False, server_default="0"),
    )
    op.create_index("collection_products_by_product", "collection_products", ["product_id"])


def downgrade() -> None:
    for table in (
        "collection_products", "collections", "promotions", "prices", "variants", "products", "product_types",
        "categories", "inbox", "outbox",
    ):
        op.drop_table(table)
