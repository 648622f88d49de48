"""Imports and exports of products: how far each has come, and what there is to say about lines of a file."""

from alembic import op

revision = "0041"
down_revision = "0040"

STATEMENTS = (
    """
    CREATE TABLE transfers (
        id text PRIMARY KEY,
        kind text NOT NULL CONSTRAINT transfers_kind CHECK (kind IN ('IMPORT', 'EXPORT')),
        format text NOT NULL CONSTRAINT transfers_format CHECK (format IN ('SHOPIFY_CSV', 'JSON_LINES')),
        currency text NOT NULL,
        state text NOT NULL CONSTRAINT transfers_state CHECK (state IN ('RUNNING', 'DONE', 'FAILED')),
        owner_id text NOT NULL,
        seller_id text,
        file_id text NOT NULL CONSTRAINT transfers_file UNIQUE,
        digest text,
        size bigint NOT NULL DEFAULT 0,
        read_bytes bigint NOT NULL DEFAULT 0,
        line integer NOT NULL DEFAULT 1,
        header text[] NOT NULL DEFAULT '{}',
        created integer NOT NULL DEFAULT 0,
        updated integer NOT NULL DEFAULT 0,
        unchanged integer NOT NULL DEFAULT 0,
        refused integer NOT NULL DEFAULT 0,
        exported integer NOT NULL DEFAULT 0,
        failures integer NOT NULL DEFAULT 0,
        reason text,
        created_at timestamptz NOT NULL,
        finished_at timestamptz
    )
    """,
    "CREATE INDEX transfers_under_way ON transfers (kind, id) WHERE state = 'RUNNING'",
    "CREATE UNIQUE INDEX transfers_of_file ON transfers (digest) WHERE state = 'RUNNING'",
    """
    CREATE TABLE transfer_remarks (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        transfer_id text NOT NULL REFERENCES transfers (id) ON DELETE CASCADE,
        line integer NOT NULL,
        handle text NOT NULL,
        reason text NOT NULL
    )
    """,
    "CREATE INDEX transfer_remarks_of_transfer ON transfer_remarks (transfer_id, id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE transfer_remarks, transfers")
