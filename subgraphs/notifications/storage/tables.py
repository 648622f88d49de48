"""The tables of the `notifications` schema.

One row of `messages` is one message to one recipient over one channel. Mail is queued there and delivered by a
background job; an inbox message is delivered by being there. `customers` and `orders` are the little that other
subgraphs' events tell about whom a message goes to; `waiting_events` are those that came before it. The tables of
webhooks are partners' endpoints, what is delivered to each, and the log of tries.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Time,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from kernel.events.outbox import inbox_table, outbox_table

METADATA = MetaData()
outbox = outbox_table(METADATA)
inbox = inbox_table(METADATA)

messages = Table(
    "messages",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("event_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("user_id", Text),
    Column("order_id", Text),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("settled_at", DateTime(timezone=True)),
    Column("read_at", DateTime(timezone=True)),
    Column("last_error", Text),
    Column("sealed_secret", LargeBinary),
    UniqueConstraint("event_id", "channel", "recipient", name="messages_once"),
    CheckConstraint("channel IN ('email', 'inbox', 'sms', 'push')", name="messages_channel"),
    CheckConstraint(
        "state IN ('queued', 'collected', 'bundled', 'delivered', 'failed', 'bounced')", name="messages_state"
    ),
    Index("messages_due", "due_at", "id", postgresql_where=text("state = 'queued'")),
    Index("messages_inbox", "user_id", "created_at", "id", postgresql_where=text("channel = 'inbox'")),
    Index("messages_unread", "user_id", postgresql_where=text("channel = 'inbox' AND read_at IS NULL")),
    Index("messages_log", "created_at", "id"),
    Index("messages_collected", "due_at", postgresql_where=text("state = 'collected'")),
    Index("messages_recent", "recipient", "channel", "created_at"),
)

message_attempts = Table(
    "message_attempts",
    METADATA,
    Column("message_id", Text, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("error", Text),
)

preferences = Table(
    "preferences",
    METADATA,
    Column("user_id", Text, primary_key=True),
    Column("time_zone", Text, nullable=False, server_default="UTC"),
    Column("quiet_from", Time),
    Column("quiet_to", Time),
    Column("digest", Boolean, nullable=False, server_default="false"),
    Column("phone", Text),
)

topic_choices = Table(
    "topic_choices",
    METADATA,
    Column("user_id", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("wanted", Boolean, nullable=False),
)

push_devices = Table(
    "push_devices",
    METADATA,
    Column("user_id", Text, primary_key=True),
    Column("token", Text, primary_key=True),
    Column("added_at", DateTime(timezone=True), nullable=False),
)

template_overrides = Table(
    "template_overrides",
    METADATA,
    Column("topic", Text, primary_key=True),
    Column("language", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
)

forgotten_messages = Table("forgotten_messages", METADATA, Column("id", Text, primary_key=True))
"""Messages of people who were erased, until the mail provider has forgotten them too."""

customers = Table(
    "customers",
    METADATA,
    Column("user_id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
)

orders = Table(
    "orders",
    METADATA,
    Column("order_id", Text, primary_key=True),
    Column("number", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("customer_id", Text),
)

waiting_events = Table(
    "waiting_events",
    METADATA,
    Column("event_id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("event", JSONB, nullable=False),
    Index("waiting_events_order", "order_id"),
)

webhook_endpoints = Table(
    "webhook_endpoints",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("event_types", ARRAY(Text), nullable=False),
    Column("query", Text),
    Column("state", Text, nullable=False),
    Column("disabled_reason", Text),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("failing_since", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("old_secret", LargeBinary),
    Column("old_secret_until", DateTime(timezone=True)),
    CheckConstraint("state IN ('enabled', 'disabled')", name="webhook_endpoints_state"),
    Index("webhook_endpoints_of_user", "user_id", "id"),
    Index("webhook_endpoints_of_type", "event_types", postgresql_using="gin"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("endpoint_id", Text, ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("happened_at", DateTime(timezone=True), nullable=False),
    Column("customer_id", Text),
    Column("facts", JSONB, nullable=False),
    Column("body", Text),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("settled_at", DateTime(timezone=True)),
    Column("test", Boolean, nullable=False, server_default="false"),
    UniqueConstraint("endpoint_id", "event_id", name="webhook_deliveries_once"),
    CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="webhook_deliveries_state"),
    Index("webhook_deliveries_due", "endpoint_id", "due_at", "id", postgresql_where=text("state = 'pending'")),
    Index("webhook_deliveries_log", "endpoint_id", "created_at", "id"),
    Index("webhook_deliveries_old", "created_at"),
    Index("webhook_deliveries_about", "customer_id", postgresql_where=text("customer_id IS NOT NULL")),
)

webhook_attempts = Table(
    "webhook_attempts",
    METADATA,
    Column("delivery_id", Text, ForeignKey("webhook_deliveries.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("seconds", Float, nullable=False),
    Column("status", Integer),
    Column("error", Text),
    Column("excerpt", Text, nullable=False, server_default=""),
)
