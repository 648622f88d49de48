"""What is known of uploaded files; their bytes are in the media store."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.products.domain.files import FileState, StoredFile
from subgraphs.products.storage.tables import assets


async def add(session: AsyncSession, file: StoredFile) -> None:
    """Note a file that is to be uploaded."""
    await session.execute(insert(assets).values(id=file.id, **_columns(file)))


async def find(session: AsyncSession, file_id: str) -> StoredFile | None:
    """Read what is known of a file."""
    row = (await session.execute(select(assets).where(assets.c.id == file_id))).one_or_none()
    return None if row is None else _read(row)


async def settle(session: AsyncSession, before: StoredFile, after: StoredFile) -> bool:
    """Write how far a file has come; False when it is no longer as it was before."""
    this = assets.c.id == before.id, assets.c.state == before.state.value
    same = assets.c.product_id.is_not_distinct_from(before.product_id)
    done = await session.execute(update(assets).where(*this, same).values(_columns(after)).returning(assets.c.id))
    return done.scalar() is not None


async def belong(session: AsyncSession, file_id: str, product_id: str) -> StoredFile | None:
    """Note which product shows a picture, and give it as it is now; None where it is another product's."""
    free = or_(assets.c.product_id.is_(None), assets.c.product_id == product_id)
    statement = update(assets).where(assets.c.id == file_id, free).values(product_id=product_id).returning(assets)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else _read(row)


async def to_render(session: AsyncSession) -> StoredFile | None:
    """Find a picture of which smaller ones are to be made."""
    statement = select(assets).where(assets.c.state == FileState.ACCEPTED.value).order_by(assets.c.id).limit(1)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else _read(row)


async def to_forget(session: AsyncSession, before: datetime) -> list[StoredFile]:
    """Find uploads that were announced before a time and never came."""
    late = assets.c.state == FileState.EXPECTED.value, assets.c.created_at < before
    return [_read(row) for row in await session.execute(select(assets).where(*late).limit(100))]


async def forget(session: AsyncSession, file_id: str) -> None:
    """Forget a file that was announced and not taken over."""
    expected = assets.c.state == FileState.EXPECTED.value
    await session.execute(delete(assets).where(assets.c.id == file_id, expected))


def _columns(file: StoredFile) -> dict[str, Any]:
    return {
        "owner_id": file.owner_id,
        "file_name": file.file_name,
        "media_type": file.media_type,
        "state": file.state.value,
        "size": file.size,
        "width": file.width,
        "height": file.height,
        "widths": list(file.widths),
        "product_id": file.product_id,
        "reason": file.reason,
    }


def _read(row: Row[*tuple[Any, ...]]) -> StoredFile:
    return StoredFile(
        id=row.id,
        owner_id=row.owner_id,
        file_name=row.file_name,
        media_type=row.media_type,
        state=FileState(row.state),
        size=row.size,
        width=row.width,
        height=row.height,
        widths=tuple(row.widths),
        product_id=row.product_id,
        reason=row.reason,
    )
