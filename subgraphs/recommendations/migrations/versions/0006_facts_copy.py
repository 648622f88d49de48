"""Which facts changed since they were copied to where reports are answered from.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_FACTS = {
    "sales": "order_id",
    "refunds": "refund_id",
    "checkouts_started": "checkout_id",
    "product_views": "event_id",
    "searches": "event_id || '/' || place",
}


def upgrade() -> None:
    op.create_table(
        "facts_copy",
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("busy_until", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "facts_to_copy",
        sa.Column("place", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
    )
    op.execute("""
        CREATE FUNCTION note_changed_facts() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
        BEGIN
            IF EXISTS (SELECT FROM facts_copy) THEN
                EXECUTE format('INSERT INTO facts_to_copy (kind, id) SELECT %L, %s FROM changed',
                    TG_TABLE_NAME, TG_ARGV[0]);
            END IF;
            RETURN NULL;
        END $$""")
    for table, key in _FACTS.items():
        argument = key.replace("'", "''")
        for what, rows in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
            op.execute(f"""
                CREATE TRIGGER {table}_{what.lower()}_noted AFTER {what} ON {table}
                REFERENCING {rows} TABLE AS changed
                FOR EACH STATEMENT EXECUTE FUNCTION note_changed_facts('{argument}')""")
