"""How far imports and exports have come."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from typing import Any, Final

from sqlalchemy import Row, func, insert, select, true, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.pagination import Page, Slice, SortKey, apply_page, slice_rows
from subgraphs.products.domain.products import ProductContent, ProductType, Variant
from subgraphs.products.domain.transfers.filed import FileFormat, Place, Remark
from subgraphs.products.domain.transfers.transfer import Transfer, TransferKind, TransferState
from subgraphs.products.storage.catalogue import read_product, select_products, variants_of_products
from subgraphs.products.storage.tables import categories, products, transfer_remarks, transfers

_NEWEST: Final = [SortKey("id", transfers.c.id, str, descending=True)]
_IN_ORDER: Final = [SortKey("id", transfer_remarks.c.id, int)]
_AT_ONCE: Final = 500


async def add(session: AsyncSession, transfer: Transfer) -> Transfer:
    """Begin a transfer, and give it; or the one of the same file, where there is one."""
    statement = upsert(transfers).values(id=transfer.id, **_columns(transfer)).on_conflict_do_nothing()
    await session.execute(statement)
    same = transfers.c.file_id == transfer.file_id
    if transfer.digest is not None:
        same |= (transfers.c.digest == transfer.digest) & (transfers.c.state == TransferState.RUNNING.value)
    return _read((await session.execute(select(transfers).where(same))).one())


async def find(session: AsyncSession, transfer_id: str, *, locked: bool = False) -> Transfer | None:
    """Read a transfer; locked, nobody else goes on with it until the transaction ends."""
    statement = select(transfers).where(transfers.c.id == transfer_id)
    row = (await session.execute(statement.with_for_update() if locked else statement)).one_or_none()
    return None if row is None else _read(row)


async def under_way(session: AsyncSession, kind: TransferKind) -> list[Transfer]:
    """Find what is to be done, the oldest first."""
    running = transfers.c.kind == kind.value, transfers.c.state == TransferState.RUNNING.value
    return [_read(row) for row in await session.execute(select(transfers).where(*running).order_by(transfers.c.id))]


async def claim(session: AsyncSession, transfer: Transfer) -> bool:
    """Take a transfer for the length of a transaction, while others may see how far it has come."""
    return bool((await session.execute(select(func.pg_try_advisory_xact_lock(func.hashtext(transfer.id))))).scalar())


async def save(session: AsyncSession, transfer: Transfer) -> None:
    """Write how far a transfer has come."""
    await session.execute(update(transfers).where(transfers.c.id == transfer.id).values(_columns(transfer)))


async def remark(session: AsyncSession, transfer_id: str, remarks: Iterable[Remark]) -> None:
    """Add what there is to say about lines of the file."""
    rows = [
        {"transfer_id": transfer_id, "line": each.line, "handle": each.handle, "reason": each.reason}
        for each in remarks
    ]
    if rows:
        await session.execute(insert(transfer_remarks), rows)


async def page(session: AsyncSession, wanted: Page, owner_id: str | None) -> Slice[Transfer]:
    """List transfers, those of one owner or all, the newest first."""
    whose = true() if owner_id is None else transfers.c.owner_id == owner_id
    rows = (await session.execute(apply_page(select(transfers).where(whose), wanted, _NEWEST))).all()
    return slice_rows(rows, wanted, _NEWEST, lambda row: (row.id,)).map(_read)


async def page_of_remarks(session: AsyncSession, wanted: Page, transfer_id: str) -> Slice[Remark]:
    """List what there is to say about a file, line by line."""
    statement = select(transfer_remarks).where(transfer_remarks.c.transfer_id == transfer_id)
    rows = (await session.execute(apply_page(statement, wanted, _IN_ORDER))).all()
    return slice_rows(rows, wanted, _IN_ORDER, lambda row: (row.id,)).map(_remark)


async def all_products(
    session: AsyncSession, seller_id: str | None
) -> AsyncGenerator[list[tuple[ProductContent, ProductType, tuple[str, ...], tuple[Variant, ...]]]]:
    """Read all products, or those of a vendor, some at a time; each with the names of its categories from the root."""
    names = {row.id: row.name for row in await session.execute(select(categories.c.id, categories.c.name))}
    whose = true() if seller_id is None else products.c.owner_id == seller_id
    last = ""
    while True:
        statement = select_products().where(whose, products.c.id > last).order_by(products.c.id).limit(_AT_ONCE)
        entries = [read_product(row) for row in await session.execute(statement)]
        if not entries:
            return
        last = entries[-1].id
        choices = await variants_of_products(session, [each.id for each in entries])
        yield [
            (
                each.content,
                each.type,
                tuple(names.get(above, "") for above in each.category.path) if each.category else (),
                tuple(choice.variant for choice in choices.get(each.id, ())),
            )
            for each in entries
        ]


def _columns(transfer: Transfer) -> dict[str, Any]:
    return {
        "kind": transfer.kind.value,
        "format": transfer.format.value,
        "currency": transfer.currency,
        "state": transfer.state.value,
        "owner_id": transfer.owner_id,
        "seller_id": transfer.seller_id,
        "file_id": transfer.file_id,
        "digest": transfer.digest,
        "size": transfer.size,
        "read_bytes": transfer.place.offset,
        "line": transfer.place.line,
        "header": list(transfer.place.header),
        "created": transfer.created,
        "updated": transfer.updated,
        "unchanged": transfer.unchanged,
        "refused": transfer.refused,
        "exported": transfer.exported,
        "failures": transfer.failures,
        "reason": transfer.reason,
        "created_at": transfer.created_at,
        "finished_at": transfer.finished_at,
    }


def _read(row: Row[*tuple[Any, ...]]) -> Transfer:
    return Transfer(
        id=row.id,
        kind=TransferKind(row.kind),
        format=FileFormat(row.format),
        currency=row.currency,
        state=TransferState(row.state),
        owner_id=row.owner_id,
        seller_id=row.seller_id,
        file_id=row.file_id,
        digest=row.digest,
        size=row.size,
        place=Place(row.read_bytes, row.line, tuple(row.header)),
        created=row.created,
        updated=row.updated,
        unchanged=row.unchanged,
        refused=row.refused,
        exported=row.exported,
        failures=row.failures,
        reason=row.reason,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def _remark(row: Row[*tuple[Any, ...]]) -> Remark:
    return Remark(row.line, row.handle, row.reason)
