"""The tables of the payments schema.

`payments_key` and `refunds_key` are where a request is claimed before the provider is called. Events and
ledger entries are only ever inserted: triggers refuse UPDATE and DELETE, and the deferred trigger
`ledger_balanced` refuses a commit whose debits and credits differ. The `sandbox_` tables belong to the
sandbox provider's own world; only it reads them.
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
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)

from kernel.events.outbox import inbox_table, outbox_table

metadata: Final = MetaData()

TIMESTAMP: Final = DateTime(timezone=True)

payments: Final = Table(
    "payments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("idempotency_key", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("customer_id", Text),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("claimed_refund_minor", BigInteger, nullable=False, server_default="0"),
    Column("refunded_minor", BigInteger, nullable=False, server_default="0"),
    Column("provider_reference", Text, nullable=False, server_default=""),
    Column("decline_code", Text, nullable=False, server_default=""),
    Column("retryable", Boolean, nullable=False, server_default=text("false")),
    Column("due_at", TIMESTAMP),
    Column("created_at", TIMESTAMP, nullable=False),
    CheckConstraint("amount_minor > 0", name="payments_amount"),
    CheckConstraint(
        "refunded_minor >= 0 AND refunded_minor <= claimed_refund_minor AND claimed_refund_minor <= amount_minor",
        name="payments_refunds",
    ),
    Index("payments_key", "idempotency_key", unique=True),
    Index("payments_of_order", "order_id", "id"),
    Index("payments_pending", "due_at", postgresql_where=text("status = 'PENDING'")),
)

payment_events: Final = Table(
    "payment_events",
    metadata,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("provider_reference", Text, nullable=False, server_default=""),
    Column("code", Text, nullable=False, server_default=""),
    Column("at", TIMESTAMP, nullable=False),
    Index("payment_events_of_payment", "payment_id", "position"),
)

refunds: Final = Table(
    "refunds",
    metadata,
    Column("id", Text, primary_key=True),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("provider_reference", Text, nullable=False, server_default=""),
    Column("due_at", TIMESTAMP),
    Column("created_at", TIMESTAMP, nullable=False),
    CheckConstraint("amount_minor > 0", name="refunds_amount"),
    Index("refunds_key", "idempotency_key", unique=True),
    Index("refunds_of_payment", "payment_id"),
    Index("refunds_pending", "due_at", postgresql_where=text("status = 'PENDING'")),
)

ledger_entries: Final = Table(
    "ledger_entries",
    metadata,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("transaction_id", Text, nullable=False),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False),
    Column("account", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("at", TIMESTAMP, nullable=False),
    CheckConstraint("amount_minor > 0", name="ledger_entries_amount"),
    CheckConstraint("side IN ('DEBIT', 'CREDIT')", name="ledger_entries_side"),
    Index("ledger_entries_of_transaction", "transaction_id"),
    Index("ledger_entries_of_payment", "payment_id"),
)

sandbox_charges: Final = Table(
    "sandbox_charges",
    metadata,
    Column("key", Text, primary_key=True),
    Column("reference", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("decline_code", Text, nullable=False),
    Column("requests", Integer, nullable=False, server_default="1"),
    Column("charged", Boolean, nullable=False),
    Column("created_at", TIMESTAMP, nullable=False),
    Index("sandbox_charges_reference", "reference"),
)

sandbox_refunds: Final = Table(
    "sandbox_refunds",
    metadata,
    Column("key", Text, primary_key=True),
    Column("reference", Text, nullable=False),
    Column("charge_reference", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("created_at", TIMESTAMP, nullable=False),
)

outbox: Final = outbox_table(metadata)
inbox: Final = inbox_table(metadata)
