"""Wishes of people, text and push messages, digests, the log of tries, and templates that the staff changed.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.drop_constraint("messages_channel", "messages")
    op.drop_constraint("messages_state", "messages")
    op.create_check_constraint("messages_channel", "messages", "channel IN ('email', 'inbox', 'sms', 'push')")
    op.create_check_constraint(
        "messages_state",
        "messages",
        "state IN ('queued', 'collected', 'bundled', 'delivered', 'failed', 'bounced')",
    )
    op.create_index(
        "messages_collected", "messages", ["due_at"], postgresql_where=sa.text("state = 'collected'")
    )
    op.create_index("messages_recent", "messages", ["recipient", "channel", "created_at"])
    op.create_table(
        "message_attempts",
        sa.Column("message_id", sa.Text, sa.ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("error", sa.Text),
    )
    op.create_table(
        "preferences",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("time_zone", sa.Text, nullable=False, server_default="UTC"),
        sa.Column("quiet_from", sa.Time),
        sa.Column("quiet_to", sa.Time),
        sa.Column("digest", sa.Boolean, nullable=False, server_default="false"),
        sa.Column("phone", sa.Text),
    )
    op.create_table(
        "topic_choices",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("wanted", sa.Boolean, nullable=False),
    )
    op.create_table(
        "push_devices",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("added_at", INSTANT, nullable=False),
    )
    op.create_table(
        "template_overrides",
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("language", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("html", sa.Text, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
    )
