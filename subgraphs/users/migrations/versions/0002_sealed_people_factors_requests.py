"""Personal columns are sealed; devices, one-time secrets, second factors, identities, consents, audit, data requests.

The plain columns of 0001 stay, empty from now on: rows that have them filled are sealed at the next start, which needs
keys that a revision does not have.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def _user() -> sa.Column[str]:
    return sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False)


def upgrade() -> None:
    for column in ("email", "name"):
        op.alter_column("users", column, nullable=True)
    op.add_column("users", sa.Column("data_key", sa.LargeBinary))
    op.add_column("users", sa.Column("personal", sa.LargeBinary))
    op.add_column("users", sa.Column("email_index", sa.LargeBinary))
    op.add_column("users", sa.Column("search_tokens", postgresql.ARRAY(sa.BigInteger)))
    op.add_column("users", sa.Column("currency", sa.Text))
    op.add_column("users", sa.Column("email_verified_at", INSTANT))
    op.create_unique_constraint("users_email_index_key", "users", ["email_index"])
    op.create_index("users_search", "users", ["search_tokens"], postgresql_using="gin")
    op.create_index("users_unsealed", "users", ["id"], postgresql_where=sa.text("data_key IS NULL"))
    op.drop_index("users_email_prefix", "users")
    op.drop_index("users_name_words", "users")
    for column in ("name", "line1", "line2", "city", "region", "postal_code", "country"):
        op.alter_column("addresses", column, nullable=True)
    op.add_column("addresses", sa.Column("personal", sa.LargeBinary))
    op.add_column("session_families", sa.Column("authenticated_at", INSTANT))
    op.add_column("session_families", sa.Column("last_used_at", INSTANT))
    op.add_column(
        "session_families",
        sa.Column("methods", postgresql.ARRAY(sa.Text), nullable=False, server_default=sa.text("'{pwd}'")),
    )
    op.add_column("session_families", sa.Column("device", sa.LargeBinary))
    op.add_column("session_families", sa.Column("csrf", sa.Text))
    op.add_column("session_families", sa.Column("impersonator_id", sa.Text))
    op.create_table(
        "one_time_secrets",
        sa.Column("fingerprint", sa.LargeBinary, primary_key=True),
        _user(),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary),
        sa.Column("expires_at", INSTANT, nullable=False),
    )
    op.create_index("one_time_secrets_user", "one_time_secrets", ["user_id", "purpose"])
    op.create_index("one_time_secrets_expiry", "one_time_secrets", ["expires_at"])
    op.create_table(
        "factors",
        sa.Column("id", sa.Text, primary_key=True),
        _user(),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("credential_id", sa.LargeBinary),
        sa.Column("counter", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("confirmed_at", INSTANT),
        sa.Column("last_used_at", INSTANT),
        sa.CheckConstraint("kind IN ('totp', 'webauthn')", name="factors_kind"),
        sa.UniqueConstraint("credential_id", name="factors_credential_key"),
    )
    op.create_index("factors_user", "factors", ["user_id"])
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("fingerprint", sa.LargeBinary, primary_key=True),
        sa.Column("used_at", INSTANT),
    )
    op.create_table(
        "identities",
        sa.Column("id", sa.Text, primary_key=True),
        _user(),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("subject_index", sa.LargeBinary, nullable=False),
        sa.Column("personal", sa.LargeBinary, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.UniqueConstraint("provider", "subject_index", name="identities_subject_key"),
    )
    op.create_index("identities_user", "identities", ["user_id"])
    op.create_table(
        "consents",
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        _user(),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("granted", sa.Boolean, nullable=False),
        sa.Column("wording", sa.Text, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
    )
    op.create_index("consents_user", "consents", ["user_id", "purpose", "position"])
    op.create_table(
        "payment_methods",
        sa.Column("id", sa.Text, primary_key=True),
        _user(),
        sa.Column("personal", sa.LargeBinary, nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
    )
    op.create_index("payment_methods_user", "payment_methods", ["user_id", "id"])
    op.create_index(
        "payment_methods_default", "payment_methods", ["user_id"], unique=True, postgresql_where=sa.text("is_default")
    )
    op.create_table(
        "access_log",
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("actor_id", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Text),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
        sa.Column("at", INSTANT, nullable=False),
    )
    op.create_index("access_log_subject", "access_log", ["subject_id", "position"])
    op.create_index("access_log_actor", "access_log", ["actor_id", "position"])
    op.create_index("access_log_at", "access_log", ["at"])
    op.execute(
        """
        CREATE FUNCTION access_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'access_log is append-only';
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER access_log_append_only BEFORE UPDATE ON access_log
            FOR EACH ROW EXECUTE FUNCTION access_log_is_append_only()
        """
    )
    op.create_table(
        "data_requests",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("awaited", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("content", sa.LargeBinary),
        sa.Column("report", postgresql.JSONB),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.CheckConstraint("kind IN ('export', 'erasure')", name="data_requests_kind"),
        sa.CheckConstraint("state IN ('collecting', 'done')", name="data_requests_state"),
    )
    op.create_index("data_requests_user", "data_requests", ["user_id", "id"])
