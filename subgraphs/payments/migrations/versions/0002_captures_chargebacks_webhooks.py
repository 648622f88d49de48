"""Held money and its captures, chargebacks, fees, webhooks; amounts that must agree with the ledger."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    """
    ALTER TABLE payments
        ADD COLUMN provider text NOT NULL DEFAULT 'sandbox',
        ADD COLUMN capture boolean NOT NULL DEFAULT true,
        ADD COLUMN captured_minor bigint NOT NULL DEFAULT 0,
        ADD COLUMN charged_back_minor bigint NOT NULL DEFAULT 0,
        ADD COLUMN fees_minor bigint NOT NULL DEFAULT 0,
        ADD COLUMN action_url text NOT NULL DEFAULT ''
    """,
    """
    UPDATE payments SET captured_minor = amount_minor
    WHERE status IN ('CAPTURED', 'PARTIALLY_REFUNDED', 'REFUNDED')
    """,
    """
    ALTER TABLE payments
        DROP CONSTRAINT payments_refunds,
        ADD CONSTRAINT payments_captured CHECK (captured_minor >= 0 AND captured_minor <= amount_minor),
        ADD CONSTRAINT payments_refunds CHECK (
            refunded_minor >= 0 AND refunded_minor <= claimed_refund_minor
            AND claimed_refund_minor <= captured_minor
        ),
        ADD CONSTRAINT payments_charged_back CHECK (
            charged_back_minor >= 0 AND charged_back_minor <= captured_minor
        ),
        ADD CONSTRAINT payments_currency UNIQUE (id, currency)
    """,
    """
    ALTER TABLE ledger_entries
        DROP CONSTRAINT ledger_entries_payment_id_fkey,
        ADD CONSTRAINT ledger_entries_of_one_currency
            FOREIGN KEY (payment_id, currency) REFERENCES payments (id, currency)
    """,
    "DROP INDEX payments_pending",
    "CREATE INDEX payments_due ON payments (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX payments_reference ON payments (provider, provider_reference)",
    "CREATE INDEX payments_created ON payments (created_at, id)",
    """
    CREATE FUNCTION payment_must_agree_with_ledger() RETURNS trigger LANGUAGE plpgsql
    SET search_path FROM CURRENT AS $$
    DECLARE
        booked record;
        payment record;
    BEGIN
        SELECT captured_minor, refunded_minor, charged_back_minor, fees_minor INTO payment
        FROM payments WHERE id = NEW.id;
        SELECT
            coalesce(sum(amount_minor) FILTER (WHERE account = 'CUSTOMER_ORDERS' AND side = 'CREDIT'), 0) AS captured,
            coalesce(sum(amount_minor) FILTER (WHERE account = 'REFUNDS' AND side = 'DEBIT'), 0) AS refunded,
            coalesce(sum(CASE side WHEN 'DEBIT' THEN amount_minor ELSE -amount_minor END)
                FILTER (WHERE account = 'CHARGEBACKS'), 0) AS charged_back,
            coalesce(sum(amount_minor) FILTER (WHERE account = 'FEES' AND side = 'DEBIT'), 0) AS fees
        INTO booked FROM ledger_entries WHERE payment_id = NEW.id;
        IF (payment.captured_minor, payment.refunded_minor, payment.charged_back_minor, payment.fees_minor)
            IS DISTINCT FROM (booked.captured, booked.refunded, booked.charged_back, booked.fees) THEN
            RAISE EXCEPTION 'payment % does not agree with its ledger entries', NEW.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'payments_agree_with_ledger';
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE CONSTRAINT TRIGGER payments_agree_with_ledger
    AFTER UPDATE OF captured_minor, refunded_minor, charged_back_minor, fees_minor ON payments
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payment_must_agree_with_ledger()
    """,
    """
    CREATE TABLE operations (
        id text PRIMARY KEY,
        payment_id text NOT NULL REFERENCES payments,
        kind text NOT NULL CONSTRAINT operations_kind CHECK (kind IN ('CAPTURE', 'VOID')),
        idempotency_key text NOT NULL,
        amount_minor bigint NOT NULL,
        currency text NOT NULL,
        status text NOT NULL,
        due_at timestamptz,
        created_at timestamptz NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX operations_key ON operations (idempotency_key)",
    "CREATE UNIQUE INDEX operations_one_alive ON operations (payment_id) WHERE status <> 'DECLINED'",
    "CREATE INDEX operations_due ON operations (due_at) WHERE due_at IS NOT NULL",
    """
    CREATE TABLE chargebacks (
        id text PRIMARY KEY,
        payment_id text NOT NULL REFERENCES payments,
        provider_reference text NOT NULL,
        amount_minor bigint NOT NULL CONSTRAINT chargebacks_amount CHECK (amount_minor > 0),
        currency text NOT NULL,
        reason text NOT NULL,
        status text NOT NULL,
        opened_at timestamptz NOT NULL,
        closed_at timestamptz
    )
    """,
    "CREATE UNIQUE INDEX chargebacks_reference ON chargebacks (provider_reference)",
    "CREATE INDEX chargebacks_of_payment ON chargebacks (payment_id)",
    """
    CREATE TABLE provider_events (
        provider text NOT NULL,
        id text NOT NULL,
        kind text NOT NULL,
        happened_at timestamptz NOT NULL,
        received_at timestamptz NOT NULL,
        body text,
        outcome text NOT NULL,
        detail text NOT NULL DEFAULT '',
        attempts integer NOT NULL DEFAULT 0,
        due_at timestamptz,
        PRIMARY KEY (provider, id)
    )
    """,
    "CREATE INDEX provider_events_due ON provider_events (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX provider_events_received ON provider_events (received_at)",
    """
    ALTER TABLE sandbox_charges
        ADD COLUMN script text NOT NULL DEFAULT '',
        ADD COLUMN state text NOT NULL DEFAULT '',
        ADD COLUMN captured_minor bigint NOT NULL DEFAULT 0
    """,
    """
    UPDATE sandbox_charges SET
        state = CASE WHEN charged THEN 'CHARGED' WHEN decline_code <> '' THEN 'DECLINED' ELSE '' END,
        captured_minor = CASE WHEN charged THEN amount_minor ELSE 0 END
    """,
    """
    CREATE TABLE sandbox_disputes (
        reference text PRIMARY KEY,
        charge_reference text NOT NULL,
        amount_minor bigint NOT NULL,
        currency text NOT NULL,
        stage text NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE sandbox_webhooks (
        position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        body jsonb NOT NULL,
        due_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX sandbox_webhooks_due ON sandbox_webhooks (due_at)",
)


def upgrade() -> None:
    """Add what holds, takes and loses money in more ways than one."""
    for statement in STATEMENTS:
        op.execute(statement)
