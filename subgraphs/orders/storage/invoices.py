"""Statements over invoices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.orders.storage.tables import invoices

_ONE_AT_A_TIME: Final = 7_301_442_018
"""The advisory lock under which numbers are given out; a sequence would leave gaps where a transaction fails."""


@dataclass(frozen=True, slots=True)
class Issued:
    """An invoice's number and time, and the number of the one that it replaces."""

    number: int
    at: datetime
    replaces: int | None


async def issued(session: AsyncSession, order_id: str, revision: int) -> Issued | None:
    """Read the invoice of an order as it was after so many changes."""
    statement = select(invoices).where(invoices.c.order_id == order_id, invoices.c.revision <= revision)
    rows = (await session.execute(statement.order_by(invoices.c.revision.desc()).limit(2))).all()
    if not rows or rows[0].revision != revision:
        return None
    return Issued(rows[0].number, rows[0].issued_at, rows[1].number if len(rows) > 1 else None)


async def issue(session: AsyncSession, order_id: str, revision: int, at: datetime) -> Issued:
    """Give an order's invoice the next number, or find the one that it has."""
    await session.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
    if (known := await issued(session, order_id, revision)) is not None:
        return known
    last = (await session.execute(select(func.coalesce(func.max(invoices.c.number), 0)))).scalar_one()
    row = {"number": last + 1, "order_id": order_id, "revision": revision, "issued_at": at}
    await session.execute(insert(invoices).values(row))
    before = select(func.max(invoices.c.number)).where(invoices.c.order_id == order_id, invoices.c.number <= last)
    return Issued(last + 1, at, (await session.execute(before)).scalar())
