"""What products, categories and collections say about themselves in several languages, when, and where they were."""

from alembic import op

revision = "0010"
down_revision = "0002"

STATEMENTS = (
    """
    ALTER TABLE products
        ADD COLUMN seo_title text NOT NULL DEFAULT '',
        ADD COLUMN seo_description text NOT NULL DEFAULT '',
        ADD COLUMN translations jsonb NOT NULL DEFAULT '{}',
        ADD COLUMN publish_at timestamptz,
        ADD COLUMN unpublish_at timestamptz
    """,
    "CREATE INDEX products_to_publish ON products (publish_at) WHERE publish_at IS NOT NULL",
    "CREATE INDEX products_to_unpublish ON products (unpublish_at) WHERE unpublish_at IS NOT NULL",
    "CREATE INDEX products_by_attributes ON products USING gin (attributes jsonb_path_ops)",
    "CREATE INDEX products_by_type ON products (type_id, id)",
    "CREATE INDEX products_by_brand ON products (brand, id)",
    """
    ALTER TABLE categories
        ADD COLUMN seo_title text NOT NULL DEFAULT '',
        ADD COLUMN seo_description text NOT NULL DEFAULT '',
        ADD COLUMN translations jsonb NOT NULL DEFAULT '{}'
    """,
    """
    ALTER TABLE collections
        ADD COLUMN seo_title text NOT NULL DEFAULT '',
        ADD COLUMN seo_description text NOT NULL DEFAULT '',
        ADD COLUMN translations jsonb NOT NULL DEFAULT '{}',
        ADD COLUMN rule jsonb
    """,
    # A rule's collection is looked at again for each product that stands here.
    "CREATE TABLE collection_checks (product_id text PRIMARY KEY)",
    """
    CREATE TABLE slug_redirects (
        kind text NOT NULL CONSTRAINT slug_redirects_kind CHECK (kind IN ('product', 'category', 'collection')),
        slug text NOT NULL,
        target_id text NOT NULL,
        retired_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (kind, slug)
    )
    """,
    "CREATE INDEX slug_redirects_of_target ON slug_redirects (target_id)",
    """
    CREATE TABLE brands (
        id text PRIMARY KEY,
        slug text NOT NULL CONSTRAINT brands_slug UNIQUE,
        name text NOT NULL CONSTRAINT brands_name UNIQUE,
        description text NOT NULL DEFAULT '',
        website text NOT NULL DEFAULT '',
        translations jsonb NOT NULL DEFAULT '{}'
    )
    """,
)


def upgrade() -> None:
    """Create the columns and tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE brands, slug_redirects, collection_checks")
    op.execute("DROP INDEX products_by_attributes, products_by_type, products_by_brand")
    for table in ("products", "categories", "collections"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN seo_title, DROP COLUMN seo_description, DROP COLUMN translations")
    op.execute("ALTER TABLE collections DROP COLUMN rule")
    op.execute("ALTER TABLE products DROP COLUMN publish_at, DROP COLUMN unpublish_at")
