"""The tables of the `users` schema.

What identifies a person sits in few columns (`users`, `addresses`), what proves them in others (`credentials`,
`session_families`, `refresh_tokens`), so that each can be protected, exported and erased by itself.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from kernel.events.outbox import inbox_table, outbox_table

METADATA = MetaData()
outbox = outbox_table(METADATA)
inbox = inbox_table(METADATA)


def _instant(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


users = Table(
    "users",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("phone", Text),
    Column("language", Text, nullable=False, server_default="en"),
    Column("roles", ARRAY(Text), nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    _instant("created_at"),
    _instant("updated_at"),
    UniqueConstraint("email", name="users_email_key"),
    CheckConstraint("email = lower(email)", name="users_email_normalised"),
)
NAME_WORDS = func.to_tsvector(text("'simple'"), users.c.name)
"""The words of a name as the search index knows them."""

Index("users_created", users.c.created_at, users.c.id)
Index("users_email_prefix", users.c.email, postgresql_ops={"email": "text_pattern_ops"})
Index("users_name_words", NAME_WORDS, postgresql_using="gin")

credentials = Table(
    "credentials",
    METADATA,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("password_hash", Text, nullable=False),
    _instant("changed_at"),
)

addresses = Table(
    "addresses",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("line1", Text, nullable=False),
    Column("line2", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("postal_code", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("phone", Text),
    Column("is_default_shipping", Boolean, nullable=False),
    Column("is_default_billing", Boolean, nullable=False),
    Index("addresses_user", "user_id", "id"),
    Index("addresses_default_shipping", "user_id", unique=True, postgresql_where=text("is_default_shipping")),
    Index("addresses_default_billing", "user_id", unique=True, postgresql_where=text("is_default_billing")),
)

session_families = Table(
    "session_families",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    _instant("created_at"),
    _instant("expires_at"),
    _instant("revoked_at", nullable=True),
    Column("revoked_because", Text),
    Index("session_families_user", "user_id"),
    Index("session_families_expiry", "expires_at"),
)
"""One row per log-in; all refresh tokens that follow from it live and die together."""

refresh_tokens = Table(
    "refresh_tokens",
    METADATA,
    Column("fingerprint", LargeBinary, primary_key=True),
    Column("family_id", Uuid(as_uuid=False), ForeignKey("session_families.id", ondelete="CASCADE"), nullable=False),
    Column("parent", LargeBinary),
    _instant("issued_at"),
    _instant("expires_at"),
    _instant("used_at", nullable=True),
    Column("successor_nonce", LargeBinary),
    Index("refresh_tokens_family", "family_id"),
    Index("refresh_tokens_parent", "parent", unique=True, postgresql_where=text("parent IS NOT NULL")),
)
