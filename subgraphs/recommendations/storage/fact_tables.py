"""What analytics counts: one row for each thing that happened, under its own id.

No counter is kept. An event that is told again finds its row, so that tables made anew from the events are the same;
and any span, time zone or currency can be asked for later.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Identity, Integer, SmallInteger, Table, Text

from subgraphs.recommendations.storage.tables import METADATA

sales = Table(
    "sales",
    METADATA,
    Column("order_id", Text, primary_key=True),
    Column("buyer", Text, index=True),
    Column("currency", Text, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("units", Integer, nullable=False),
    Column("confirmed_at", DateTime(timezone=True), nullable=False, index=True),
    Column("cancelled_at", DateTime(timezone=True)),
)
"""A confirmed order; `buyer` is a user, nobody for a guest, and a name without meaning after an erasure."""

sold_lines = Table(
    "sold_lines",
    METADATA,
    Column("order_id", Text, primary_key=True),
    Column("sku", Text, primary_key=True),
    Column("product_id", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("revenue_minor", BigInteger, nullable=False),
)

refunds = Table(
    "refunds",
    METADATA,
    Column("refund_id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("refunded_at", DateTime(timezone=True), nullable=False, index=True),
)

checkouts_started = Table(
    "checkouts_started",
    METADATA,
    Column("checkout_id", Text, primary_key=True),
    Column("currency", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False, index=True),
)

product_views = Table(
    "product_views",
    METADATA,
    Column("event_id", Text, primary_key=True),
    Column("product_id", Text, nullable=False),
    Column("visitor", Text, nullable=False, index=True),
    Column("searched", Text, nullable=False),
    Column("viewed_at", DateTime(timezone=True), nullable=False, index=True),
)

searches = Table(
    "searches",
    METADATA,
    Column("event_id", Text, primary_key=True),
    Column("place", SmallInteger, primary_key=True),
    Column("words", Text, nullable=False),
    Column("found", Integer, nullable=False),
    Column("searched_at", DateTime(timezone=True), nullable=False, index=True),
)

FACTS = (sales, sold_lines, refunds, checkouts_started, product_views, searches)

facts_copy = Table(
    "facts_copy",
    METADATA,
    Column("target", Text, primary_key=True),
    Column("busy_until", DateTime(timezone=True)),
)
"""Where facts are copied to; while there is a row, triggers note what changes in `facts_to_copy`."""

facts_to_copy = Table(
    "facts_to_copy",
    METADATA,
    Column("place", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
)
