"""`storegraph products`: imports and exports in bulk, beside a store that runs or while it is down."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from rich.progress import Progress
from rich.table import Table

from kernel.calls import InProcessCalls
from kernel.database import Database
from kernel.errors import InvalidInputError
from kernel.pagination import MAX_SIZE, Page
from kernel.settings import Settings
from kernel.subgraph import Parts
from runtime.errors import StartError
from runtime.products_cli import FormatOption
from runtime.progress import Steps
from runtime.store_database import store_database
from subgraphs.products.app import make_service
from subgraphs.products.domain.transfers.filed import FileFormat, Remark
from subgraphs.products.domain.transfers.transfer import Transfer, TransferState
from subgraphs.products.service import CatalogueService, documents, transfers
from subgraphs.products.storage import transfers as storage

T = TypeVar("T")

_FORMATS: Final = {FormatOption.CSV: FileFormat.SHOPIFY_CSV, FormatOption.JSONL: FileFormat.JSON_LINES}


class ProductFileError(StartError):
    """The file cannot be read or written as a product file."""

    exit_code = 2


def run_import(file: Path, option: FormatOption | None, currency: str, data_dir: Path) -> int:
    """Import a file and print what became of it; the exit code is 1 when products were refused.

    Raises:
        StartError: the file or the store cannot be used.
    """
    file_format, digest = _format(file, option), _digest(file, currency)
    steps = Steps()

    async def bring(service: CatalogueService) -> tuple[Transfer, list[Remark]]:
        transfer = await transfers.begin_local_import(service, file, file_format, currency, digest=digest)
        with steps.bar(f"Read {file.name}") as bar:
            transfer = await _drive(service, transfer, bar)
        async with service.database.session() as session:
            return transfer, list((await storage.page_of_remarks(session, Page(first=MAX_SIZE), transfer.id)).items)

    transfer, remarks = _with_service(data_dir, bring)
    if transfer.state is TransferState.FAILED:
        raise ProductFileError(f"{file} cannot be read: {transfer.reason}")
    _print(transfer, remarks, steps)
    return 1 if transfer.refused else 0


def run_export(file: Path, option: FormatOption | None, currency: str, data_dir: Path) -> None:
    """Export all products into a file.

    Raises:
        StartError: the file or the store cannot be used.
    """
    file_format = _format(file, option)
    beside = file.with_name(f"{file.name}.part")

    async def write(service: CatalogueService) -> int:
        exported = 0
        with beside.open("wb") as out:
            async with service.database.session() as session:
                async for text, count in transfers.spelled(session, file_format, currency):
                    out.write(text)
                    exported += count
        beside.replace(file)
        return exported

    try:
        exported = _with_service(data_dir, write)
    except OSError as error:
        raise ProductFileError(f"{file} cannot be written: {error.strerror}.") from error
    print(f"{exported} products written to {file}.")


def run_documents(data_dir: Path) -> int:
    """Print of which products the store has not the document that it should have; the exit code is 1 if of any.

    Raises:
        StartError: the store cannot be used.
    """
    wrong = _with_service(data_dir, documents.disagreements)
    print("\n".join(wrong) if wrong else "All documents are where they should be.")
    return 1 if wrong else 0


def _format(file: Path, option: FormatOption | None) -> FileFormat:
    try:
        return _FORMATS[option or FormatOption(file.suffix.removeprefix("."))]
    except ValueError:
        raise ProductFileError(f"Say by --format what {file} is: csv or jsonl.") from None


def _digest(file: Path, currency: str) -> str:
    try:
        with file.open("rb") as opened:
            return f"{hashlib.file_digest(opened, 'sha256').hexdigest()} {currency}"
    except OSError as error:
        raise ProductFileError(f"{file} cannot be read: {error.strerror}.") from error


def _with_service(data_dir: Path, work: Callable[[CatalogueService], Awaitable[T]]) -> T:
    async def connected(url: str) -> T:
        async with Database(url, schema="products", pool_size=2) as database:
            parts = Parts(database=database, calls=InProcessCalls("products", {}))
            return await work(make_service(Settings.load(data_dir=data_dir), parts))

    with store_database(data_dir) as url:
        try:
            return asyncio.run(connected(url))
        except InvalidInputError as error:
            raise ProductFileError(error.message) from error


async def _drive(service: CatalogueService, transfer: Transfer, bar: Progress) -> Transfer:
    """Go on until all is read; a worker of a running store may help."""
    task = bar.add_task("Bytes", total=transfer.size, completed=transfer.place.offset)
    while transfer.state is TransferState.RUNNING:
        transfer = await transfers.advance(service, transfer)
        bar.update(task, completed=transfer.place.offset)
    return transfer


def _print(transfer: Transfer, remarks: Sequence[Remark], steps: Steps) -> None:
    if remarks:
        table = Table("line", "product", "why", title="Remarks", title_justify="left")
        for remark in remarks:
            table.add_row(str(remark.line), remark.handle, remark.reason)
        steps.console.print(table)
    counts = f"{transfer.created} created, {transfer.updated} updated, {transfer.unchanged} unchanged"
    said = f"Products: {counts}, {transfer.refused} refused ({transfer.id} keeps all remarks)."
    steps.console.print(said, soft_wrap=True)
