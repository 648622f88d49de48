"""The tables of the `recommendations` schema: plain counts, each written in the transaction of its event."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, DateTime, Index, Integer, MetaData, Table, Text

from kernel.events.outbox import inbox_table, outbox_table

METADATA = MetaData()
outbox = outbox_table(METADATA)
inbox = inbox_table(METADATA)

product_popularity = Table(
    "product_popularity",
    METADATA,
    Column("product_id", Text, primary_key=True),
    Column("orders", Integer, nullable=False),
    Column("units", Integer, nullable=False),
    Column("last_bought_at", DateTime(timezone=True), nullable=False),
    Index("product_popularity_rank", "orders", "product_id"),
)

product_pairs = Table(
    "product_pairs",
    METADATA,
    Column("product_id", Text, primary_key=True),
    Column("other_id", Text, primary_key=True),
    Column("orders", Integer, nullable=False),
    CheckConstraint("product_id <> other_id", name="product_pairs_distinct"),
)
"""Each pair stands twice, once from each side, so that a product's partners are neighbours in the primary key."""

purchases = Table(
    "purchases",
    METADATA,
    Column("customer_id", Text, primary_key=True),
    Column("product_id", Text, primary_key=True),
    Column("orders", Integer, nullable=False),
    Column("last_bought_at", DateTime(timezone=True), nullable=False),
)

hidden_products = Table("hidden_products", METADATA, Column("product_id", Text, primary_key=True))
"""Products that are not published now; they are counted, but never shown."""
