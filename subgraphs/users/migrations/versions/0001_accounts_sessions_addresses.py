"""Accounts, credentials, address books, sessions.

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
        "users",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("phone", sa.Text),
        sa.Column("language", sa.Text, nullable=False, server_default="en"),
        sa.Column("roles", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.UniqueConstraint("email", name="users_email_key"),
        sa.CheckConstraint("email = lower(email)", name="users_email_normalised"),
    )
    op.create_index("users_created", "users", ["created_at", "id"])
    op.create_index("users_email_prefix", "users", ["email"], postgresql_ops={"email": "text_pattern_ops"})
    op.create_index("users_name_words", "users", [sa.text("to_tsvector('simple', name)")], postgresql_using="gin")
    op.create_table(
        "credentials",
        sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
    )
    op.create_table(
        "addresses",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("line1", sa.Text, nullable=False),
        sa.Column("line2", sa.Text, nullable=False),
        sa.Column("city", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("postal_code", sa.Text, nullable=False),
        sa.Column("country", sa.Text, nullable=False),
        sa.Column("phone", sa.Text),
        sa.Column("is_default_shipping", sa.Boolean, nullable=False),
        sa.Column("is_default_billing", sa.Boolean, nullable=False),
    )
    op.create_index("addresses_user", "addresses", ["user_id", "id"])
    for use in ("shipping", "billing"):
        op.create_index(
            f"addresses_default_{use}",
            "addresses",
            ["user_id"],
            unique=True,
            postgresql_where=sa.text(f"is_default_{use}"),
        )
    op.create_table(
        "session_families",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT),
        sa.Column("revoked_because", sa.Text),
    )
    op.create_index("session_families_user", "session_families", ["user_id"])
    op.create_index("session_families_expiry", "session_families", ["expires_at"])
    op.create_table(
        "refresh_tokens",
        sa.Column("fingerprint", sa.LargeBinary, primary_key=True),
        sa.Column("family_id", sa.Uuid, sa.ForeignKey("session_families.id", ondelete="CASCADE"), nullable=False),
        sa.Column("parent", sa.LargeBinary),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.Column("successor_nonce", sa.LargeBinary),
    )
    op.create_index("refresh_tokens_family", "refresh_tokens", ["family_id"])
    op.create_index(
        "refresh_tokens_parent",
        "refresh_tokens",
        ["parent"],
        unique=True,
        postgresql_where=sa.text("parent IS NOT NULL"),
    )
