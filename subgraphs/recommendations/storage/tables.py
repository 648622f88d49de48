"""The tables of the `recommendations` schema: counts and facts, each written in the transaction of its event.

All of it is derived from events; nothing here is the only copy of anything.
"""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Float,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from kernel.events.outbox import inbox_table, outbox_table

METADATA = MetaData()
outbox = outbox_table(METADATA)
inbox = inbox_table(METADATA)

_SHOWN = text("shown")

products = Table(
    "products",
    METADATA,
    Column("product_id", Text, primary_key=True),
    Column("orders", Integer, nullable=False, server_default="0"),
    Column("units", Integer, nullable=False, server_default="0"),
    Column("last_bought_at", DateTime(timezone=True)),
    Column("trend", Float(53), nullable=False, server_default="0"),
    Column("name", Text, nullable=False, server_default=""),
    Column("category_id", Text),
    Column("features", ARRAY(Text), nullable=False, server_default="{}"),
    Column("published", Boolean, nullable=False, server_default="true"),
    Column("in_stock", Boolean, nullable=False, server_default="true"),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("shown", Boolean, Computed("published AND in_stock", persisted=True), nullable=False),
    Index("products_popular", "orders", "product_id", postgresql_where=_SHOWN),
    Index("products_trending", "trend", "product_id", postgresql_where=_SHOWN),
    Index("products_of_category", "category_id", "orders", "product_id", postgresql_where=_SHOWN),
)
"""What is known of a product and how it sells; a product of which nothing is known but its sales is shown."""

categories = Table(
    "categories",
    METADATA,
    Column("category_id", Text, primary_key=True),
    Column("parent_id", Text, index=True),
)

stock = Table(
    "stock",
    METADATA,
    Column("sku", Text, primary_key=True),
    Column("product_id", Text, nullable=False, index=True),
    Column("available", Integer, nullable=False),
)

learnt_orders = Table("learnt_orders", METADATA, Column("order_id", Text, primary_key=True))
"""The orders that were counted, so that one which is told again, however late, is not counted again."""

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
    Index("purchases_recent", "customer_id", "last_bought_at"),
)

views = Table(
    "views",
    METADATA,
    Column("viewer", Text, primary_key=True),
    Column("product_id", Text, primary_key=True),
    Column("views", Integer, nullable=False),
    Column("last_viewed_at", DateTime(timezone=True), nullable=False),
    Index("views_recent", "viewer", "last_viewed_at"),
    Index("views_old", "last_viewed_at"),
)
"""What somebody has looked at: a user by the id, a guest by the token of the session."""

known_guests = Table(
    "known_guests",
    METADATA,
    Column("guest", Text, primary_key=True),
    Column("customer_id", Text, nullable=False, index=True),
    Column("known_at", DateTime(timezone=True), nullable=False, index=True),
)
"""Sessions of guests who logged in: what is viewed in them is the user's, even if it is told late."""

picks = Table(
    "picks",
    METADATA,
    Column("person", Text, primary_key=True),
    Column("made_at", DateTime(timezone=True)),
    Column("list", JSONB, nullable=False, server_default="[]"),
    Index("picks_due", text("made_at NULLS FIRST")),
)
"""What goes with the past of each user and guest, best first; out of date while `made_at` is null."""

neighbours = Table(
    "neighbours",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("product_id", Text, primary_key=True),
    Column("rank", SmallInteger, primary_key=True),
    Column("other_id", Text, nullable=False),
    Column("score", Float(53), nullable=False),
)
"""What training found: the products nearest to each product, best first."""

training = Table(
    "training",
    METADATA,
    Column("id", SmallInteger, primary_key=True),
    Column("trained_at", DateTime(timezone=True)),
    Column("learnt_until", DateTime(timezone=True)),
    CheckConstraint("id = 1", name="training_one_row"),
)
"""One row; whoever trains holds its lock, and gives it back by dying too."""
