"""`storegraph import-catalogue`: the import job on a store that runs, or on the data of one that is down."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rich.table import Table

from kernel.calls import InProcessCalls
from kernel.clock import SystemClock
from kernel.database import Database
from kernel.settings import Settings
from kernel.subgraph import Parts
from runtime.errors import StartError
from runtime.import_catalogue import ImportReport, import_catalogue
from runtime.progress import Steps
from runtime.store_database import store_database
from subgraphs.inventory.service import InventoryService
from subgraphs.products.app import make_service
from subgraphs.products.domain.transfers.filed import CatalogueFileError, Remark


class UnreadableCatalogueError(StartError):
    """The file is not a product file."""

    exit_code = 2


def run(file: Path, currency: str, data_dir: Path) -> int:
    """Import the file and print what became of it; the exit code is 1 when rows were refused.

    Raises:
        StartError: the file or the store cannot be used; nothing was loaded.
    """
    steps = Steps()
    with store_database(data_dir) as url:
        try:
            report = asyncio.run(_import(file, currency, url, data_dir, steps))
        except CatalogueFileError as error:
            raise UnreadableCatalogueError(str(error)) from error
    _print(report, steps)
    return 1 if report.failures else 0


async def _import(file: Path, currency: str, url: str, data_dir: Path, steps: Steps) -> ImportReport:
    async with Database(url, schema="products") as products, Database(url, schema="inventory") as inventory:
        parts = Parts(database=products, calls=InProcessCalls("products", {}))
        catalogue = make_service(Settings.load(data_dir=data_dir), parts)
        stock = InventoryService(inventory, SystemClock())
        with steps.bar(f"Read {file.name}") as bar:
            task = bar.add_task("Products", total=None)
            return await import_catalogue(
                file,
                catalogue,
                stock,
                currency=currency,
                on_progress=lambda done, total: bar.update(task, completed=done, total=total),
            )


def _print(report: ImportReport, steps: Steps) -> None:
    for title, remarks in (("Refused", report.failures), ("Notes", report.notes)):
        if remarks:
            steps.console.print(_table(title, remarks))
    steps.console.print(report.sentence(), soft_wrap=True)


def _table(title: str, remarks: list[Remark]) -> Table:
    table = Table("line", "product", "why", title=title, title_justify="left")
    for remark in remarks:
        table.add_row(str(remark.line), remark.handle, remark.reason)
    return table
