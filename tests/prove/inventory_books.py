"""The books of stock: replayed, wrecked and rebuilt beside sales, verified, and how fast they are written."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from benchmarks.inventory import (
    ALONE,
    MANY,
    PLENTY,
    TOGETHER,
    buy,
    load,
    load_long_ledger,
    postgres,
    received,
    stock,
)
from kernel.clock import SystemClock
from kernel.database import Database
from subgraphs.inventory.domain.reservations import Wish
from subgraphs.inventory.service import InventoryService
from subgraphs.inventory.service.auditing import verify
from subgraphs.inventory.service.desk import Desk
from tests.prove.checkout import HERE
from tests.prove.claims import Prover

ENTRIES, QUICK_ENTRIES = 1_000_000, 40_000
REPLAY_MEGABYTES = 300
BATCHING = 2.0
"""How much more of a sought-after SKU is sold when commands that wait share a transaction; seen: 5 to 8."""
_DAMAGE = (
    "UPDATE stock_levels SET on_hand = on_hand + 7, safety_stock = 1 WHERE sku LIKE 'OLD-%1'",
    "DELETE FROM stock_levels WHERE sku LIKE 'OLD-%2'",
    "DELETE FROM allocations WHERE sku LIKE 'OLD-%3'",
    "UPDATE reservation_lines SET state = 'held' WHERE sku LIKE 'OLD-%4'",
)


def prove_books(prover: Prover) -> None:
    """Run both parts, each on a PostgreSQL of its own that commits to disk."""
    with prover.part("replay and rebuild of a long ledger, sales going on"), postgres() as url:
        asyncio.run(_prove_replay(prover, url, QUICK_ENTRIES if prover.quick else ENTRIES))
    with prover.part("reservations"), postgres() as url:
        asyncio.run(_prove_speed(prover, url, 2.0 if prover.quick else 5.0))


async def _prove_replay(prover: Prover, url: str, entries: int) -> None:
    async with stock(url) as database:
        live = [f"LIVE-{number:02}" for number in range(20)]
        await load(database, [received(sku, "wh_0", PLENTY) for sku in live], first=True)
        await load_long_ledger(database, entries)
        done = asyncio.Event()
        selling = asyncio.create_task(_sell(database, live, done))
        try:
            await _rebuild_and_verify(prover, database, entries)
        finally:
            done.set()
        sold = await selling
        prover.check("sales meanwhile", sold, "> 0", sold > 0)


async def _rebuild_and_verify(prover: Prover, database: Database, entries: int) -> None:
    built = await _storegraph(database, "rebuild")
    prover.check(
        f"{entries} entries replayed into empty read models",
        f"{built.seconds:.1f} s, {entries / built.seconds:.0f} entries/s, {built.megabytes:.0f} MB",
        f"exit 0, <= {REPLAY_MEGABYTES} MB",
        built.code == 0 and built.megabytes <= REPLAY_MEGABYTES,
    )
    before = await _digests(database)
    async with database.transaction() as session:
        for damage in _DAMAGE:
            await session.execute(text(damage))
    wrecked = await _digests(database)
    found = await _storegraph(database, "verify")
    prover.check("read models wrecked on purpose: verify", f"exit {found.code}", "exit 1", found.code == 1)
    again = await _storegraph(database, "rebuild")
    same = await _digests(database) == before != wrecked
    prover.check("read models after a rebuild", "byte-equal" if same else "differ", "byte-equal", same)
    prover.equal("exit code of that rebuild", again.code, 0)
    checked = await _storegraph(database, "rebuild", "--check")
    prover.check("every row compared with the ledger", checked.last_line, "0 differ, exit 0", checked.code == 0)
    verified = await _storegraph(database, "verify")
    prover.check(
        f"storegraph inventory verify of {entries} entries",
        f"exit {verified.code}, {verified.seconds:.1f} s, {verified.megabytes:.0f} MB",
        "exit 0",
        verified.code == 0,
    )


async def _sell(database: Database, skus: Sequence[str], done: asyncio.Event) -> int:
    """Reserve, allocate and cancel again and again, as a shop does meanwhile."""
    service, count = InventoryService(database, SystemClock()), 0
    while not done.is_set():
        sku, key = skus[count % len(skus)], f"sale {count}"
        held = await service.reserve(key, [Wish(sku, 1)], 900, f"{key} reserve")
        await service.allocate(held.id, f"ord {key}", f"{key} allocate")
        if count % 3 == 0:
            await service.release_allocation(f"ord {key}", "", f"{key} cancel")
        count += 1
        await asyncio.sleep(0.02)
    return count


async def _digests(database: Database) -> list[str]:
    """A digest of every byte of the old SKUs' read models."""
    tables = ("stock_levels", "reservation_lines", "allocations")
    statement = "SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {} AS t WHERE sku LIKE 'OLD%'"
    async with database.session() as session:
        return [str(await session.scalar(text(statement.format(table)))) for table in tables]


@dataclass(frozen=True, slots=True)
class _Ran:
    """A command that ended, with what it needed."""

    code: int
    last_line: str
    seconds: float
    megabytes: float


async def _storegraph(database: Database, *arguments: str) -> _Ran:
    """Run a `storegraph inventory` command, as an operator would beside the shop."""
    url = database.url.replace("+asyncpg", "", 1)
    return await asyncio.to_thread(_run, url, ("inventory", *arguments))


def _run(url: str, arguments: Sequence[str]) -> _Ran:
    began = time.monotonic()
    with tempfile.TemporaryFile(mode="w+") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "runtime.cli", *arguments],
            cwd=HERE,
            env={**os.environ, "STOREGRAPH_DATABASE_URL": url},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        lines = output.read().strip().splitlines() or [""]
    return _Ran(process.returncode, lines[-1], time.monotonic() - began, usage.ru_maxrss / 1024)


async def _prove_speed(prover: Prover, url: str, seconds: float) -> None:
    """Measure reservations as `benchmarks/inventory.py` does; its table has all rows."""
    async with stock(url) as database:
        many = [f"SKU-{number:05}" for number in range(MANY)]
        await load(database, [received(sku, "wh_0", PLENTY) for sku in ("HOT", *many)], first=True)
        rates: dict[str, float] = {}
        for title, skus, buyers, (kind, lanes, together) in (
            ("one hot SKU", ["HOT"], 64, ALONE),
            *(("one hot SKU", ["HOT"], buyers, TOGETHER) for buyers in (64, 8, 1)),
            *((f"{MANY} SKUs", many, buyers, TOGETHER) for buyers in (64, 8, 1)),
        ):
            desk = Desk(database, SystemClock(), lanes=lanes, together=together)
            service = InventoryService(database, SystemClock(), desk=desk)
            seen = await buy(service, skus, buyers, seconds, f"{title} {kind} {buyers}")
            rates.setdefault(f"{title} {kind}", seen.rate)
            figure = f"{seen.rate:.0f}/s, p50 {seen.p50:.1f} ms, p99 {seen.p99:.1f} ms"
            prover.check(f"reserve, {title}, {buyers} buyers, {kind}", figure, "measured", seen.commands > 0)
        ratio = rates["one hot SKU together"] / rates["one hot SKU alone"]
        prover.check("64 buyers of one SKU: together / alone", f"{ratio:.1f}", f">= {BATCHING}", ratio >= BATCHING)
        prover.equal("discrepancies afterwards", len(await verify(database)), 0)
