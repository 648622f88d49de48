"""The tables of the orders schema. What must never happen twice is unique here, not only in the code.

`orders_one_per_cart`: a cart has one order, beside those that were called off and paid back. `sagas_key`: one
saga per checkout and idempotency key. `sagas_one_live`: one saga at a time works on an order.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Sequence,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from kernel.events.outbox import inbox_table, outbox_table

metadata: Final = MetaData()

TIMESTAMP: Final = DateTime(timezone=True)

carts: Final = Table(
    "carts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("currency", Text, nullable=False),
    Column("customer_id", Text),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("ordered", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", TIMESTAMP, nullable=False),
    Column("updated_at", TIMESTAMP, nullable=False),
    Column("abandoned_at", TIMESTAMP),
    Column("merged_into", Text),
    Column("voucher_code", Text),
    Index("carts_by_customer", "customer_id", "updated_at", postgresql_where=text("NOT ordered")),
    Index("carts_at_rest", "updated_at", postgresql_where=text("NOT ordered AND abandoned_at IS NULL")),
)

cart_lines: Final = Table(
    "cart_lines",
    metadata,
    Column("cart_id", Text, ForeignKey("carts.id", ondelete="CASCADE"), primary_key=True),
    Column("sku", Text, primary_key=True),
    Column("variant_id", Text, nullable=False),
    Column("product_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("unit_price_minor", BigInteger, nullable=False),
    Column("weight_grams", Integer, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("added_at", TIMESTAMP, nullable=False),
    Column("saved", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint("quantity BETWEEN 1 AND 999", name="cart_lines_quantity"),
    CheckConstraint("unit_price_minor >= 0", name="cart_lines_price"),
)

checkouts: Final = Table(
    "checkouts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("cart_id", Text, ForeignKey("carts.id"), nullable=False, unique=True),
    Column("cart_version", Integer, nullable=False),
    Column("customer_id", Text),
    Column("email", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="OPEN"),
    Column("lines", JSONB, nullable=False),
    Column("address", JSONB(none_as_null=True)),
    Column("shipping_method_id", Text),
    Column("shipping_method_name", Text),
    Column("shipping_minor", BigInteger),
    Column("reservation_id", Text),
    Column("reservation_expires_at", TIMESTAMP),
    Column("order_id", Text),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("created_at", TIMESTAMP, nullable=False),
    Column("updated_at", TIMESTAMP, nullable=False),
    Column("voucher_code", Text),
    Column("voucher_name", Text),
    Column("discount_minor", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("discount_minor >= 0", name="checkouts_discount"),
)

order_numbers: Final = Sequence("order_numbers", metadata=metadata, start=100001)

orders: Final = Table(
    "orders",
    metadata,
    Column("id", Text, primary_key=True),
    Column(
        "number",
        Text,
        nullable=False,
        unique=True,
        server_default=text("'SG-' || nextval('order_numbers')"),
    ),
    Column("cart_id", Text, nullable=False),
    Column("checkout_id", Text, nullable=False),
    Column("customer_id", Text),
    Column("email", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("subtotal_net_minor", BigInteger, nullable=False),
    Column("subtotal_tax_minor", BigInteger, nullable=False),
    Column("shipping_net_minor", BigInteger, nullable=False),
    Column("shipping_tax_minor", BigInteger, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False, server_default="0"),
    Column("shipping_method_id", Text, nullable=False),
    Column("shipping_method_name", Text, nullable=False),
    Column("address", JSONB, nullable=False),
    Column("placed_at", TIMESTAMP, nullable=False),
    Column("confirmed_at", TIMESTAMP),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("voucher_code", Text),
    Column("discount_minor", BigInteger, nullable=False, server_default="0"),
    Column("charged_minor", BigInteger, nullable=False, server_default="0"),
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("replaces", Text, ForeignKey("orders.id")),
    CheckConstraint("discount_minor >= 0", name="orders_discount"),
    CheckConstraint(
        "total_minor = subtotal_net_minor + subtotal_tax_minor + shipping_net_minor + shipping_tax_minor",
        name="orders_total_adds_up",
    ),
    CheckConstraint("refunded_minor >= 0", name="orders_refunds"),
    Index(
        "orders_one_per_cart",
        "cart_id",
        unique=True,
        postgresql_where=text("status NOT IN ('CANCELLED', 'REFUNDED')"),
    ),
    Index("orders_by_customer", "customer_id", "placed_at", "id"),
    Index("orders_by_time", "placed_at", "id"),
)

order_lines: Final = Table(
    "order_lines",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", Text, ForeignKey("orders.id"), nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("sku", Text, nullable=False),
    Column("variant_id", Text, nullable=False),
    Column("product_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("unit_price_minor", BigInteger, nullable=False),
    Column("net_minor", BigInteger, nullable=False),
    Column("tax_minor", BigInteger, nullable=False),
    Column("discount_minor", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("discount_minor >= 0", name="order_lines_discount"),
    CheckConstraint("quantity > 0", name="order_lines_quantity"),
    Index("order_lines_of_order", "order_id", "position", unique=True),
)

order_timeline: Final = Table(
    "order_timeline",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", Text, ForeignKey("orders.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("from_status", Text),
    Column("to_status", Text),
    Column("message", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", TIMESTAMP, nullable=False),
    Index("order_timeline_of_order", "order_id", "at", "id"),
)

sagas: Final = Table(
    "sagas",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("order_id", Text, ForeignKey("orders.id"), nullable=False),
    Column("checkout_id", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Column("failure", JSONB(none_as_null=True)),
    Column("attempt", Integer, nullable=False, server_default="1"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("due_at", TIMESTAMP, nullable=False),
    Column("created_at", TIMESTAMP, nullable=False),
    Column("updated_at", TIMESTAMP, nullable=False),
    Index("sagas_key", "checkout_id", "idempotency_key", unique=True),
    Index(
        "sagas_one_live",
        "order_id",
        unique=True,
        postgresql_where=text("status IN ('RUNNING', 'WAITING', 'COMPENSATING')"),
    ),
    Index(
        "sagas_due",
        "due_at",
        postgresql_where=text("status IN ('RUNNING', 'WAITING', 'COMPENSATING')"),
    ),
)

saga_steps: Final = Table(
    "saga_steps",
    metadata,
    Column("saga_id", Text, ForeignKey("sagas.id", ondelete="CASCADE"), primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("result", JSONB, nullable=False),
    Column("finished_at", TIMESTAMP),
)

outbox: Final = outbox_table(metadata)
inbox: Final = inbox_table(metadata)

returns: Final = Table(
    "returns",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", Text, ForeignKey("orders.id"), nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("answer", Text, nullable=False, server_default=""),
    Column("refund_minor", BigInteger, nullable=False, server_default="0"),
    Column("tracking_number", Text),
    Column("label_url", Text),
    Column("created_at", TIMESTAMP, nullable=False),
    Column("updated_at", TIMESTAMP, nullable=False),
    Column("credit_minor", BigInteger, nullable=False, server_default="0"),
    Column("replacement_id", Text, ForeignKey("orders.id")),
    CheckConstraint("refund_minor >= 0", name="returns_refund"),
    CheckConstraint("credit_minor >= 0", name="returns_credit"),
    Index("returns_of_order", "order_id", "created_at", "id"),
)

return_lines: Final = Table(
    "return_lines",
    metadata,
    Column("return_id", Text, ForeignKey("returns.id", ondelete="CASCADE"), primary_key=True),
    Column("line_id", Text, ForeignKey("order_lines.id"), primary_key=True),
    Column("quantity", Integer, nullable=False),
    Column("state", Text, nullable=False),
    CheckConstraint("quantity > 0", name="return_lines_quantity"),
)

invoices: Final = Table(
    "invoices",
    metadata,
    Column("number", BigInteger, primary_key=True),
    Column("order_id", Text, ForeignKey("orders.id"), nullable=False),
    Column("issued_at", TIMESTAMP, nullable=False),
    Column("revision", Integer, nullable=False, server_default="0"),
    Index("invoices_one_per_revision", "order_id", "revision", unique=True),
)

tax_classes: Final = Table(
    "tax_classes",
    metadata,
    Column("sku", Text, primary_key=True),
    Column("tax_class", Text, nullable=False),
)
"""Articles that are not of the standard class."""
