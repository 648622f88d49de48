"""Secrets of account mails, sealed until they are handed over; messages that the mail provider must forget.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("sealed_secret", sa.LargeBinary))
    op.create_table("forgotten_messages", sa.Column("id", sa.Text, primary_key=True))
