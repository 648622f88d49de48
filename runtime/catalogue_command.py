"""`storegraph import-catalogue`: the import job on a store that runs, or on the data of one that is down."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.table import Table

from kernel.calls import InProcessCalls
from kernel.clock import SystemClock
from kernel.database import Database
from kernel.settings import Settings
from kernel.subgraph import Parts
from runtime.catalogue_file import CatalogueFileError, Remark
from runtime.embedded.data_directory import DataDirectory
from runtime.embedded.left_over import stop_left_over_servers
from runtime.embedded.postgres import postgres_url, start_postgres
from runtime.errors import AlreadyRunningError, StartError, StoreNotReadyError
from runtime.import_catalogue import ImportReport, import_catalogue
from runtime.progress import Steps
from runtime.shop import migrate
from subgraphs.inventory.service import InventoryService
from subgraphs.products.app import make_service


class UnreadableCatalogueError(StartError):
    """The file is not a product file."""

    exit_code = 2


def run(file: Path, currency: str, data_dir: Path) -> int:
    """Import the file and print what became of it; the exit code is 1 when rows were refused.

    Raises:
        StartError: the file or the store cannot be used; nothing was loaded.
    """
    steps = Steps()
    with _database(data_dir) as url:
        try:
            report = asyncio.run(_import(file, currency, url, steps))
        except CatalogueFileError as error:
            raise UnreadableCatalogueError(str(error)) from error
    _print(report, steps)
    return 1 if report.failures else 0


@contextmanager
def _database(data_dir: Path) -> Iterator[str]:
    """The store's database: the one of the settings, the running store's, or that of a store that is down."""
    settings = Settings.load()
    if settings.database_url:
        yield settings.database_url
        return
    directory = DataDirectory(data_dir)
    if not (directory.root / "postgres" / "PG_VERSION").exists():
        raise StoreNotReadyError(
            f"There is no store in {directory.root}. Make one with `make up`, or name its --data-dir."
        )
    with ExitStack() as ended:
        try:
            ended.enter_context(directory)
        except AlreadyRunningError:
            yield postgres_url(directory)
            return
        stop_left_over_servers(directory)
        server = start_postgres(directory)
        ended.callback(server.stop)
        asyncio.run(migrate(server.url))
        yield server.url


async def _import(file: Path, currency: str, url: str, steps: Steps) -> ImportReport:
    async with Database(url, schema="products") as products, Database(url, schema="inventory") as inventory:
        catalogue = make_service(Parts(database=products, calls=InProcessCalls("products", {})))
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
