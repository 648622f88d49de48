"""Statements over what carriers tell, and over return labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.shipping.domain.carrier import Tracking, TrackingKind
from subgraphs.shipping.storage.tables import carrier_events, return_labels


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnLabel:
    """A label with which a buyer sends something back."""

    id: str
    order_id: str
    return_id: str
    shipment_id: str
    idempotency_key: str
    weight_grams: int
    carrier: str
    tracking_number: str
    label_url: str
    created_at: datetime


async def keep(
    session: AsyncSession, carrier: str, told: Sequence[Tracking], received_at: datetime
) -> Sequence[Tracking]:
    """Store what a carrier told; give what it told for the first time, in the order given."""
    rows = [
        {
            "carrier": carrier,
            "id": tracking.id,
            "tracking_number": tracking.tracking_number,
            "kind": tracking.kind,
            "at": tracking.at,
            "place": tracking.place,
            "detail": tracking.detail,
            "received_at": received_at,
        }
        for tracking in told
    ]
    kept = upsert(carrier_events).values(rows).on_conflict_do_nothing().returning(carrier_events.c.id)
    new = set((await session.execute(kept)).scalars())
    return [tracking for tracking in told if tracking.id in new]


async def attempts(session: AsyncSession, carrier: str, tracking_number: str) -> int:
    """Count how often a carrier tried in vain to deliver a parcel."""
    failed = (carrier_events.c.carrier == carrier, carrier_events.c.tracking_number == tracking_number)
    statement = select(func.count()).where(*failed, carrier_events.c.kind == TrackingKind.DELIVERY_FAILED)
    return (await session.execute(statement)).scalar_one()


async def of_parcels(session: AsyncSession, tracking_numbers: Sequence[str]) -> dict[str, list[Tracking]]:
    """Read what was told of many parcels, in the order in which it happened."""
    table = carrier_events.c
    statement = select(carrier_events).where(table.tracking_number.in_(tracking_numbers)).order_by(table.at, table.id)
    found: dict[str, list[Tracking]] = {}
    for row in (await session.execute(statement)).mappings():
        found.setdefault(row["tracking_number"], []).append(_tracking(row))
    return found


async def return_label(session: AsyncSession, key: str) -> ReturnLabel | None:
    """Find the return label of an idempotency key."""
    row = (
        (await session.execute(select(return_labels).where(return_labels.c.idempotency_key == key))).mappings().first()
    )
    return None if row is None else ReturnLabel(**dict[str, Any](row))


async def add_return_label(session: AsyncSession, label: ReturnLabel) -> None:
    """Store a return label, unless its key has one."""
    row = {column.name: getattr(label, column.name) for column in return_labels.c}
    await session.execute(upsert(return_labels).values(row).on_conflict_do_nothing())


def _tracking(row: RowMapping) -> Tracking:
    return Tracking(
        id=row["id"],
        tracking_number=row["tracking_number"],
        kind=TrackingKind(row["kind"]),
        at=row["at"],
        place=row["place"],
        detail=row["detail"],
    )
