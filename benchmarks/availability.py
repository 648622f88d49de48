"""Availability of stock: what a look at 1 to 5,000 SKUs costs, from the books and from the cache.

CPU is that of this process; the database and Valkey are real and on the same machine. Every SKU is in three
warehouses, and one in ten is held for checkouts.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg

import subgraphs
from kernel.clock import SystemClock
from kernel.database import Database, plain_url
from kernel.redis import connect
from subgraphs.inventory.domain.stock import MovementType
from subgraphs.inventory.service.availability import AvailabilityBoard
from subgraphs.inventory.storage import bulk
from subgraphs.inventory.storage.availability_cache import AvailabilityCache
from tests.servers import Servers

SKUS = 10_000
SIZES = (1, 24, 100, 1000, 5000)
PLACES = ("wh_a", "wh_b", "wh_c")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one look took, in milliseconds."""

    cpu: float
    wall: float


def main() -> int:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--looks", type=int, default=4000, help="how many SKUs are looked at for each figure")
    options = parser.parse_args()
    servers = Servers()
    try:
        asyncio.run(_measure(servers, options.looks))
    finally:
        servers.stop()
    return 0


async def _measure(servers: Servers, looks: int) -> None:
    folder = Path(subgraphs.__file__).parent / "inventory" / "migrations"
    url = await servers.postgres().database({"inventory": folder})
    await _fill(url)
    redis = connect(servers.valkey().url)
    print("| SKUs | books: CPU ms | wall ms | cache: CPU ms | wall ms |\n| --- | --- | --- | --- | --- |")
    async with Database(url, schema="inventory") as database:
        books = AvailabilityBoard.of_skus(database, SystemClock())
        kept = AvailabilityBoard.of_skus(database, SystemClock(), AvailabilityCache(redis, "sku", bound=3600))
        for size in SIZES:
            names = [f"SKU-{number:05}" for number in range(size)]
            costs = [await _look(board, names, max(3, looks // size)) for board in (books, kept)]
            print(f"| {size} | " + " | ".join(f"{cost.cpu:.2f} | {cost.wall:.2f}" for cost in costs) + " |")
    await redis.aclose()


async def _look(board: AvailabilityBoard, names: Sequence[str], times: int) -> Cost:
    await board.look(names)
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(times):
        await board.look(names)
    return Cost((time.process_time() - cpu) / times * 1000, (time.perf_counter() - wall) / times * 1000)


async def _fill(url: str) -> None:
    at = SystemClock().now() - timedelta(days=1)
    names = [f"SKU-{number:05}" for number in range(SKUS)]
    connection = await asyncpg.connect(plain_url(url))
    try:
        await bulk.copy(
            connection,
            warehouses=[bulk.WarehouseRow(id=each, code=each.upper(), name=each, country="DE") for each in PLACES],
            skus=[bulk.SkuRow(sku=sku, product_id=f"prod_{sku}", variant_id=f"var_{sku}") for sku in names],
            movements=[_movement(sku, place, at) for sku in names for place in PLACES],
        )
        await connection.execute(
            """INSERT INTO inventory.reservation_lines
                   (reservation_id, sku, warehouse_id, checkout_id, quantity, state, expires_at, created_at)
               SELECT 'res_' || sku, sku, 'wh_a', 'chk', 1, 'held', now() + interval '1 hour', now()
               FROM inventory.skus WHERE sku LIKE '%7'"""
        )
        await connection.execute(
            "UPDATE inventory.stock_levels SET reserved = 1 WHERE sku LIKE '%7' AND warehouse_id = 'wh_a'"
        )
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


def _movement(sku: str, place: str, at: datetime) -> bulk.MovementRow:
    return bulk.MovementRow(sku=sku, warehouse_id=place, type=MovementType.RECEIVED, quantity=10, occurred_at=at)
