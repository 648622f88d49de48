"""Webhooks: endpoints of partners, what is delivered to them, and the log of tries.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("event_types", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("query", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("disabled_reason", sa.Text),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("failing_since", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("old_secret", sa.LargeBinary),
        sa.Column("old_secret_until", INSTANT),
        sa.CheckConstraint("state IN ('enabled', 'disabled')", name="webhook_endpoints_state"),
    )
    op.create_index("webhook_endpoints_of_user", "webhook_endpoints", ["user_id", "id"])
    op.create_index("webhook_endpoints_of_type", "webhook_endpoints", ["event_types"], postgresql_using="gin")
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column(
            "endpoint_id", sa.Text, sa.ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("happened_at", INSTANT, nullable=False),
        sa.Column("customer_id", sa.Text),
        sa.Column("facts", postgresql.JSONB, nullable=False),
        sa.Column("body", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT),
        sa.Column("test", sa.Boolean, nullable=False, server_default="false"),
        sa.UniqueConstraint("endpoint_id", "event_id", name="webhook_deliveries_once"),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="webhook_deliveries_state"),
    )
    pending = sa.text("state = 'pending'")
    op.create_index(
        "webhook_deliveries_due", "webhook_deliveries", ["endpoint_id", "due_at", "id"], postgresql_where=pending
    )
    op.create_index("webhook_deliveries_log", "webhook_deliveries", ["endpoint_id", "created_at", "id"])
    op.create_index("webhook_deliveries_old", "webhook_deliveries", ["created_at"])
    op.create_index(
        "webhook_deliveries_about",
        "webhook_deliveries",
        ["customer_id"],
        postgresql_where=sa.text("customer_id IS NOT NULL"),
    )
    op.create_table(
        "webhook_attempts",
        sa.Column(
            "delivery_id", sa.Text, sa.ForeignKey("webhook_deliveries.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("error", sa.Text),
        sa.Column("excerpt", sa.Text, nullable=False, server_default=""),
    )
