"""The ledger tells everything: details of entries, gap-safe reading, promises that follow from it, bundles, policies.

Entries of version 1 only told how counters moved. A `StreamCarriedOver` closes that part of each stream with what
was promised and how it was sold, so that a rebuild from the ledger gives every row.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NEW_COLUMNS = """
ALTER TABLE warehouses
    ADD COLUMN postal_code text NOT NULL DEFAULT '',
    ADD COLUMN parcel_cost integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT warehouses_parcel_cost CHECK (parcel_cost >= 0);
ALTER TABLE stock_events
    ADD COLUMN schema_version smallint NOT NULL DEFAULT 1,
    ADD COLUMN details jsonb,
    ADD COLUMN transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id();
ALTER TABLE stock_levels
    ADD COLUMN safety_stock integer NOT NULL DEFAULT 0,
    ADD COLUMN releases_at timestamptz,
    DROP CONSTRAINT stock_levels_policy,
    ADD CONSTRAINT stock_levels_policy
        CHECK (backorder_limit >= 0 AND reorder_point >= 0 AND safety_stock >= 0);
ALTER TABLE allocations
    ADD COLUMN returned integer NOT NULL DEFAULT 0,
    DROP CONSTRAINT allocations_quantities,
    DROP CONSTRAINT allocations_covered,
    ADD CONSTRAINT allocations_quantities
        CHECK (quantity > 0 AND shipped >= 0 AND released >= 0 AND returned >= 0),
    ADD CONSTRAINT allocations_covered CHECK (shipped + released <= quantity AND returned <= shipped);
ALTER TABLE reservation_lines
    ADD COLUMN checkout_id text NOT NULL DEFAULT '',
    ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();
UPDATE reservation_lines AS line SET checkout_id = head.checkout_id, created_at = head.created_at
    FROM reservations AS head WHERE head.id = line.reservation_id;
ALTER TABLE reservation_lines
    DROP CONSTRAINT reservation_lines_of,
    ALTER COLUMN checkout_id DROP DEFAULT,
    ALTER COLUMN created_at DROP DEFAULT;
DROP TABLE reservations;
"""

CARRY_OVER = """
INSERT INTO stock_events (sku, warehouse_id, version, type, quantity, occurred_at, schema_version, details)
SELECT sku, warehouse_id, version + 1, 'StreamCarriedOver', 0, now(), 2, jsonb_build_object(
    'policy', jsonb_build_object('reorder_point', reorder_point, 'backorder_limit', backorder_limit),
    'lines', coalesce((
        SELECT jsonb_agg(to_jsonb(line)) FROM reservation_lines AS line
        WHERE line.sku = level.sku AND line.warehouse_id = level.warehouse_id), '[]'),
    'allocations', coalesce((
        SELECT jsonb_agg(to_jsonb(row)) FROM allocations AS row
        WHERE row.sku = level.sku AND row.warehouse_id = level.warehouse_id), '[]'))
FROM stock_levels AS level ORDER BY sku, warehouse_id;
UPDATE stock_levels SET version = version + 1;
"""

# All that a book needs, in one round trip: first the locks, always in the order (SKU, warehouse), then what is
# true once they are held. A SKU that has no level yet has nothing to lock, so its name is locked instead.
OPEN_BOOK = """
CREATE FUNCTION open_book(
    wanted text[], of_reservations text[], of_orders text[], keys text[], at timestamptz, every_promise boolean
) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    touched text[];
    fresh text;
BEGIN
    SELECT array_agg(DISTINCT sku ORDER BY sku) INTO touched FROM (
        SELECT unnest(wanted)
        UNION SELECT part_sku FROM bundles WHERE bundle_sku = ANY (wanted)
        UNION SELECT line.sku FROM reservation_lines AS line WHERE reservation_id = ANY (of_reservations)
        UNION SELECT row.sku FROM allocations AS row WHERE order_id = ANY (of_orders)
    ) AS all_of_them (sku);
    FOR fresh IN
        SELECT sku FROM unnest(touched) AS sku
        WHERE NOT EXISTS (SELECT FROM stock_levels AS level WHERE level.sku = sku.sku) ORDER BY sku
    LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended(fresh, 0));
    END LOOP;
    PERFORM FROM stock_levels WHERE sku = ANY (touched) ORDER BY sku, warehouse_id FOR NO KEY UPDATE;
    RETURN json_build_object(
        'sites', (SELECT json_agg(site) FROM (
            SELECT id, priority, active, country, postal_code, parcel_cost FROM warehouses) AS site),
        'products', (SELECT json_object_agg(sku, product_id) FROM skus WHERE sku = ANY (touched)),
        'bundles', (SELECT json_agg(bundle) FROM bundles AS bundle WHERE bundle_sku = ANY (wanted)),
        'levels', (SELECT json_agg(level) FROM stock_levels AS level WHERE sku = ANY (touched)),
        'lines', (SELECT json_agg(line) FROM (
            SELECT * FROM reservation_lines
                WHERE sku = ANY (touched) AND state = 'held' AND (expires_at <= at OR every_promise)
            UNION SELECT * FROM reservation_lines WHERE reservation_id = ANY (of_reservations)) AS line),
        'allocations', (SELECT json_agg(row) FROM (
            SELECT * FROM allocations WHERE order_id = ANY (of_orders)
            UNION SELECT * FROM allocations
                WHERE every_promise AND sku = ANY (touched) AND shipped + released < quantity) AS row),
        'done', (SELECT json_agg(done) FROM (
            SELECT idempotency_key, operation, fingerprint, result FROM commands
            WHERE idempotency_key = ANY (keys)) AS done));
END
$$
"""


def upgrade() -> None:
    """Add what is new, and close the version-1 part of each stream."""
    for statement in (*_statements(NEW_COLUMNS), *_statements(CARRY_OVER)):
        op.execute(statement)
    op.create_index("stock_events_feed", "stock_events", ["transaction_id", "position"])
    op.create_index("commands_by_age", "commands", ["executed_at"])
    op.create_table(
        "bundles",
        sa.Column("bundle_sku", sa.Text(), primary_key=True),
        sa.Column("part_sku", sa.Text(), primary_key=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0 AND bundle_sku <> part_sku", name="bundles_quantity"),
    )
    op.create_index("bundles_by_part", "bundles", ["part_sku"])
    op.execute(
        "CREATE TABLE projections (name text PRIMARY KEY, since xid8 NOT NULL, until xid8 NOT NULL, "
        "position bigint NOT NULL, updated_at timestamptz NOT NULL DEFAULT now())"
    )
    op.execute(OPEN_BOOK)


def _statements(script: str) -> list[str]:
    return [each.strip() for each in script.split(";\n") if each.strip()]
