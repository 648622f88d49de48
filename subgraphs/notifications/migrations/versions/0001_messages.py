"""Messages, and what is known of their recipients.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from kernel.migrations import create_event_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    create_event_tables()
    op.create_table(
        "messages",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text),
        sa.Column("order_id", sa.Text),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("html", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT),
        sa.Column("read_at", INSTANT),
        sa.Column("last_error", sa.Text),
        sa.UniqueConstraint("event_id", "channel", "recipient", name="messages_once"),
        sa.CheckConstraint("channel IN ('email', 'inbox')", name="messages_channel"),
        sa.CheckConstraint("state IN ('queued', 'delivered', 'failed')", name="messages_state"),
    )
    op.create_index("messages_due", "messages", ["due_at", "id"], postgresql_where=sa.text("state = 'queued'"))
    op.create_index(
        "messages_inbox",
        "messages",
        ["user_id", "created_at", "id"],
        postgresql_where=sa.text("channel = 'inbox'"),
    )
    op.create_index(
        "messages_unread",
        "messages",
        ["user_id"],
        postgresql_where=sa.text("channel = 'inbox' AND read_at IS NULL"),
    )
    op.create_index("messages_log", "messages", ["created_at", "id"])
    op.create_table(
        "customers",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
    )
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Text, primary_key=True),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("customer_id", sa.Text),
    )
    op.create_table(
        "waiting_events",
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("event", postgresql.JSONB, nullable=False),
    )
    op.create_index("waiting_events_order", "waiting_events", ["order_id"])
