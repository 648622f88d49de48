"""Stock: reservations per second and their latency, on one sought-after SKU and on 10,000; replay of a long ledger.

Buyers call the service as the subgraph does, on a real PostgreSQL that commits to disk. `alone` carries out each
command in a transaction of its own, as is usual; `together` is how the shop does it.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import asyncpg

import subgraphs
from kernel.clock import SystemClock
from kernel.database import Database, plain_url
from kernel.migrations import upgrade
from runtime.embedded.data_directory import DataDirectory
from runtime.embedded.postgres import start_postgres
from subgraphs.inventory.domain.reservations import Wish
from subgraphs.inventory.domain.stock import MovementType
from subgraphs.inventory.service import InventoryService
from subgraphs.inventory.service.auditing import rebuild, verify
from subgraphs.inventory.service.desk import Desk
from subgraphs.inventory.storage import bulk

PLENTY = 1_000_000
ALONE, TOGETHER = ("alone", 10, 1), ("together", 2, 64)
"""Ways to carry out commands: a name, transactions at the same time, and commands in each at most."""
MANY = 10_000
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
WAREHOUSES = tuple(
    bulk.WarehouseRow(id=f"wh_{number}", code=f"W{number}", name=f"Warehouse {number}", country=country)
    for number, country in enumerate(("DE", "NL", "US"))
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What some buyers saw."""

    commands: int
    seconds: float
    p50: float
    p99: float
    cpu: float
    """Milliseconds of this process for each command, buyers included; PostgreSQL's are not."""

    @property
    def rate(self) -> float:
        """Commands per second."""
        return self.commands / self.seconds


@contextmanager
def postgres() -> Iterator[str]:
    """Run a PostgreSQL of its own, with the safety of the shop's."""
    folder = Path(tempfile.mkdtemp(prefix="storegraph-bench-"))
    try:
        with DataDirectory(folder / "data") as directory:
            server = start_postgres(directory)
            try:
                yield server.url
            finally:
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def stock(url: str) -> AsyncIterator[Database]:
    """Make the tables of stock."""
    await upgrade(url, "inventory", Path(subgraphs.__file__).parent / "inventory" / "migrations")
    async with Database(url, schema="inventory", pool_size=10) as database:
        yield database


async def load(database: Database, movements: list[bulk.MovementRow], *, first: bool = False) -> None:
    """Load movements in bulk."""
    connection = await asyncpg.connect(plain_url(database.url))
    try:
        await bulk.copy(connection, warehouses=WAREHOUSES if first else (), skus=(), movements=movements)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


def received(sku: str, warehouse_id: str, quantity: int) -> bulk.MovementRow:
    """A delivery."""
    return bulk.MovementRow(
        sku=sku, warehouse_id=warehouse_id, type=MovementType.RECEIVED, quantity=quantity, occurred_at=BEGIN
    )


async def buy(service: InventoryService, skus: list[str], buyers: int, seconds: float, run: str) -> Measured:
    """Let buyers reserve one unit after the other, each waiting for its answer."""
    times: list[float] = []
    began, worked = time.perf_counter(), time.process_time()

    async def buyer(number: int) -> None:
        chance, count = random.Random(number), 0
        while time.perf_counter() - began < seconds:
            start = time.perf_counter()
            key = f"{run} {number} {count}"
            await service.reserve("chk", [Wish(chance.choice(skus), 1)], 900, key)
            times.append(time.perf_counter() - start)
            count += 1

    await asyncio.gather(*map(buyer, range(buyers)))
    took = time.perf_counter() - began
    times.sort()
    cpu = (time.process_time() - worked) / len(times) * 1000
    return Measured(len(times), took, times[len(times) // 2] * 1000, times[int(len(times) * 0.99)] * 1000, cpu)


async def measure_reservations(database: Database, seconds: float) -> None:
    """Print the table of reservations."""
    many = [f"SKU-{number:05}" for number in range(MANY)]
    shelves = [received(sku, "wh_0", PLENTY) for sku in ("HOT", *many)]
    await load(database, [*shelves, received("HOT", "wh_1", PLENTY), received("HOT", "wh_2", PLENTY)], first=True)
    print("| SKUs | commands | buyers | commands/s | p50 ms | p99 ms | our CPU ms |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for title, skus in (("1 (hot)", ["HOT"]), (f"{MANY}", many)):
        for kind, lanes, together in (ALONE, TOGETHER):
            for buyers in (1, 8, 64):
                service = InventoryService(
                    database, SystemClock(), desk=Desk(database, SystemClock(), lanes=lanes, together=together)
                )
                await buy(service, skus, buyers, 0.5, f"warm {title} {kind} {buyers}")
                seen = await buy(service, skus, buyers, seconds, f"{title} {kind} {buyers}")
                figures = f"{seen.rate:.0f} | {seen.p50:.1f} | {seen.p99:.1f} | {seen.cpu:.2f}"
                print(f"| {title} | {kind} | {buyers} | {figures} |", flush=True)
    wrong = await verify(database)
    print(f"\nverify: {len(wrong)} discrepancies", flush=True)


LONG_LEDGER = """
INSERT INTO inventory.stock_events
    (sku, warehouse_id, version, type, quantity, reference, occurred_at, schema_version, details)
SELECT 'OLD-' || lpad(stream::text, 4, '0'), 'wh_' || stream % 3, version, type, quantity, reference,
    timestamptz '2026-01-01' + make_interval(secs => sale), 2, details
FROM (
    SELECT -1 AS sale, 0 AS step, stream, 1 AS version, 'StockReceived' AS type, 1000000 AS quantity,
        '' AS reference, NULL::jsonb AS details
    FROM generate_series(0, 1999) AS stream
    UNION ALL
    SELECT sale, step, sale % 2000, 2 + sale / 2000 * 3 + step,
        (ARRAY['StockReserved', 'StockAllocated', 'StockShipped'])[step + 1], 1,
        CASE step WHEN 0 THEN 'res_' ELSE 'ord_' END || sale,
        CASE step
            WHEN 0 THEN jsonb_build_object('checkout_id', 'chk_' || sale, 'expires_at', '2026-06-01T00:00:00+00:00')
            WHEN 1 THEN jsonb_build_object('reservation_id', 'res_' || sale) END
    FROM generate_series(0, $1) AS sale, generate_series(0, 2) AS step
) AS told ORDER BY sale, step, stream
"""
"""Deliveries, then sales of three entries each, over 2,000 SKUs in three warehouses: the ledger, and no read model."""


async def load_long_ledger(database: Database, entries: int) -> None:
    """Write a ledger of about so many entries, and nothing that follows from it."""
    connection = await asyncpg.connect(plain_url(database.url))
    try:
        await connection.execute(LONG_LEDGER, (entries - 2000) // 3 - 1, timeout=600)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


async def measure_replay(database: Database, entries: int) -> None:
    """Print how long it takes to make all read models from a long ledger and to verify it, and what memory it needs."""
    await load_long_ledger(database, entries)
    print("\n| work | entries | seconds | our CPU s | entries per CPU s | memory MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for title, work in (
        ("rebuild from nothing", rebuild),
        ("rebuild --check", partial(rebuild, mend=False)),
        ("verify", verify),
    ):
        began, worked = time.perf_counter(), time.process_time()
        await work(database)
        took, cpu = time.perf_counter() - began, time.process_time() - worked
        rate = f"{entries / cpu:.0f}" if cpu > 1 else "-"
        print(f"| {title} | {entries} | {took:.1f} | {cpu:.1f} | {rate} | {_memory():.0f} |", flush=True)


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _run(url: str, seconds: float, entries: int) -> None:
    async with stock(url) as database:
        await measure_reservations(database, seconds)
        if entries:
            await measure_replay(database, entries)


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks inventory", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each row is measured")
    parser.add_argument("--entries", type=int, default=1_000_000, help="length of the ledger that is replayed; 0: none")
    options = parser.parse_args()
    with postgres() as url:
        asyncio.run(_run(url, options.seconds, options.entries))
    return 0
