"""The tables of the `users` schema.

What identifies a person is sealed under that person's own key (`users.data_key`, itself wrapped by the shop's key
ring), bound to the table and the person: without the key, which erasure destroys, `personal` columns are noise. What is
looked up is blinded: `email_index` and `search_tokens` are keyed hashes.
"""

from __future__ import annotations

from datetime import datetime

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
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from kernel.events.outbox import inbox_table, outbox_table

METADATA = MetaData()
outbox = outbox_table(METADATA)
inbox = inbox_table(METADATA)


def _owner() -> Column[str]:
    return Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)


def _instant(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


users = Table(
    "users",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("email", Text),
    Column("name", Text),
    Column("phone", Text),
    Column("language", Text, nullable=False, server_default="en"),
    Column("roles", ARRAY(Text), nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    _instant("created_at"),
    _instant("updated_at"),
    Column("data_key", LargeBinary),
    Column("personal", LargeBinary),
    Column("email_index", LargeBinary),
    Column("search_tokens", ARRAY(BigInteger)),
    Column("currency", Text),
    _instant("email_verified_at", nullable=True),
    UniqueConstraint("email", name="users_email_key"),
    UniqueConstraint("email_index", name="users_email_index_key"),
    CheckConstraint("email = lower(email)", name="users_email_normalised"),
    Index("users_created", "created_at", "id"),
    Index("users_search", "search_tokens", postgresql_using="gin"),
    Index("users_unsealed", "id", postgresql_where=text("data_key IS NULL")),
)
"""`email`, `name` and `phone` are filled only in rows from before they were sealed, until the next start seals them."""

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
    Column("name", Text),
    Column("line1", Text),
    Column("line2", Text),
    Column("city", Text),
    Column("region", Text),
    Column("postal_code", Text),
    Column("country", Text),
    Column("phone", Text),
    Column("is_default_shipping", Boolean, nullable=False),
    Column("is_default_billing", Boolean, nullable=False),
    Column("personal", LargeBinary),
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
    _instant("authenticated_at", nullable=True),
    _instant("last_used_at", nullable=True),
    Column("methods", ARRAY(Text), nullable=False, server_default=text("'{pwd}'")),
    Column("device", LargeBinary),
    Column("csrf", Text),
    Column("impersonator_id", Text),
    Index("session_families_user", "user_id"),
    Index("session_families_expiry", "expires_at"),
    Index("session_families_ended", "revoked_at", postgresql_where=text("revoked_at IS NOT NULL")),
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

one_time_secrets = Table(
    "one_time_secrets",
    METADATA,
    Column("fingerprint", LargeBinary, primary_key=True),
    _owner(),
    Column("purpose", Text, nullable=False),
    Column("payload", LargeBinary),
    _instant("expires_at"),
    Index("one_time_secrets_user", "user_id", "purpose"),
    Index("one_time_secrets_expiry", "expires_at"),
)
"""Hashes of secrets that work once: links in mails, tickets between the steps of a log-in."""

factors = Table(
    "factors",
    METADATA,
    Column("id", Text, primary_key=True),
    _owner(),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("credential_id", LargeBinary),
    Column("counter", BigInteger, nullable=False, server_default="0"),
    _instant("created_at"),
    _instant("confirmed_at", nullable=True),
    _instant("last_used_at", nullable=True),
    CheckConstraint("kind IN ('totp', 'webauthn')", name="factors_kind"),
    UniqueConstraint("credential_id", name="factors_credential_key"),
    Index("factors_user", "user_id"),
)
"""Second factors; `counter` is the last time step of a TOTP, or the signature counter of an authenticator."""

recovery_codes = Table(
    "recovery_codes",
    METADATA,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("fingerprint", LargeBinary, primary_key=True),
    _instant("used_at", nullable=True),
)

identities = Table(
    "identities",
    METADATA,
    Column("id", Text, primary_key=True),
    _owner(),
    Column("provider", Text, nullable=False),
    Column("subject_index", LargeBinary, nullable=False),
    Column("personal", LargeBinary, nullable=False),
    _instant("created_at"),
    UniqueConstraint("provider", "subject_index", name="identities_subject_key"),
    Index("identities_user", "user_id"),
)
"""Accounts at other providers that open an account here."""

consents = Table(
    "consents",
    METADATA,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    _owner(),
    Column("purpose", Text, nullable=False),
    Column("granted", Boolean, nullable=False),
    Column("wording", Text, nullable=False),
    _instant("at"),
    Index("consents_user", "user_id", "purpose", "position"),
)
"""What somebody agreed to and took back, each time; the last row of a purpose counts."""

payment_methods = Table(
    "payment_methods",
    METADATA,
    Column("id", Text, primary_key=True),
    _owner(),
    Column("personal", LargeBinary, nullable=False),
    Column("is_default", Boolean, nullable=False),
    _instant("created_at"),
    Index("payment_methods_user", "user_id", "id"),
    Index("payment_methods_default", "user_id", unique=True, postgresql_where=text("is_default")),
)

access_log = Table(
    "access_log",
    METADATA,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("actor_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject_id", Text),
    Column("detail", Text, nullable=False, server_default=""),
    _instant("at"),
    Index("access_log_subject", "subject_id", "position"),
    Index("access_log_actor", "actor_id", "position"),
    Index("access_log_at", "at"),
)
"""Who of the shop looked at or changed whose data; rows are never changed, and leave by age alone."""

data_requests = Table(
    "data_requests",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("awaited", ARRAY(Text), nullable=False),
    Column("content", LargeBinary),
    Column("report", JSONB),
    _instant("created_at"),
    _instant("finished_at", nullable=True),
    CheckConstraint("kind IN ('export', 'erasure')", name="data_requests_kind"),
    CheckConstraint("state IN ('collecting', 'done')", name="data_requests_state"),
    Index("data_requests_user", "user_id", "id"),
)
"""Exports and erasures with the subgraphs that have not answered yet; they outlive the account they are about."""
