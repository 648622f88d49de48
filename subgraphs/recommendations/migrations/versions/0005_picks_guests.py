"""Lists that are kept for people, and guests who turned out to be users.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "picks",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("made_at", sa.DateTime(timezone=True)),
        sa.Column("list", JSONB, nullable=False, server_default="[]"),
    )
    op.create_index("picks_due", "picks", [sa.text("made_at NULLS FIRST")])
    op.execute("INSERT INTO picks (person) SELECT customer_id FROM purchases UNION SELECT viewer FROM views")
    op.create_table(
        "known_guests",
        sa.Column("guest", sa.Text, primary_key=True),
        sa.Column("customer_id", sa.Text, nullable=False, index=True),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False, index=True),
    )
