"""Files that were uploaded: pictures of products, and what attributes refer to."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        CREATE TABLE assets (
            id text PRIMARY KEY,
            owner_id text NOT NULL,
            file_name text NOT NULL,
            media_type text NOT NULL,
            state text NOT NULL CONSTRAINT assets_state
                CHECK (state IN ('EXPECTED', 'ACCEPTED', 'READY', 'REFUSED')),
            size bigint NOT NULL DEFAULT 0,
            width integer NOT NULL DEFAULT 0,
            height integer NOT NULL DEFAULT 0,
            widths integer[] NOT NULL DEFAULT '{}',
            product_id text,
            reason text,
            created_at timestamptz NOT NULL DEFAULT now()
        )
        """
    )
    op.execute("CREATE INDEX assets_to_render ON assets (id) WHERE state = 'ACCEPTED'")
    op.execute("CREATE INDEX assets_to_forget ON assets (created_at) WHERE state = 'EXPECTED'")


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TABLE assets")
