"""Pages of shipments, for staff who look for one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.pagination import Page, Slice, SortKey, apply_page, slice_rows
from subgraphs.shipping.domain.shipment import Shipment, ShipmentStatus
from subgraphs.shipping.storage.shipments import shipment_of
from subgraphs.shipping.storage.tables import shipments

NEWEST_FIRST: Final = (
    SortKey("createdAt", shipments.c.created_at, datetime, descending=True),
    SortKey("id", shipments.c.id, str, descending=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which shipments are looked for; what is not named does not matter."""

    statuses: Collection[ShipmentStatus] = ()
    order_id: str | None = None
    warehouse_id: str | None = None
    tracking_number: str | None = None


async def page_of(session: AsyncSession, page: Page, wanted: Wanted) -> Slice[Shipment]:
    """Read a page of shipments, the newest first."""
    statement = apply_page(_filtered(select(shipments), wanted), page, NEWEST_FIRST)
    found = [shipment_of(row) for row in (await session.execute(statement)).mappings()]
    return slice_rows(found, page, NEWEST_FIRST, lambda shipment: (shipment.created_at, shipment.id))


async def count(session: AsyncSession, wanted: Wanted) -> int:
    """Count the shipments that are looked for."""
    return (await session.execute(_filtered(select(func.count()).select_from(shipments), wanted))).scalar_one()


def _filtered(statement: Select[Any], wanted: Wanted) -> Select[Any]:
    if wanted.statuses:
        statement = statement.where(shipments.c.status.in_(wanted.statuses))
    for column in ("order_id", "warehouse_id", "tracking_number"):
        value = getattr(wanted, column)
        if value is not None:
            statement = statement.where(shipments.c[column] == value)
    return statement
