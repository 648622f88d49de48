"""The tables of the payments schema.

`payments_key`, `refunds_key` and `operations_key` are where a request is claimed before the provider is called;
`operations_one_alive` lets nobody capture and void, or capture twice. Events and ledger entries are only ever inserted:
triggers refuse UPDATE and DELETE. Two deferred triggers refuse a commit whose debits and credits differ, or whose
payments hold other amounts than their entries. `provider_events` remembers each webhook by its id. The `sandbox_`
tables belong to the sandbox provider's own world; only it reads them.
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
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

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
    Column("provider", Text, nullable=False, server_default="sandbox"),
    Column("token", Text, nullable=False),
    Column("capture", Boolean, nullable=False, server_default=text("true")),
    Column("status", Text, nullable=False),
    Column("captured_minor", BigInteger, nullable=False, server_default="0"),
    Column("claimed_refund_minor", BigInteger, nullable=False, server_default="0"),
    Column("refunded_minor", BigInteger, nullable=False, server_default="0"),
    Column("charged_back_minor", BigInteger, nullable=False, server_default="0"),
    Column("fees_minor", BigInteger, nullable=False, server_default="0"),
    Column("provider_reference", Text, nullable=False, server_default=""),
    Column("decline_code", Text, nullable=False, server_default=""),
    Column("retryable", Boolean, nullable=False, server_default=text("false")),
    Column("action_url", Text, nullable=False, server_default=""),
    Column("due_at", TIMESTAMP),
    Column("created_at", TIMESTAMP, nullable=False),
    CheckConstraint("amount_minor > 0", name="payments_amount"),
    CheckConstraint("captured_minor >= 0 AND captured_minor <= amount_minor", name="payments_captured"),
    CheckConstraint(
        "refunded_minor >= 0 AND refunded_minor <= claimed_refund_minor AND claimed_refund_minor <= captured_minor",
        name="payments_refunds",
    ),
    CheckConstraint("charged_back_minor >= 0 AND charged_back_minor <= captured_minor", name="payments_charged_back"),
    UniqueConstraint("id", "currency", name="payments_currency"),
    Index("payments_key", "idempotency_key", unique=True),
    Index("payments_of_order", "order_id", "id"),
    Index("payments_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("payments_reference", "provider", "provider_reference"),
    Index("payments_created", "created_at", "id"),
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
    Column("payment_id", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("at", TIMESTAMP, nullable=False),
    CheckConstraint("amount_minor > 0", name="ledger_entries_amount"),
    CheckConstraint("side IN ('DEBIT', 'CREDIT')", name="ledger_entries_side"),
    ForeignKeyConstraint(
        ["payment_id", "currency"], ["payments.id", "payments.currency"], name="ledger_entries_of_one_currency"
    ),
    Index("ledger_entries_of_transaction", "transaction_id"),
    Index("ledger_entries_of_payment", "payment_id"),
)

operations: Final = Table(
    "operations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("due_at", TIMESTAMP),
    Column("created_at", TIMESTAMP, nullable=False),
    CheckConstraint("kind IN ('CAPTURE', 'VOID')", name="operations_kind"),
    Index("operations_key", "idempotency_key", unique=True),
    Index("operations_one_alive", "payment_id", unique=True, postgresql_where=text("status <> 'DECLINED'")),
    Index("operations_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
)

chargebacks: Final = Table(
    "chargebacks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False),
    Column("provider_reference", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("opened_at", TIMESTAMP, nullable=False),
    Column("closed_at", TIMESTAMP),
    CheckConstraint("amount_minor > 0", name="chargebacks_amount"),
    Index("chargebacks_reference", "provider_reference", unique=True),
    Index("chargebacks_of_payment", "payment_id"),
)

provider_events: Final = Table(
    "provider_events",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("happened_at", TIMESTAMP, nullable=False),
    Column("received_at", TIMESTAMP, nullable=False),
    Column("body", Text),
    Column("outcome", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", TIMESTAMP),
    Index("provider_events_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("provider_events_received", "received_at"),
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
    Column("script", Text, nullable=False, server_default=""),
    Column("state", Text, nullable=False, server_default=""),
    Column("captured_minor", BigInteger, nullable=False, server_default="0"),
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

sandbox_disputes: Final = Table(
    "sandbox_disputes",
    metadata,
    Column("reference", Text, primary_key=True),
    Column("charge_reference", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("created_at", TIMESTAMP, nullable=False),
)

sandbox_webhooks: Final = Table(
    "sandbox_webhooks",
    metadata,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("body", JSONB, nullable=False),
    Column("due_at", TIMESTAMP, nullable=False),
    Index("sandbox_webhooks_due", "due_at"),
)

outbox: Final = outbox_table(metadata)
inbox: Final = inbox_table(metadata)
