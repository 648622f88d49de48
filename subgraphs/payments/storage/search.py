"""Pages of payments, for staff who look for one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.pagination import Page, Slice, SortKey, apply_page, slice_rows
from subgraphs.payments.domain.payment import Payment, PaymentStatus
from subgraphs.payments.storage.payments import payment_of
from subgraphs.payments.storage.tables import payments

NEWEST_FIRST: Final = (
    SortKey("createdAt", payments.c.created_at, datetime, descending=True),
    SortKey("id", payments.c.id, str, descending=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which payments are looked for; what is not named does not matter."""

    statuses: Collection[PaymentStatus] = ()
    order_id: str | None = None
    customer_id: str | None = None
    provider_reference: str | None = None


async def page_of(session: AsyncSession, page: Page, wanted: Wanted) -> Slice[Payment]:
    """Read a page of payments, the newest first."""
    statement = apply_page(_filtered(select(payments), wanted), page, NEWEST_FIRST)
    found = [payment_of(row) for row in (await session.execute(statement)).mappings()]
    return slice_rows(found, page, NEWEST_FIRST, lambda payment: (payment.created_at, payment.id))


async def count(session: AsyncSession, wanted: Wanted) -> int:
    """Count the payments that are looked for."""
    return (await session.execute(_filtered(select(func.count()).select_from(payments), wanted))).scalar_one()


def _filtered(statement: Select[Any], wanted: Wanted) -> Select[Any]:
    if wanted.statuses:
        statement = statement.where(payments.c.status.in_(wanted.statuses))
    for column in ("order_id", "customer_id", "provider_reference"):
        value = getattr(wanted, column)
        if value is not None:
            statement = statement.where(payments.c[column] == value)
    return statement
