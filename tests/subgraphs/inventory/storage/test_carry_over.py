"""A ledger of the first version is carried over: all its rows can be made anew from what the migration adds."""

import shutil
from pathlib import Path

import asyncpg
import pytest

import subgraphs.inventory
from kernel.database import Database, plain_url
from kernel.migrations import upgrade
from kernel.testing import FixedClock
from subgraphs.inventory.service import InventoryService
from subgraphs.inventory.service.auditing import rebuild, verify

MIGRATIONS = Path(subgraphs.inventory.__file__).parent / "migrations"
FIRST_VERSION = """
INSERT INTO warehouses (id, code, name, country) VALUES ('wh_1', 'BER', 'Berlin', 'DE');
INSERT INTO stock_events (sku, warehouse_id, version, type, quantity, reference, occurred_at) VALUES
    ('A', 'wh_1', 1, 'StockReceived', 9, '', now()), ('A', 'wh_1', 2, 'StockReserved', 3, 'res_1', now()),
    ('A', 'wh_1', 3, 'StockAllocated', 3, 'ord_1', now()), ('A', 'wh_1', 4, 'StockShipped', 1, 'ord_1', now()),
    ('A', 'wh_1', 5, 'StockReserved', 2, 'res_2', now());
INSERT INTO stock_levels (sku, warehouse_id, version, on_hand, reserved, allocated, reorder_point)
    VALUES ('A', 'wh_1', 5, 8, 2, 2, 4), ('B', 'wh_1', 0, 0, 0, 0, 7);
INSERT INTO reservations (id, checkout_id, state, expires_at, created_at) VALUES
    ('res_1', 'chk_1', 'allocated', now(), now()), ('res_2', 'chk_2', 'held', now() + interval '1 day', now());
INSERT INTO reservation_lines (reservation_id, sku, warehouse_id, quantity, state, expires_at) VALUES
    ('res_1', 'A', 'wh_1', 3, 'allocated', now()), ('res_2', 'A', 'wh_1', 2, 'held', now() + interval '1 day');
INSERT INTO allocations (order_id, sku, warehouse_id, reservation_id, quantity, shipped)
    VALUES ('ord_1', 'A', 'wh_1', 'res_1', 3, 1);
"""


@pytest.fixture
async def carried_over(postgres, tmp_path):
    """Stock that was kept by the first version and then brought to this one."""
    url = await postgres.database()
    (tmp_path / "versions").mkdir()
    shutil.copy(MIGRATIONS / "versions" / "0001_stock.py", tmp_path / "versions")
    await upgrade(url, "inventory", tmp_path)
    connection = await asyncpg.connect(plain_url(url), server_settings={"search_path": "inventory"})
    await connection.execute(FIRST_VERSION)
    await connection.close()
    await upgrade(url, "inventory", MIGRATIONS)
    async with Database(url, schema="inventory") as database:
        yield database


async def test_the_old_ledger_still_proves_the_stock(carried_over):
    assert await verify(carried_over) == []
    rebuilt = await rebuild(carried_over, mend=False)
    assert (rebuilt.differing, rebuilt.entries) == ([], 7)


async def test_what_was_promised_before_is_kept(carried_over):
    service = InventoryService(carried_over, FixedClock())
    (row,) = await service.allocate("res_2", "ord_2", "k1")
    assert (row.quantity, row.reservation_id) == (2, "res_2")
    rows = await service.release_allocation("ord_1", "cancelled", "k2")
    assert [(row.quantity, row.shipped, row.released) for row in rows] == [(3, 1, 2)]
    assert await verify(carried_over) == []
    assert (await rebuild(carried_over, mend=False)).differing == []
