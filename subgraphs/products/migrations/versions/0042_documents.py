"""Documents of products, and those that are on their way to where documents are kept."""

from alembic import op

revision = "0042"
down_revision = "0041"

COLUMNS = """
    product_id text PRIMARY KEY,
    version integer NOT NULL,
    schema integer NOT NULL,
    content jsonb NOT NULL,
    facts text[] NOT NULL
"""
STATEMENTS = (
    "ALTER TABLE products ADD COLUMN document_version integer NOT NULL DEFAULT 0",
    f"CREATE TABLE pending_documents ({COLUMNS})",
    f"CREATE TABLE documents ({COLUMNS})",
    "CREATE INDEX documents_by_facts ON documents USING gin (facts)",
    "CREATE INDEX documents_by_schema ON documents (schema)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE documents, pending_documents")
    op.execute("ALTER TABLE products DROP COLUMN document_version")
