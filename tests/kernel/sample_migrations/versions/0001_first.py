"""The tables of a schema that only consumes and publishes."""

from alembic import op

from kernel.migrations import create_event_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_event_tables()
    op.execute("CREATE TABLE effects (position bigserial PRIMARY KEY, event_id text, subject text, note text)")
