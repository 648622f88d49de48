"""Carts, checkouts, orders with lines and timeline, sagas with steps, and the event tables."""

from alembic import op

from kernel.migrations import create_event_tables

revision = "0001"
down_revision = None

STATEMENTS = (
    """
    CREATE TABLE carts (
        id text PRIMARY KEY,
        currency text NOT NULL,
        customer_id text,
        version integer NOT NULL DEFAULT 1,
        ordered boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX carts_by_customer ON carts (customer_id, updated_at) WHERE NOT ordered",
    """
    CREATE TABLE cart_lines (
        cart_id text NOT NULL REFERENCES carts ON DELETE CASCADE,
        sku text NOT NULL,
        variant_id text NOT NULL,
        product_id text NOT NULL,
        name text NOT NULL,
        unit_price_minor bigint NOT NULL CONSTRAINT cart_lines_price CHECK (unit_price_minor >= 0),
        weight_grams integer NOT NULL,
        quantity integer NOT NULL CONSTRAINT cart_lines_quantity CHECK (quantity BETWEEN 1 AND 999),
        added_at timestamptz NOT NULL,
        PRIMARY KEY (cart_id, sku)
    )
    """,
    """
    CREATE TABLE checkouts (
        id text PRIMARY KEY,
        cart_id text NOT NULL UNIQUE REFERENCES carts,
        cart_version integer NOT NULL,
        customer_id text,
        email text NOT NULL,
        currency text NOT NULL,
        status text NOT NULL DEFAULT 'OPEN',
        lines jsonb NOT NULL,
        address jsonb,
        shipping_method_id text,
        shipping_method_name text,
        shipping_minor bigint,
        reservation_id text,
        reservation_expires_at timestamptz,
        order_id text,
        version integer NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
    )
    """,
    "CREATE SEQUENCE order_numbers START 100001",
    """
    CREATE TABLE orders (
        id text PRIMARY KEY,
        number text NOT NULL UNIQUE DEFAULT 'SG-' || nextval('order_numbers'),
        cart_id text NOT NULL,
        checkout_id text NOT NULL,
        customer_id text,
        email text NOT NULL,
        currency text NOT NULL,
        status text NOT NULL,
        subtotal_net_minor bigint NOT NULL,
        subtotal_tax_minor bigint NOT NULL,
        shipping_net_minor bigint NOT NULL,
        shipping_tax_minor bigint NOT NULL,
        total_minor bigint NOT NULL,
        refunded_minor bigint NOT NULL DEFAULT 0,
        shipping_method_id text NOT NULL,
        shipping_method_name text NOT NULL,
        address jsonb NOT NULL,
        placed_at timestamptz NOT NULL,
        confirmed_at timestamptz,
        version integer NOT NULL DEFAULT 1,
        CONSTRAINT orders_total_adds_up CHECK (
            total_minor = subtotal_net_minor + subtotal_tax_minor + shipping_net_minor + shipping_tax_minor
        ),
        CONSTRAINT orders_refunds CHECK (refunded_minor BETWEEN 0 AND total_minor)
    )
    """,
    """
    CREATE UNIQUE INDEX orders_one_per_cart ON orders (cart_id)
        WHERE status NOT IN ('CANCELLED', 'REFUNDED')
    """,
    "CREATE INDEX orders_by_customer ON orders (customer_id, placed_at, id)",
    "CREATE INDEX orders_by_time ON orders (placed_at, id)",
    """
    CREATE TABLE order_lines (
        id text PRIMARY KEY,
        order_id text NOT NULL REFERENCES orders,
        position smallint NOT NULL,
        sku text NOT NULL,
        variant_id text NOT NULL,
        product_id text NOT NULL,
        name text NOT NULL,
        quantity integer NOT NULL CONSTRAINT order_lines_quantity CHECK (quantity > 0),
        unit_price_minor bigint NOT NULL,
        net_minor bigint NOT NULL,
        tax_minor bigint NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX order_lines_of_order ON order_lines (order_id, position)",
    """
    CREATE TABLE order_timeline (
        id text PRIMARY KEY,
        order_id text NOT NULL REFERENCES orders,
        kind text NOT NULL,
        from_status text,
        to_status text,
        message text NOT NULL,
        actor text NOT NULL,
        at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX order_timeline_of_order ON order_timeline (order_id, at, id)",
    """
    CREATE TABLE sagas (
        id text PRIMARY KEY,
        kind text NOT NULL,
        order_id text NOT NULL REFERENCES orders,
        checkout_id text NOT NULL,
        idempotency_key text NOT NULL,
        fingerprint text NOT NULL,
        status text NOT NULL,
        data jsonb NOT NULL,
        failure jsonb,
        attempt integer NOT NULL DEFAULT 1,
        tries integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX sagas_key ON sagas (checkout_id, idempotency_key)",
    """
    CREATE UNIQUE INDEX sagas_one_live ON sagas (order_id)
        WHERE status IN ('RUNNING', 'WAITING', 'COMPENSATING')
    """,
    "CREATE INDEX sagas_due ON sagas (due_at) WHERE status IN ('RUNNING', 'WAITING', 'COMPENSATING')",
    """
    CREATE TABLE saga_steps (
        saga_id text NOT NULL REFERENCES sagas ON DELETE CASCADE,
        position smallint NOT NULL,
        name text NOT NULL,
        status text NOT NULL,
        result jsonb NOT NULL,
        finished_at timestamptz,
        PRIMARY KEY (saga_id, position)
    )
    """,
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)
    create_event_tables()
