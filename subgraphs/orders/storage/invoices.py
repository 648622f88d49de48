"""Statements over invoices."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.orders.storage.tables import invoices

_ONE_AT_A_TIME: Final = 7_301_442_018
"""The advisory lock under which numbers are given out; a sequence would leave gaps where a transaction fails."""


async def issued(session: AsyncSession, order_id: str) -> tuple[int, datetime] | None:
    """Read number and time of an order's invoice."""
    row = (await session.execute(select(invoices).where(invoices.c.order_id == order_id))).first()
    return None if row is None else (row.number, row.issued_at)


async def issue(session: AsyncSession, order_id: str, at: datetime) -> tuple[int, datetime]:
    """Give an order's invoice the next number, or find the one that it has."""
    await session.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
    if (known := await issued(session, order_id)) is not None:
        return known
    last = (await session.execute(select(func.coalesce(func.max(invoices.c.number), 0)))).scalar_one()
    await session.execute(insert(invoices).values(number=last + 1, order_id=order_id, issued_at=at))
    return last + 1, at
