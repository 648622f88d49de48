"""Methods, zones and rates with what the shop offers at first; shipments with their events."""

from alembic import op

from kernel.migrations import create_event_tables

revision = "0001"
down_revision = None

STATEMENTS = (
    """
    CREATE TABLE methods (
        id text PRIMARY KEY,
        name text NOT NULL,
        carrier text NOT NULL,
        min_days smallint NOT NULL,
        max_days smallint NOT NULL
    )
    """,
    "CREATE TABLE zones (id text PRIMARY KEY, name text NOT NULL, countries text[] NOT NULL)",
    """
    CREATE TABLE rates (
        method_id text NOT NULL REFERENCES methods,
        zone_id text NOT NULL REFERENCES zones,
        currency text NOT NULL,
        max_weight_grams integer NOT NULL,
        price_minor bigint NOT NULL CONSTRAINT rates_price CHECK (price_minor >= 0),
        free_from_minor bigint,
        PRIMARY KEY (method_id, zone_id, currency, max_weight_grams)
    )
    """,
    """
    CREATE TABLE shipments (
        id text PRIMARY KEY,
        order_id text NOT NULL,
        customer_id text,
        email text NOT NULL,
        warehouse_id text NOT NULL,
        method_id text NOT NULL,
        carrier text NOT NULL,
        status text NOT NULL,
        address jsonb NOT NULL,
        lines jsonb NOT NULL,
        tracking_number text NOT NULL DEFAULT '',
        created_at timestamptz NOT NULL,
        shipped_at timestamptz,
        delivered_at timestamptz,
        due_at timestamptz
    )
    """,
    "CREATE UNIQUE INDEX shipments_one_per_warehouse ON shipments (order_id, warehouse_id)",
    "CREATE INDEX shipments_due ON shipments (due_at) WHERE due_at IS NOT NULL",
    """
    CREATE TABLE shipment_events (
        position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        shipment_id text NOT NULL REFERENCES shipments,
        status text NOT NULL,
        at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX shipment_events_of_shipment ON shipment_events (shipment_id, position)",
    "CREATE TABLE halted_orders (order_id text PRIMARY KEY, at timestamptz NOT NULL)",
    """
    CREATE TABLE sandbox_parcels (
        shipment_id text PRIMARY KEY,
        tracking_number text NOT NULL UNIQUE,
        booked_at timestamptz NOT NULL
    )
    """,
    """
    INSERT INTO methods (id, name, carrier, min_days, max_days) VALUES
        ('shm_standard', 'Standard', 'sandbox', 2, 4),
        ('shm_express', 'Express', 'sandbox', 1, 1)
    """,
    """
    INSERT INTO zones (id, name, countries) VALUES
        ('home', 'Germany', '{DE}'),
        ('europe', 'Europe', '{AT,BE,BG,CH,CY,CZ,DK,EE,ES,FI,FR,GB,GR,HR,HU,IE,IS,IT,LI,LT,LU,LV,MT,NL,NO,PL,PT,RO,SE,SI,SK}'),
        ('world', 'Rest of the world', '{*}')
    """,
    """
    INSERT INTO rates (method_id, zone_id, currency, max_weight_grams, price_minor, free_from_minor)
    SELECT method_id, zone_id, currency, band.grams, round(base * band.factor * currency_factor), free_from
    FROM (VALUES
        ('shm_standard', 'home', 490, 7500), ('shm_express', 'home', 1290, NULL),
        ('shm_standard', 'europe', 990, 15000), ('shm_express', 'europe', 2490, NULL),
        ('shm_standard', 'world', 1990, NULL), ('shm_express', 'world', 4990, NULL)
    ) AS price (method_id, zone_id, base, free_from)
    CROSS JOIN (VALUES (5000, 1.0), (30000, 2.0), (200000, 6.0), (2000000, 20.0)) AS band (grams, factor)
    CROSS JOIN (VALUES ('EUR', 1.0), ('USD', 1.1), ('GBP', 0.9), ('CHF', 1.0)) AS money (currency, currency_factor)
    """,
)


def upgrade() -> None:
    """Create the tables and the first offer."""
    for statement in STATEMENTS:
        op.execute(statement)
    create_event_tables()
