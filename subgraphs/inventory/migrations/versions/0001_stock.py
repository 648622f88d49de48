"""Stock: warehouses, the ledger and its levels, reservations, allocations, idempotent commands."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from kernel.migrations import create_event_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

IMMUTABLE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The stock ledger is append-only: % refused.', TG_OP USING ERRCODE = 'restrict_violation';
END
$$
"""


def upgrade() -> None:
    create_event_tables()
    op.create_table(
        "warehouses",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("active", sa.Boolean(), nullable=False, server_default="true"),
        sa.UniqueConstraint("code", name="warehouses_code"),
    )
    op.create_table(
        "skus",
        sa.Column("sku", sa.Text(), primary_key=True),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("variant_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, server_default=""),
    )
    op.create_index("skus_by_product", "skus", ["product_id"])
    _create_ledger()
    _create_promises()
    op.create_table(
        "commands",
        sa.Column("idempotency_key", sa.Text(), primary_key=True),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("result", pg.JSONB()),
        sa.Column("executed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )


def _create_ledger() -> None:
    op.create_table(
        "stock_events",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column(
            "warehouse_id", sa.Text(), sa.ForeignKey("warehouses.id", name="stock_events_warehouse"), nullable=False
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False, server_default=""),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("sku", "warehouse_id", "version", name="stock_events_stream"),
        sa.CheckConstraint("version > 0", name="stock_events_version"),
    )
    op.execute(IMMUTABLE)
    op.execute(
        "CREATE TRIGGER stock_events_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    # A superuser passes over missing rights, so the trigger stands beside them.
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON stock_events FROM PUBLIC, CURRENT_USER")
    op.create_table(
        "stock_levels",
        sa.Column("sku", sa.Text(), primary_key=True),
        sa.Column(
            "warehouse_id", sa.Text(), sa.ForeignKey("warehouses.id", name="stock_levels_warehouse"), primary_key=True
        ),
        sa.Column("version", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("on_hand", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("reserved", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("allocated", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("backorder_limit", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("reorder_point", sa.Integer(), nullable=False, server_default="0"),
        sa.CheckConstraint("on_hand >= 0", name="stock_levels_on_hand"),
        sa.CheckConstraint("reserved >= 0 AND allocated >= 0", name="stock_levels_promises"),
        sa.CheckConstraint("reserved + allocated <= on_hand + backorder_limit", name="stock_levels_no_oversell"),
        sa.CheckConstraint("backorder_limit >= 0 AND reorder_point >= 0", name="stock_levels_policy"),
    )


def _create_promises() -> None:
    held = sa.text("state = 'held'")
    op.create_table(
        "reservations",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("checkout_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("reservations_by_checkout", "reservations", ["checkout_id"])
    op.create_table(
        "reservation_lines",
        sa.Column(
            "reservation_id", sa.Text(), sa.ForeignKey("reservations.id", name="reservation_lines_of"), primary_key=True
        ),
        sa.Column("sku", sa.Text(), primary_key=True),
        sa.Column("warehouse_id", sa.Text(), primary_key=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity > 0", name="reservation_lines_quantity"),
    )
    op.create_index("reservation_lines_held", "reservation_lines", ["sku", "expires_at"], postgresql_where=held)
    op.create_index("reservation_lines_due", "reservation_lines", ["expires_at"], postgresql_where=held)
    op.create_table(
        "allocations",
        sa.Column("order_id", sa.Text(), primary_key=True),
        sa.Column("sku", sa.Text(), primary_key=True),
        sa.Column("warehouse_id", sa.Text(), primary_key=True),
        sa.Column("reservation_id", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("shipped", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("released", sa.Integer(), nullable=False, server_default="0"),
        sa.CheckConstraint("quantity > 0 AND shipped >= 0 AND released >= 0", name="allocations_quantities"),
        sa.CheckConstraint("shipped + released <= quantity", name="allocations_covered"),
    )
    op.create_index(
        "allocations_open", "allocations", ["sku"], postgresql_where=sa.text("shipped + released < quantity")
    )


def downgrade() -> None:
    for table in (
        "commands", "allocations", "reservation_lines", "reservations", "stock_levels", "stock_events", "skus",
        "warehouses", "inbox", "outbox",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change")
