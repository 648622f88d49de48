"""Payments with their events, refunds, the ledger and its guards, and the sandbox provider's own records."""

from alembic import op

from kernel.migrations import create_event_tables

revision = "0001"
down_revision = None

STATEMENTS = (
    """
    CREATE TABLE payments (
        id text PRIMARY KEY,
        idempotency_key text NOT NULL,
        order_id text NOT NULL,
        customer_id text,
        amount_minor bigint NOT NULL CONSTRAINT payments_amount CHECK (amount_minor > 0),
        currency text NOT NULL,
        token text NOT NULL,
        status text NOT NULL,
        claimed_refund_minor bigint NOT NULL DEFAULT 0,
        refunded_minor bigint NOT NULL DEFAULT 0,
        provider_reference text NOT NULL DEFAULT '',
        decline_code text NOT NULL DEFAULT '',
        retryable boolean NOT NULL DEFAULT false,
        due_at timestamptz,
        created_at timestamptz NOT NULL,
        CONSTRAINT payments_refunds CHECK (
            refunded_minor >= 0 AND refunded_minor <= claimed_refund_minor
            AND claimed_refund_minor <= amount_minor
        )
    )
    """,
    "CREATE UNIQUE INDEX payments_key ON payments (idempotency_key)",
    "CREATE INDEX payments_of_order ON payments (order_id, id)",
    "CREATE INDEX payments_pending ON payments (due_at) WHERE status = 'PENDING'",
    """
    CREATE TABLE payment_events (
        position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        payment_id text NOT NULL REFERENCES payments,
        kind text NOT NULL,
        amount_minor bigint NOT NULL,
        currency text NOT NULL,
        provider_reference text NOT NULL DEFAULT '',
        code text NOT NULL DEFAULT '',
        at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX payment_events_of_payment ON payment_events (payment_id, position)",
    """
    CREATE TABLE refunds (
        id text PRIMARY KEY,
        payment_id text NOT NULL REFERENCES payments,
        idempotency_key text NOT NULL,
        amount_minor bigint NOT NULL CONSTRAINT refunds_amount CHECK (amount_minor > 0),
        currency text NOT NULL,
        reason text NOT NULL,
        status text NOT NULL,
        provider_reference text NOT NULL DEFAULT '',
        due_at timestamptz,
        created_at timestamptz NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX refunds_key ON refunds (idempotency_key)",
    "CREATE INDEX refunds_of_payment ON refunds (payment_id)",
    "CREATE INDEX refunds_pending ON refunds (due_at) WHERE status = 'PENDING'",
    """
    CREATE TABLE ledger_entries (
        position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        transaction_id text NOT NULL,
        payment_id text NOT NULL REFERENCES payments,
        account text NOT NULL,
        side text NOT NULL CONSTRAINT ledger_entries_side CHECK (side IN ('DEBIT', 'CREDIT')),
        amount_minor bigint NOT NULL CONSTRAINT ledger_entries_amount CHECK (amount_minor > 0),
        currency text NOT NULL,
        at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX ledger_entries_of_transaction ON ledger_entries (transaction_id)",
    "CREATE INDEX ledger_entries_of_payment ON ledger_entries (payment_id)",
    """
    CREATE FUNCTION ledger_must_balance() RETURNS trigger LANGUAGE plpgsql
    SET search_path FROM CURRENT AS $$
    BEGIN
        IF EXISTS (
            SELECT FROM ledger_entries WHERE transaction_id = NEW.transaction_id
            GROUP BY currency
            HAVING sum(CASE side WHEN 'DEBIT' THEN amount_minor ELSE -amount_minor END) <> 0
        ) THEN
            RAISE EXCEPTION 'ledger transaction % does not balance', NEW.transaction_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_balanced';
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE CONSTRAINT TRIGGER ledger_balanced AFTER INSERT ON ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_must_balance()
    """,
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_append_only';
    END
    $$
    """,
    """
    CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER payment_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TABLE sandbox_charges (
        key text PRIMARY KEY,
        reference text NOT NULL,
        amount_minor bigint NOT NULL,
        currency text NOT NULL,
        decline_code text NOT NULL,
        requests integer NOT NULL DEFAULT 1,
        charged boolean NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX sandbox_charges_reference ON sandbox_charges (reference)",
    """
    CREATE TABLE sandbox_refunds (
        key text PRIMARY KEY,
        reference text NOT NULL,
        charge_reference text NOT NULL,
        amount_minor bigint NOT NULL,
        currency text NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
)


def upgrade() -> None:
    """Create the tables and their guards."""
    for statement in STATEMENTS:
        op.execute(statement)
    create_event_tables()
