"""Exports and erasures under way, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.users.storage.tables import data_requests

Kind = Literal["export", "erasure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRequest:
    """Somebody asked for all that is kept about them, or for its end."""

    id: str
    user_id: str
    kind: Kind
    awaited: tuple[str, ...]
    report: Mapping[str, Any]
    content: bytes | None
    created_at: datetime
    finished_at: datetime | None

    @property
    def done(self) -> bool:
        """Whether every subgraph has answered."""
        return self.finished_at is not None


async def insert_request(session: AsyncSession, request: DataRequest) -> None:
    """Store a new request."""
    await session.execute(
        insert(data_requests).values(
            id=request.id,
            user_id=request.user_id,
            kind=request.kind,
            state="collecting",
            awaited=list(request.awaited),
            report=dict(request.report),
            content=request.content,
            created_at=request.created_at,
        )
    )


async def request_under_lock(session: AsyncSession, request_id: str) -> DataRequest | None:
    """Read a request; answers to it are taken in one after the other."""
    query = select(data_requests).where(data_requests.c.id == request_id).with_for_update()
    row = (await session.execute(query)).one_or_none()
    return _request(row) if row else None


async def requests_of(session: AsyncSession, user_id: str, *, kind: Kind) -> list[DataRequest]:
    """List somebody's requests of one kind, newest first."""
    query = (
        select(data_requests)
        .where(data_requests.c.user_id == user_id, data_requests.c.kind == kind)
        .order_by(data_requests.c.id.desc())
    )
    return [_request(row) for row in await session.execute(query)]


async def take_answer(
    session: AsyncSession,
    request: DataRequest,
    *,
    awaited: Sequence[str],
    report: Mapping[str, Any],
    content: bytes | None,
    finished_at: datetime | None,
) -> None:
    """Note what a subgraph answered."""
    await session.execute(
        update(data_requests)
        .where(data_requests.c.id == request.id)
        .values(
            awaited=list(awaited),
            report=dict(report),
            content=content,
            finished_at=finished_at,
            state="done" if finished_at else "collecting",
        )
    )


async def delete_exports_of(session: AsyncSession, user_id: str) -> None:
    """Remove everything that was exported for somebody."""
    await session.execute(
        delete(data_requests).where(data_requests.c.user_id == user_id, data_requests.c.kind == "export")
    )


async def delete_old_exports(session: AsyncSession, before: datetime) -> int:
    """Remove what was exported too long ago, or never got finished; tell how many there were."""
    gone = await session.execute(
        delete(data_requests)
        .where(
            data_requests.c.kind == "export",
            func.coalesce(data_requests.c.finished_at, data_requests.c.created_at) < before,
        )
        .returning(data_requests.c.id)
    )
    return len(gone.all())


def _request(row: Row[Any]) -> DataRequest:
    return DataRequest(
        id=row.id,
        user_id=row.user_id,
        kind=row.kind,
        awaited=tuple(row.awaited),
        report=row.report or {},
        content=row.content,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
