"""The tables of the shipping schema.

`shipments_one_per_warehouse` makes a second OrderConfirmed of the same order harmless; `halted_orders` holds
orders that were cancelled, perhaps before their confirmation arrived here, and `held_orders` those that are being
changed. `carrier_events` keeps what carriers tell, each once. `sandbox_parcels` belongs to the sandbox carrier's own
world.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
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
    UniqueConstraint,
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
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("live", Boolean, nullable=False, server_default=text("false")),
)

zones: Final = Table(
    "zones",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("countries", ARRAY(Text), nullable=False),
    Column("postal_prefixes", ARRAY(Text), nullable=False, server_default=text("'{}'")),
)

rates: Final = Table(
    "rates",
    metadata,
    Column("id", Text, primary_key=True),
    Column("method_id", Text, ForeignKey("methods.id"), nullable=False),
    Column("zone_id", Text, ForeignKey("zones.id"), nullable=False),
    Column("currency", Text, nullable=False),
    Column("max_weight_grams", Integer, nullable=False),
    Column("max_volume_cm3", Integer),
    Column("min_subtotal_minor", BigInteger, nullable=False, server_default="0"),
    Column("max_subtotal_minor", BigInteger),
    Column("price_minor", BigInteger, nullable=False),
    Column("free_from_minor", BigInteger),
    CheckConstraint("price_minor >= 0", name="rates_price"),
    UniqueConstraint(
        "method_id",
        "zone_id",
        "currency",
        "max_weight_grams",
        "max_volume_cm3",
        "min_subtotal_minor",
        name="rates_band",
        postgresql_nulls_not_distinct=True,
    ),
)

free_rules: Final = Table(
    "free_rules",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("method_id", Text, ForeignKey("methods.id")),
    Column("zone_id", Text, ForeignKey("zones.id")),
    Column("currency", Text, nullable=False),
    Column("from_minor", BigInteger, nullable=False),
    Column("max_weight_grams", Integer),
    Column("starts_at", TIMESTAMP),
    Column("ends_at", TIMESTAMP),
    CheckConstraint("from_minor >= 0", name="free_rules_from"),
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
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("label_url", Text, nullable=False, server_default=""),
    Index("shipments_tracking", "tracking_number", postgresql_where=text("tracking_number <> ''")),
    Index("shipments_created", "created_at", "id"),
    Index(
        "shipments_one_per_warehouse",
        "order_id",
        "warehouse_id",
        unique=True,
        postgresql_where=text("status <> 'CANCELLED'"),
    ),
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

held_orders: Final = Table(
    "held_orders",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("at", TIMESTAMP, nullable=False),
)

carrier_events: Final = Table(
    "carrier_events",
    metadata,
    Column("carrier", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("tracking_number", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", TIMESTAMP, nullable=False),
    Column("place", Text, nullable=False, server_default=""),
    Column("detail", Text, nullable=False, server_default=""),
    Column("received_at", TIMESTAMP, nullable=False),
    Index("carrier_events_of_parcel", "tracking_number", "at"),
)

return_labels: Final = Table(
    "return_labels",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("return_id", Text, nullable=False),
    Column("shipment_id", Text, ForeignKey("shipments.id"), nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("weight_grams", Integer, nullable=False),
    Column("carrier", Text, nullable=False),
    Column("tracking_number", Text, nullable=False),
    Column("label_url", Text, nullable=False),
    Column("created_at", TIMESTAMP, nullable=False),
    Index("return_labels_key", "idempotency_key", unique=True),
    Index("return_labels_of_order", "order_id"),
)

sandbox_parcels: Final = Table(
    "sandbox_parcels",
    metadata,
    Column("shipment_id", Text, primary_key=True),
    Column("tracking_number", Text, nullable=False, unique=True),
    Column("booked_at", TIMESTAMP, nullable=False),
    Column("script", Text, nullable=False, server_default=""),
    Column("label_secret", Text, nullable=False, server_default=""),
    Index("sandbox_parcels_label", "label_secret", unique=True, postgresql_where=text("label_secret <> ''")),
)

outbox: Final = outbox_table(metadata)
inbox: Final = inbox_table(metadata)
