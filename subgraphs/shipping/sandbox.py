"""The sandbox carrier: fetches and delivers parcels by the clock, so many seconds after they were booked."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from kernel.clock import Clock
from kernel.database import Database
from subgraphs.shipping.domain.carrier import ParcelState
from subgraphs.shipping.domain.shipment import Shipment
from subgraphs.shipping.storage.tables import sandbox_parcels


class SandboxCarrier:
    """A carrier that keeps its own records, as a real one would."""

    def __init__(self, database: Database, clock: Clock, *, transit_after: float, delivered_after: float) -> None:
        self._database = database
        self._clock = clock
        self._transit_after = timedelta(seconds=transit_after)
        self._delivered_after = timedelta(seconds=delivered_after)

    async def book(self, shipment: Shipment) -> str:
        """Book a parcel; the same shipment always has the same tracking number."""
        statement = insert(sandbox_parcels).values(
            shipment_id=shipment.id,
            tracking_number=f"SBX{secrets.randbelow(10**12):012d}",
            booked_at=self._clock.now(),
        )
        keep = {"shipment_id": sandbox_parcels.c.shipment_id}
        booked = statement.on_conflict_do_update(index_elements=["shipment_id"], set_=keep)
        async with self._database.transaction() as session:
            return (await session.execute(booked.returning(sandbox_parcels.c.tracking_number))).scalar_one()

    async def track(self, tracking_number: str) -> ParcelState:
        """Tell where a parcel is by now."""
        booked = select(sandbox_parcels.c.booked_at).where(sandbox_parcels.c.tracking_number == tracking_number)
        async with self._database.session() as session:
            return self._state((await session.execute(booked)).scalar_one())

    def _state(self, booked_at: datetime) -> ParcelState:
        age = self._clock.now() - booked_at
        if age >= self._delivered_after:
            return ParcelState.DELIVERED
        return ParcelState.IN_TRANSIT if age >= self._transit_after else ParcelState.BOOKED
