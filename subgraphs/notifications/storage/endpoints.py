"""Partners' endpoints in PostgreSQL, and how their deliveries go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.pagination import Page, Slice, SortKey, apply_page, slice_rows
from subgraphs.notifications.domain.webhooks import Endpoint, EndpointState
from subgraphs.notifications.storage.tables import webhook_endpoints as table

_NEWEST_FIRST: Final = (SortKey("id", table.c.id, str, descending=True),)


async def add(session: AsyncSession, endpoint: Endpoint) -> None:
    """Store a new endpoint."""
    await session.execute(insert(table).values(**asdict(endpoint)))


async def count_of(session: AsyncSession, user_id: str) -> int:
    """Count somebody's endpoints."""
    query = select(func.count()).select_from(table).where(table.c.user_id == user_id)
    return (await session.execute(query)).scalar_one()


async def find(session: AsyncSession, ids: Sequence[str]) -> dict[str, Endpoint]:
    """Read endpoints by their ids."""
    rows = await session.execute(select(table).where(table.c.id.in_(ids)))
    return {row.id: _endpoint(row) for row in rows}


async def page_of(session: AsyncSession, page: Page, user_id: str | None) -> Slice[Endpoint]:
    """Read one page of somebody's endpoints, or of everybody's."""
    query = select(table) if user_id is None else select(table).where(table.c.user_id == user_id)
    rows = (await session.execute(apply_page(query, page, _NEWEST_FIRST))).all()
    return slice_rows(rows, page, _NEWEST_FIRST, lambda row: (row.id,)).map(_endpoint)


async def change(session: AsyncSession, endpoint_id: str, **values: Any) -> Endpoint | None:
    """Change columns of an endpoint."""
    changed = await session.execute(update(table).where(table.c.id == endpoint_id).values(**values).returning(table))
    row = changed.one_or_none()
    return _endpoint(row) if row else None


async def remove(session: AsyncSession, endpoint_id: str) -> None:
    """Remove an endpoint with its deliveries."""
    await session.execute(delete(table).where(table.c.id == endpoint_id))


async def note_success(session: AsyncSession, endpoint_id: str) -> None:
    """Note that a delivery was taken; costs nothing where that is no news."""
    await session.execute(
        update(table).where(table.c.id == endpoint_id, table.c.failures > 0).values(failures=0, failing_since=None)
    )


async def note_failure(session: AsyncSession, endpoint_id: str, now: datetime) -> Endpoint | None:
    """Note that a try failed; give the endpoint as it is now."""
    return await change(
        session,
        endpoint_id,
        failures=table.c.failures + 1,
        failing_since=func.coalesce(table.c.failing_since, now),
    )


async def disable(session: AsyncSession, endpoint_id: str, reason: str) -> bool:
    """Deliver no more to an endpoint; tell whether that is new."""
    disabled = await session.execute(
        update(table)
        .where(table.c.id == endpoint_id, table.c.state == EndpointState.ENABLED)
        .values(state=EndpointState.DISABLED, disabled_reason=reason)
        .returning(table.c.id)
    )
    return disabled.one_or_none() is not None


async def rotate_secret(session: AsyncSession, endpoint_id: str, secret: bytes, until: datetime) -> None:
    """Sign with a new secret from now on, and with the one before as well for a while."""
    await session.execute(
        update(table)
        .where(table.c.id == endpoint_id)
        .values(old_secret=table.c.secret, old_secret_until=until, secret=secret)
    )


def _endpoint(row: Row[Any]) -> Endpoint:
    values: dict[str, Any] = {each.name: getattr(row, each.name) for each in fields(Endpoint)}
    values |= {"event_types": tuple(row.event_types), "state": EndpointState(row.state)}
    return Endpoint(**values)
