"""Stock on a real database: two warehouses of different priority and one that is closed."""

import asyncpg
import orjson
import pytest

from kernel.calls import InProcessCalls
from kernel.database import Database, plain_url
from kernel.settings import Settings
from kernel.subgraph import Parts
from subgraphs.inventory.app import build
from subgraphs.inventory.domain.stock import MovementType
from subgraphs.inventory.service import InventoryService
from subgraphs.inventory.storage import bulk
from subgraphs.inventory.storage.tables import METADATA

WAREHOUSES = [
    bulk.WarehouseRow(id="wh_near", code="NEAR", name="Near", country="DE", priority=0),
    bulk.WarehouseRow(id="wh_far", code="FAR", name="Far", country="US", priority=1),
    bulk.WarehouseRow(id="wh_third", code="THIRD", name="Third", country="FR", priority=2),
]


TABLES = ", ".join(METADATA.tables)


@pytest.fixture(scope="session")
async def shared_database(make_database):
    async with Database(await make_database("inventory"), schema="inventory", pool_size=10) as database:
        yield database


@pytest.fixture
async def database(shared_database):
    """An empty database; only here is the ledger's guard put aside, because a new database takes far longer."""
    connection = await asyncpg.connect(
        plain_url(shared_database.url),
        server_settings={"search_path": "inventory", "session_replication_role": "replica"},
    )
    await connection.execute(f"TRUNCATE {TABLES} RESTART IDENTITY CASCADE")
    await connection.close()
    return shared_database


@pytest.fixture
def service(database, clock):
    return InventoryService(database, clock)


@pytest.fixture
def inventory(database, clock):
    """The subgraph as it is built for real."""
    return build(Settings.load(), Parts(database=database, calls=InProcessCalls("inventory", {}), clock=clock))


@pytest.fixture
def stocked(database, clock):
    """Fill warehouses: `await stocked({"A": {"wh_near": 3}})`; a SKU's product is `prod_` and its name."""

    async def stock(quantities):
        connection = await asyncpg.connect(plain_url(database.url))
        try:
            await bulk.copy(
                connection,
                warehouses=WAREHOUSES,
                skus=[bulk.SkuRow(sku=sku, product_id=f"prod_{sku}", variant_id=f"var_{sku}") for sku in quantities],
                movements=[
                    bulk.MovementRow(
                        sku=sku,
                        warehouse_id=warehouse_id,
                        type=MovementType.RECEIVED,
                        quantity=quantity,
                        occurred_at=clock.now(),
                    )
                    for sku, warehouses in quantities.items()
                    for warehouse_id, quantity in warehouses.items()
                ],
            )
        finally:
            await connection.close()

    return stock


@pytest.fixture
def events(database):
    """Read what was told: the bodies of all events of a type, in their order."""

    async def read(kind):
        connection = await asyncpg.connect(plain_url(database.url))
        try:
            rows = await connection.fetch(
                "SELECT event->'data' AS data FROM inventory.outbox WHERE type = $1 ORDER BY position", kind
            )
        finally:
            await connection.close()
        return [orjson.loads(row["data"]) for row in rows]

    return read
