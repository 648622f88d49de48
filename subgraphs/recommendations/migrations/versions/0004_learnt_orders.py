"""Which orders were counted.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("learnt_orders", sa.Column("order_id", sa.Text, primary_key=True))
    op.execute("INSERT INTO learnt_orders SELECT order_id FROM sales")
    op.execute("""
        INSERT INTO learnt_orders
        SELECT event #>> '{data,order_id}' FROM inbox
        WHERE consumer = 'recommendations.orders' AND state = 'done' AND type = 'OrderConfirmed'
        ON CONFLICT DO NOTHING
    """)
