from datetime import UTC, datetime

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from kernel.database import Database, plain_url
from kernel.errors import ConflictError
from subgraphs.inventory.domain.stock import MovementType
from subgraphs.inventory.storage import bulk
from subgraphs.inventory.storage.tables import METADATA

NOW = datetime(2026, 6, 1, tzinfo=UTC)
WAREHOUSE = bulk.WarehouseRow(id="wh_1", code="BER", name="Berlin", country="DE")
SKU = bulk.SkuRow(sku="A", product_id="prod_1", variant_id="var_1")


def moved(kind, quantity, reference="", **details):
    return bulk.MovementRow(
        sku="A",
        warehouse_id="wh_1",
        type=kind,
        quantity=quantity,
        occurred_at=NOW,
        reference=reference,
        details=details,
    )


@pytest.fixture
async def connection(make_database):
    connection = await asyncpg.connect(plain_url(await make_database("inventory")))
    yield connection
    await connection.close()


async def test_levels_follow_from_the_movements(connection):
    await bulk.copy(
        connection,
        warehouses=[WAREHOUSE],
        skus=[SKU],
        movements=[
            moved(MovementType.RECEIVED, 10),
            moved(MovementType.RESERVED, 3, "res_1"),
            moved(MovementType.ALLOCATED, 3, "ord_1", reservation_id="res_1"),
            moved(MovementType.SHIPPED, 2, "ord_1"),
        ],
        policies=[bulk.PolicyRow(sku="A", warehouse_id="wh_1", reorder_point=4)],
    )
    level = await connection.fetchrow("SELECT * FROM inventory.stock_levels")
    assert (level["version"], level["on_hand"], level["reserved"], level["allocated"]) == (5, 8, 0, 1)
    assert level["reorder_point"] == 4
    ledger = await connection.fetch("SELECT version, type FROM inventory.stock_events ORDER BY position")
    assert [row["version"] for row in ledger] == [1, 2, 3, 4, 5]
    allocation = await connection.fetchrow("SELECT * FROM inventory.allocations")
    assert (allocation["order_id"], allocation["reservation_id"]) == ("ord_1", "res_1")
    assert (allocation["quantity"], allocation["shipped"]) == (3, 2)


async def test_impossible_movements_are_not_loaded(connection):
    with pytest.raises(ConflictError):
        await bulk.copy(connection, warehouses=[WAREHOUSE], skus=[SKU], movements=[moved(MovementType.RESERVED, 1)])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE inventory.stock_events SET quantity = 1",
        "DELETE FROM inventory.stock_events",
        "TRUNCATE inventory.stock_events",
    ],
)
async def test_the_ledger_cannot_be_changed(connection, statement):
    with pytest.raises((asyncpg.RestrictViolationError, asyncpg.InsufficientPrivilegeError)):
        await connection.execute(statement)


async def test_a_version_of_a_stream_is_taken_once(connection):
    received = [moved(MovementType.RECEIVED, 1)]
    await bulk.copy(connection, warehouses=[WAREHOUSE], skus=[SKU], movements=received)
    with pytest.raises(asyncpg.UniqueViolationError) as refused:
        await bulk.copy(connection, warehouses=[], skus=[], movements=received)
    assert refused.value.constraint_name == "stock_events_stream"


@pytest.mark.parametrize(
    ("counters", "constraint"),
    [
        ((-1, 0, 0), "stock_levels_no_oversell"),
        ((1, -1, 0), "stock_levels_promises"),
        ((3, 2, 2), "stock_levels_no_oversell"),
    ],
)
async def test_the_database_itself_refuses_to_oversell(connection, counters, constraint):
    await bulk.copy(connection, warehouses=[WAREHOUSE], skus=[], movements=[])
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await connection.execute(
            "INSERT INTO inventory.stock_levels (sku, warehouse_id, on_hand, reserved, allocated) "
            "VALUES ('A', 'wh_1', $1, $2, $3)",
            *counters,
        )
    assert refused.value.constraint_name == constraint


@pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")
async def test_the_tables_are_what_the_migration_makes(make_database):
    url = await make_database("inventory")
    async with Database(url, schema="inventory") as database, database.engine.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), METADATA)
        )
    assert [each for each in differences if each[1].name != "alembic_version"] == []
