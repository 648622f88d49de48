"""Sessions that have ended lately can be found.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "session_families_ended", "session_families", ["revoked_at"], postgresql_where=sa.text("revoked_at IS NOT NULL")
    )
