"""`storegraph inventory`: prove the stock's books and make its read models anew, beside a store that sells."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from rich.table import Table

from kernel.database import Database
from runtime.progress import Steps
from runtime.store_database import store_database
from subgraphs.inventory.service.auditing import Progress, rebuild, renew_projections, verify

Result = TypeVar("Result")

_SHOWN = 50


def run_verify(data_dir: Path) -> int:
    """Prove that the levels are what the ledger tells; the exit code is 1 when they are not."""
    steps = Steps()
    found = _work(data_dir, steps, "Compare ledger, levels and promises", verify)
    if not found:
        steps.console.print("Every level is what its ledger tells, and every promise is in a level.")
        return 0
    table = Table("sku", "warehouse", "figure", "expected", "found", title="Discrepancies", title_justify="left")
    for each in found[:_SHOWN]:
        table.add_row(each.sku, each.warehouse_id, each.figure, str(each.expected), str(each.found))
    steps.console.print(table)
    steps.console.print(f"{len(found)} figures are wrong. `storegraph inventory rebuild` puts read models right.")
    return 1


def run_rebuild(data_dir: Path, *, check: bool) -> int:
    """Make the read models from the ledger; with `check` nothing is written, and the exit code is 1 if rows differ."""
    steps = Steps()

    async def work(database: Database, progress: Progress) -> tuple[int, int, list[str]]:
        rebuilt = await rebuild(database, progress, mend=not check)
        if not check:
            await renew_projections(database)
        return rebuilt.entries, rebuilt.rows, rebuilt.differing

    entries, rows, differing = _work(data_dir, steps, "Replay the ledger", work)
    for each in differing[:_SHOWN]:
        steps.console.print(f"  {each}", soft_wrap=True)
    what = "differ" if check else "differed and were put right"
    steps.console.print(f"{entries} entries replayed, {rows} rows compared, {len(differing)} {what}.", soft_wrap=True)
    return 1 if check and differing else 0


def _work(data_dir: Path, steps: Steps, text: str, work: Callable[[Database, Progress], Awaitable[Result]]) -> Result:
    async def go(url: str) -> Result:
        async with Database(url, schema="inventory") as database:
            with steps.bar(text) as bar:
                task = bar.add_task("SKUs", total=None)
                return await work(database, lambda done: bar.update(task, advance=done))

    with store_database(data_dir) as url:
        return asyncio.run(go(url))
