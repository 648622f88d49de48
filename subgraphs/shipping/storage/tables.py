"""The tables of the shipping schema.

`shipments_one_per_warehouse` makes a second OrderConfirmed of the same order harmless; `halted_orders` holds
orders that were cancelled, perhaps before their confirmation arrived here. `sandbox_parcels` belongs to the
sandbox carrier's own world.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from kernel.events.outbox import inbox_table, outbox_table

metadata: Final = MetaData()

TIMESTAMP: Final = DateTime(timezone=True)

methods: Final = Table(
    "methods",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("carrier", Text, nullable=False),
    Column("min_days", SmallInteger, nullable=False),
    Column("max_days", SmallInteger, nullable=False),
)

zones: Final = Table(
    "zones",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("countries", ARRAY(Text), nullable=False),
)

rates: Final = Table(
    "rates",
    metadata,
    Column("method_id", Text, ForeignKey("methods.id"), primary_key=True),
    Column("zone_id", Text, ForeignKey("zones.id"), primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("max_weight_grams", Integer, primary_key=True),
    Column("price_minor", BigInteger, nullable=False),
    Column("free_from_minor", BigInteger),
    CheckConstraint("price_minor >= 0", name="rates_price"),
)

shipments: Final = Table(
    "shipments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("customer_id", Text),
    Column("email", Text, nullable=False),
    Column("warehouse_id", Text, nullable=False),
    Column("method_id", Text, nullable=False),
    Column("carrier", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("address", JSONB, nullable=False),
    Column("lines", JSONB, nullable=False),
    Column("tracking_number", Text, nullable=False, server_default=""),
    Column("created_at", TIMESTAMP, nullable=False),
    Column("shipped_at", TIMESTAMP),
    Column("delivered_at", TIMESTAMP),
    Column("due_at", TIMESTAMP),
    Index("shipments_one_per_warehouse", "order_id", "warehouse_id", unique=True),
    Index("shipments_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
)

shipment_events: Final = Table(
    "shipment_events",
    metadata,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("shipment_id", Text, ForeignKey("shipments.id"), nullable=False),
    Column("status", Text, nullable=False),
    Column("at", TIMESTAMP, nullable=False),
    Index("shipment_events_of_shipment", "shipment_id", "position"),
)

halted_orders: Final = Table(
    "halted_orders",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("at", TIMESTAMP, nullable=False),
)

sandbox_parcels: Final = Table(
    "sandbox_parcels",
    metadata,
    Column("shipment_id", Text, primary_key=True),
    Column("tracking_number", Text, nullable=False, unique=True),
    Column("booked_at", TIMESTAMP, nullable=False),
)

outbox: Final = outbox_table(metadata)
inbox: Final = inbox_table(metadata)
