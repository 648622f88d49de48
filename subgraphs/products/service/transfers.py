"""Imports and exports of products in bulk, portion by portion, by whichever worker comes by.

A portion of an import is one transaction: its products, what there is to say about its lines, and how far the file was
read. So a worker that dies leaves no trace of its portion, and the next one takes it up. A product that is refused is
taken back alone. Of an export a worker writes a file of its own, which is only shown when it is whole.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kernel import telemetry
from kernel.errors import DomainError, InvalidInputError
from kernel.identity import Caller, require, require_owner
from kernel.ids import new_id
from kernel.money import decimals_of
from subgraphs.products.domain import files as file_domain
from subgraphs.products.domain.files import FileState, StoredFile
from subgraphs.products.domain.transfers import json_lines, shopify
from subgraphs.products.domain.transfers.filed import (
    CatalogueFileError,
    FiledProduct,
    FileFormat,
    Portion,
    PortionReader,
    Remark,
)
from subgraphs.products.domain.transfers.transfer import (
    MEDIA_TYPES,
    MOST_FAILURES,
    Transfer,
    TransferKind,
    TransferState,
)
from subgraphs.products.service.catalogue import CatalogueService
from subgraphs.products.service.conflicts import told_as_domain_errors
from subgraphs.products.service.files import take_over
from subgraphs.products.service.importing import Importer, ImportOutcome
from subgraphs.products.storage import files, transfers

OPERATOR: Final = "operator"
"""In whose name the command line works."""

_READERS: Final[dict[FileFormat, PortionReader]] = {
    FileFormat.SHOPIFY_CSV: shopify.read_portion,
    FileFormat.JSON_LINES: json_lines.read_portion,
}
_AT_ONCE: Final = 100
"""Products of one transaction."""

_WINDOW: Final = 256 * 1024
_LARGEST_WINDOW: Final = 16 * 1024 * 1024
"""A product that does not fit into it is none."""

_DOWNLOAD_SECONDS: Final = 3600
_log = telemetry.get_logger("transfers")


async def begin_import(
    service: CatalogueService, caller: Caller, file_id: str, file_format: FileFormat, currency: str
) -> Transfer:
    """Begin to read a file that was handed in; asked again for the same file, give what was begun.

    Raises:
        NotFoundError: there is no such upload, or nothing was handed in yet.
        InvalidInputError: it is no file of this format, or there is no such currency.
    """
    file = await take_over(service, caller, file_id)
    if file.media_type != MEDIA_TYPES[file_format]:
        raise InvalidInputError(f"The upload is no {MEDIA_TYPES[file_format]}.", path=("uploadId",))
    begun = replace(_new(service, caller, TransferKind.IMPORT, file_format, currency), file_id=file.id, size=file.size)
    async with service.database.transaction() as session:
        return await transfers.add(session, begun)


async def begin_export(service: CatalogueService, caller: Caller, file_format: FileFormat, currency: str) -> Transfer:
    """Begin to write all products of the shop, or all of the vendor who asks.

    Raises:
        InvalidInputError: there is no such currency.
    """
    begun = _new(service, caller, TransferKind.EXPORT, file_format, currency)
    file = StoredFile(
        id=new_id("file"),
        owner_id=begun.owner_id,
        file_name=f"products.{'csv' if file_format is FileFormat.SHOPIFY_CSV else 'jsonl'}",
        media_type=MEDIA_TYPES[file_format],
        state=FileState.READY,
    )
    async with service.database.transaction() as session:
        await files.add(session, file)
        return await transfers.add(session, replace(begun, file_id=file.id))


async def begin_local_import(
    service: CatalogueService, path: Path, file_format: FileFormat, currency: str, *, digest: str
) -> Transfer:
    """Begin to read a file of an operator; one with the same digest that is under way is gone on with.

    Raises:
        InvalidInputError: there is no such currency.
    """
    operator = Caller(id=OPERATOR, kind="admin")
    size = (await asyncio.to_thread(path.stat)).st_size
    begun = _new(service, operator, TransferKind.IMPORT, file_format, currency)
    begun = replace(begun, file_id=new_id("file"), size=size, digest=digest)
    await service.media.write_file(file_domain.original_key(begun.file_id), path, MEDIA_TYPES[file_format])
    async with service.database.transaction() as session:
        known = await transfers.add(session, begun)
    if known.id != begun.id:
        await service.media.remove(file_domain.original_key(begun.file_id))
    return known


async def get(service: CatalogueService, caller: Caller, transfer_id: str) -> Transfer | None:
    """Give a transfer to whoever began it, and to the staff."""
    require(caller, roles={"vendor"})
    async with service.database.session() as session:
        found = await transfers.find(session, transfer_id)
    if found is not None:
        require_owner(caller, found.owner_id)
    return found


def url_of(service: CatalogueService, transfer: Transfer) -> str | None:
    """Give the address of an export that is whole, for an hour."""
    if transfer.kind is not TransferKind.EXPORT or transfer.state is not TransferState.DONE:
        return None
    return service.media.download_url(file_domain.original_key(transfer.file_id), _DOWNLOAD_SECONDS)


async def advance_imports(service: CatalogueService) -> int:
    """Go on with the oldest import by one portion; tell whether there was one."""
    async with service.database.session() as session:
        waiting = await transfers.under_way(session, TransferKind.IMPORT)
    if waiting:
        await advance(service, waiting[0])
    return len(waiting)


async def advance(service: CatalogueService, transfer: Transfer) -> Transfer:
    """Go on with an import by one portion; give it as it is then, by whomever."""
    try:
        portion = await _read(service, transfer)
        return await _bring(service, transfer, portion)
    except CatalogueFileError as error:
        return await _settle(service, transfer.failed(str(error), service.clock.now()))
    except Exception as error:
        _log.exception("portion failed", transfer=transfer.id, line=transfer.place.line)
        tried = replace(transfer, failures=transfer.failures + 1)
        if tried.failures < MOST_FAILURES:
            await _settle(service, tried)
            raise
        reason = f"From line {transfer.place.line} on nothing can be stored: {type(error).__name__}."
        return await _settle(service, tried.failed(reason, service.clock.now()))


async def run_exports(service: CatalogueService) -> int:
    """Write the file of an export that nobody else writes; tell whether there was one."""
    async with service.database.session() as session:
        waiting = await transfers.under_way(session, TransferKind.EXPORT)
    for transfer in waiting:
        if await _export(service, transfer):
            return 1
    return 0


async def spelled(
    session: AsyncSession, file_format: FileFormat, currency: str, *, seller_id: str | None = None
) -> AsyncGenerator[tuple[bytes, int]]:
    """Spell all products, or those of a vendor; some at a time, with how many they are."""
    if file_format is FileFormat.SHOPIFY_CSV:
        yield shopify.spell_header(), 0
    spell = partial(shopify.spell, currency=currency) if file_format is FileFormat.SHOPIFY_CSV else json_lines.spell
    async for some in transfers.all_products(session, seller_id):
        yield b"".join(spell(*each) for each in some), len(some)


def _new(
    service: CatalogueService, caller: Caller, kind: TransferKind, file_format: FileFormat, currency: str
) -> Transfer:
    decimals_of(currency)
    return Transfer(
        id=new_id("job"),
        kind=kind,
        format=file_format,
        currency=currency,
        owner_id=require(caller, roles={"vendor"}),
        seller_id=caller.id if caller.kind == "vendor" else None,
        file_id="",
        created_at=service.clock.now(),
    )


async def _read(service: CatalogueService, transfer: Transfer) -> Portion:
    """Read the next products of a file, through a window as large as it takes."""
    key, place = file_domain.original_key(transfer.file_id), transfer.place
    window = _WINDOW
    while True:
        ended = place.offset + window >= transfer.size
        data = await service.media.part(key, place.offset, window)
        if data is None:
            raise CatalogueFileError("The file is gone.")
        portion = _READERS[transfer.format](data, place, ended=ended, most=_AT_ONCE, currency=transfer.currency)
        if portion.next != place or ended:
            return portion
        window *= 2
        if window > _LARGEST_WINDOW:
            raise CatalogueFileError(f"The product on line {place.line} is too large.")


async def _bring(service: CatalogueService, transfer: Transfer, portion: Portion) -> Transfer:
    async with service.database.transaction() as session:
        current = await transfers.find(session, transfer.id, locked=True)
        if current is None or current.place != transfer.place or current.state is not TransferState.RUNNING:
            return current or transfer  # somebody else went on with it meanwhile
        importer = Importer(session, service.clock, seller_id=transfer.seller_id)
        filed = [item for item in portion.items if isinstance(item, FiledProduct)]
        brought = await _bring_some(session, importer, filed)
        counts = Counter(outcome for outcome in brought if not isinstance(outcome, Remark))
        refusals = [item for item in (*portion.items, *brought) if isinstance(item, Remark)]
        notes = [note for item, outcome in zip(filed, brought, strict=True) if outcome in counts for note in item.notes]
        remarks = sorted((*refusals, *notes), key=lambda remark: remark.line)
        await transfers.remark(session, transfer.id, remarks)
        ended = portion.next.offset >= transfer.size
        after = replace(
            current,
            place=portion.next,
            created=current.created + counts[ImportOutcome.CREATED],
            updated=current.updated + counts[ImportOutcome.UPDATED],
            unchanged=current.unchanged + counts[ImportOutcome.UNCHANGED],
            refused=current.refused + len(refusals),
            failures=0,
            state=TransferState.DONE if ended else TransferState.RUNNING,
            finished_at=service.clock.now() if ended else None,
        )
        await transfers.save(session, after)
        return after


async def _bring_some(
    session: AsyncSession, importer: Importer, filed: Sequence[FiledProduct]
) -> list[ImportOutcome | Remark]:
    """Bring products together; where one is refused, each half by itself, until it is found."""
    if not filed:
        return []
    try:
        with told_as_domain_errors():
            async with session.begin_nested():
                return [result.outcome for result in await importer.bring([each.product for each in filed])]
    except DomainError as error:
        importer.forget()
        if len(filed) == 1:
            return [Remark.of(filed[0].line, filed[0].product.slug, error)]
    half = len(filed) // 2
    return [
        *await _bring_some(session, importer, filed[:half]),
        *await _bring_some(session, importer, filed[half:]),
    ]


async def _settle(service: CatalogueService, transfer: Transfer) -> Transfer:
    """Write what has become of a transfer, unless somebody else went on with it meanwhile; give it as it is then."""
    async with service.database.transaction() as session:
        current = await transfers.find(session, transfer.id, locked=True)
        if current is not None and (current.place != transfer.place or current.state is not TransferState.RUNNING):
            return current
        await transfers.save(session, transfer)
    return transfer


async def _export(service: CatalogueService, transfer: Transfer) -> bool:
    """Write the products into a file beside and put it where it is fetched; False when another worker is at it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "products"
        async with service.database.transaction() as session:
            if not await transfers.claim(session, transfer):
                return False
            current = await transfers.find(session, transfer.id)
            if current is None or current.state is not TransferState.RUNNING:
                return False
            transfer = await _write(service, session, current, path)
        await service.media.write_file(file_domain.original_key(transfer.file_id), path, MEDIA_TYPES[transfer.format])
        size = path.stat().st_size
    done = replace(transfer, state=TransferState.DONE, size=size, finished_at=service.clock.now())
    await _settle(service, done)
    return True


async def _write(service: CatalogueService, session: AsyncSession, transfer: Transfer, path: Path) -> Transfer:
    transfer = replace(transfer, exported=0)
    with path.open("wb") as file:
        async for text, count in spelled(session, transfer.format, transfer.currency, seller_id=transfer.seller_id):
            await asyncio.to_thread(file.write, text)
            transfer = await _settle(service, replace(transfer, exported=transfer.exported + count))
    return transfer
