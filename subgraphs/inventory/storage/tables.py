"""The tables of stock.

`stock_events` is the truth: one row per movement, numbered within its stream (a SKU in a warehouse) and never
changed. `stock_levels`, `reservation_lines` and `allocations` follow from it alone: they are written in the same
transaction and can be made anew at any time. The constraints of `stock_levels` are the last line against
overselling, whatever the code above does.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import UserDefinedType
from typing_extensions import override

from kernel.events.outbox import inbox_table, outbox_table

METADATA: Final = MetaData()


class TransactionId(UserDefinedType[int]):
    """A transaction's number, as PostgreSQL keeps it without ever starting anew."""

    cache_ok = True

    @override
    def get_col_spec(self, **_options: object) -> str:
        """Name the type."""
        return "xid8"


outbox: Final = outbox_table(METADATA)
inbox: Final = inbox_table(METADATA)

warehouses: Final = Table(
    "warehouses",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("active", Boolean, nullable=False, server_default="true"),
    Column("postal_code", Text, nullable=False, server_default=""),
    Column("parcel_cost", Integer, nullable=False, server_default="0"),
    CheckConstraint("parcel_cost >= 0", name="warehouses_parcel_cost"),
    UniqueConstraint("code", name="warehouses_code"),
)

skus: Final = Table(
    "skus",
    METADATA,
    Column("sku", Text, primary_key=True),
    Column("product_id", Text, nullable=False),
    Column("variant_id", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Index("skus_by_product", "product_id"),
)

stock_events: Final = Table(
    "stock_events",
    METADATA,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("sku", Text, nullable=False),
    Column("warehouse_id", Text, ForeignKey("warehouses.id", name="stock_events_warehouse"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("reference", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("schema_version", SmallInteger, nullable=False, server_default="1"),
    Column("details", JSONB),
    Column("transaction_id", TransactionId, nullable=False, server_default=text("pg_current_xact_id()")),
    UniqueConstraint("sku", "warehouse_id", "version", name="stock_events_stream"),
    Index("stock_events_feed", "transaction_id", "position"),
    CheckConstraint("version > 0", name="stock_events_version"),
)

stock_levels: Final = Table(
    "stock_levels",
    METADATA,
    Column("sku", Text, primary_key=True),
    Column("warehouse_id", Text, ForeignKey("warehouses.id", name="stock_levels_warehouse"), primary_key=True),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("on_hand", Integer, nullable=False, server_default="0"),
    Column("reserved", Integer, nullable=False, server_default="0"),
    Column("allocated", Integer, nullable=False, server_default="0"),
    Column("backorder_limit", Integer, nullable=False, server_default="0"),
    Column("reorder_point", Integer, nullable=False, server_default="0"),
    Column("safety_stock", Integer, nullable=False, server_default="0"),
    Column("releases_at", DateTime(timezone=True)),
    CheckConstraint("on_hand >= 0", name="stock_levels_on_hand"),
    CheckConstraint("reserved >= 0 AND allocated >= 0", name="stock_levels_promises"),
    CheckConstraint("reserved + allocated <= on_hand + backorder_limit", name="stock_levels_no_oversell"),
    CheckConstraint("backorder_limit >= 0 AND reorder_point >= 0 AND safety_stock >= 0", name="stock_levels_policy"),
)

reservation_lines: Final = Table(
    "reservation_lines",
    METADATA,
    Column("reservation_id", Text, primary_key=True),
    Column("sku", Text, primary_key=True),
    Column("warehouse_id", Text, primary_key=True),
    Column("checkout_id", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("quantity > 0", name="reservation_lines_quantity"),
    Index("reservation_lines_held", "sku", "expires_at", postgresql_where=text("state = 'held'")),
    Index("reservation_lines_due", "expires_at", postgresql_where=text("state = 'held'")),
)

allocations: Final = Table(
    "allocations",
    METADATA,
    Column("order_id", Text, primary_key=True),
    Column("sku", Text, primary_key=True),
    Column("warehouse_id", Text, primary_key=True),
    Column("reservation_id", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("shipped", Integer, nullable=False, server_default="0"),
    Column("released", Integer, nullable=False, server_default="0"),
    Column("returned", Integer, nullable=False, server_default="0"),
    CheckConstraint("quantity > 0 AND shipped >= 0 AND released >= 0 AND returned >= 0", name="allocations_quantities"),
    CheckConstraint("shipped + released <= quantity AND returned <= shipped", name="allocations_covered"),
    Index("allocations_open", "sku", postgresql_where=text("shipped + released < quantity")),
)

commands: Final = Table(
    "commands",
    METADATA,
    Column("idempotency_key", Text, primary_key=True),
    Column("operation", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("result", JSONB),
    Column("executed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("commands_by_age", "executed_at"),
)
"""Commands that were carried out, by the key under which a repetition is answered instead of done again."""

bundles: Final = Table(
    "bundles",
    METADATA,
    Column("bundle_sku", Text, primary_key=True),
    Column("part_sku", Text, primary_key=True),
    Column("quantity", Integer, nullable=False),
    CheckConstraint("quantity > 0 AND bundle_sku <> part_sku", name="bundles_quantity"),
    Index("bundles_by_part", "part_sku"),
)
"""What a SKU without stock of its own is put together from."""

projections: Final = Table(
    "projections",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("since", TransactionId, nullable=False),
    Column("until", TransactionId, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
"""How far each projection has read the ledger; see `storage/feed.py`."""

stock_turnover: Final = Table(
    "stock_turnover",
    METADATA,
    Column("day", Date, primary_key=True),
    Column("sku", Text, primary_key=True),
    Column("warehouse_id", Text, primary_key=True),
    *(
        Column(name, BigInteger, nullable=False)
        for name in ("received", "shipped", "returned", "corrected", "transferred")
    ),
)
"""What moved on each day; it follows the ledger by itself."""
