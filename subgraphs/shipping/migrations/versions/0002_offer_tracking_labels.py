"""Rates by volume and worth, rules of free shipping, what carriers tell, return labels."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    """
    ALTER TABLE methods
        ADD COLUMN active boolean NOT NULL DEFAULT true,
        ADD COLUMN live boolean NOT NULL DEFAULT false
    """,
    "ALTER TABLE zones ADD COLUMN postal_prefixes text[] NOT NULL DEFAULT '{}'",
    """
    ALTER TABLE rates
        ADD COLUMN id text NOT NULL DEFAULT 'rate_' || replace(gen_random_uuid()::text, '-', ''),
        ADD COLUMN max_volume_cm3 integer,
        ADD COLUMN min_subtotal_minor bigint NOT NULL DEFAULT 0,
        ADD COLUMN max_subtotal_minor bigint,
        DROP CONSTRAINT rates_pkey,
        ADD PRIMARY KEY (id),
        ADD CONSTRAINT rates_bounds CHECK (
            max_weight_grams > 0 AND min_subtotal_minor >= 0
            AND (max_volume_cm3 IS NULL OR max_volume_cm3 > 0)
            AND (max_subtotal_minor IS NULL OR max_subtotal_minor > min_subtotal_minor)
            AND (free_from_minor IS NULL OR free_from_minor >= 0)
        ),
        ADD CONSTRAINT rates_band UNIQUE NULLS NOT DISTINCT
            (method_id, zone_id, currency, max_weight_grams, max_volume_cm3, min_subtotal_minor)
    """,
    "ALTER TABLE rates ALTER COLUMN id DROP DEFAULT",
    """
    CREATE TABLE free_rules (
        id text PRIMARY KEY,
        name text NOT NULL,
        method_id text REFERENCES methods,
        zone_id text REFERENCES zones,
        currency text NOT NULL,
        from_minor bigint NOT NULL CONSTRAINT free_rules_from CHECK (from_minor >= 0),
        max_weight_grams integer,
        starts_at timestamptz,
        ends_at timestamptz
    )
    """,
    """
    ALTER TABLE shipments
        ADD COLUMN attempts integer NOT NULL DEFAULT 0,
        ADD COLUMN label_url text NOT NULL DEFAULT ''
    """,
    "CREATE INDEX shipments_tracking ON shipments (tracking_number) WHERE tracking_number <> ''",
    "CREATE INDEX shipments_created ON shipments (created_at, id)",
    """
    CREATE TABLE carrier_events (
        carrier text NOT NULL,
        id text NOT NULL,
        tracking_number text NOT NULL,
        kind text NOT NULL,
        at timestamptz NOT NULL,
        place text NOT NULL DEFAULT '',
        detail text NOT NULL DEFAULT '',
        received_at timestamptz NOT NULL,
        PRIMARY KEY (carrier, id)
    )
    """,
    "CREATE INDEX carrier_events_of_parcel ON carrier_events (tracking_number, at)",
    """
    CREATE TABLE return_labels (
        id text PRIMARY KEY,
        order_id text NOT NULL,
        return_id text NOT NULL,
        shipment_id text NOT NULL REFERENCES shipments,
        idempotency_key text NOT NULL,
        weight_grams integer NOT NULL,
        carrier text NOT NULL,
        tracking_number text NOT NULL,
        label_url text NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX return_labels_key ON return_labels (idempotency_key)",
    "CREATE INDEX return_labels_of_order ON return_labels (order_id)",
    """
    ALTER TABLE sandbox_parcels
        ADD COLUMN script text NOT NULL DEFAULT '',
        ADD COLUMN label_secret text NOT NULL DEFAULT ''
    """,
    "CREATE UNIQUE INDEX sandbox_parcels_label ON sandbox_parcels (label_secret) WHERE label_secret <> ''",
)


def upgrade() -> None:
    """Add what prices, follows and sends back parcels."""
    for statement in STATEMENTS:
        op.execute(statement)
