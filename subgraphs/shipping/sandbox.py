"""The sandbox carrier: fetches and delivers parcels by the clock, so many seconds after they were booked.

What happens is chosen by the second line of the address:

    sandbox:fail      nobody is at home at first, the second attempt succeeds
    sandbox:return    nobody is at home twice, and the parcel goes back
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
import orjson
from sqlalchemy import RowMapping, select
from sqlalchemy.dialects.postgresql import insert

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import InvalidInputError
from kernel.money import Money, decimals_of
from kernel.webhooks import sign, verify
from subgraphs.shipping.domain.carrier import Journey, Label, LiveRate, Parcel, Tracking, TrackingKind
from subgraphs.shipping.storage.tables import sandbox_parcels

NAME: Final = "sandbox"
SIGNATURE: Final = "storegraph-signature"
"""The header of its webhooks."""

_SCRIPTS: Final = {
    "": (TrackingKind.DELIVERED,),
    "fail": (TrackingKind.DELIVERY_FAILED, TrackingKind.DELIVERED),
    "return": (TrackingKind.DELIVERY_FAILED, TrackingKind.DELIVERY_FAILED, TrackingKind.RETURNED),
}
_EXPRESS: Final = "shm_express"


class _Message(msgspec.Struct, frozen=True):
    id: str
    tracking_number: str
    kind: TrackingKind
    at: datetime
    place: str = ""
    detail: str = ""


class SandboxCarrier:
    """A carrier that keeps its own records, as a real one would."""

    name = NAME

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        transit_after: float,
        delivered_after: float,
        secret: str = NAME,
        public_url: str = "",
    ) -> None:
        self._database = database
        self._clock = clock
        self._transit_after = timedelta(seconds=transit_after)
        self._delivered_after = timedelta(seconds=delivered_after)
        self._secret = secret
        self._public_url = public_url

    async def book(self, parcel: Parcel) -> Label:
        """Book a parcel; the same reference always has the same tracking number and label."""
        wish = parcel.address.line2.removeprefix("sandbox:")
        statement = insert(sandbox_parcels).values(
            shipment_id=parcel.reference,
            tracking_number=f"SBX{secrets.randbelow(10**12):012d}",
            booked_at=self._clock.now(),
            script=wish if wish in _SCRIPTS and not parcel.returned else "",
            label_secret=secrets.token_urlsafe(24),
        )
        keep = {"shipment_id": sandbox_parcels.c.shipment_id}
        booked = statement.on_conflict_do_update(index_elements=["shipment_id"], set_=keep).returning(sandbox_parcels)
        async with self._database.transaction() as session:
            row = (await session.execute(booked)).mappings().one()
        url = f"{self._public_url}/shipping/labels/{row['label_secret']}.svg"
        return Label(row["tracking_number"], url, self._journey(row).news_at)

    async def track(self, tracking_number: str) -> Journey:
        """Tell what has happened to a parcel by now."""
        booked = select(sandbox_parcels).where(sandbox_parcels.c.tracking_number == tracking_number)
        async with self._database.session() as session:
            row = (await session.execute(booked)).mappings().one()
        return self._journey(row)

    async def rates(self, country: str, postal_code: str, weight_grams: int, currency: str) -> Sequence[LiveRate]:
        """Price a parcel by its weight alone: five units and one for each kilogram, twice that in a hurry."""
        del country, postal_code
        base = Money((5 + weight_grams // 1000) * 10 ** decimals_of(currency), currency)
        return [
            LiveRate(method_id="shm_standard", price=base, min_days=2, max_days=3),
            LiveRate(method_id=_EXPRESS, price=base * 2, min_days=1, max_days=1),
        ]

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Tracking:
        """Read a webhook."""
        verify([self._secret], headers.get(SIGNATURE, ""), body, now)
        try:
            message = msgspec.json.decode(body, type=_Message)
        except msgspec.MsgspecError as error:
            raise InvalidInputError(f"Not a message of the sandbox carrier: {error}") from None
        if message.at.tzinfo is None or not 0 < len(message.id) <= 200:
            raise InvalidInputError("A message needs an id, and a time with its zone.")
        return Tracking(**msgspec.structs.asdict(message))

    def webhook(self, tracking: Tracking) -> tuple[dict[str, str], bytes]:
        """Write the webhook for a message: its headers and body."""
        fields = {name: getattr(tracking, name) for name in _Message.__struct_fields__}
        body = orjson.dumps(fields)
        return {SIGNATURE: sign(self._secret, body, self._clock.now())}, body

    async def reference_of(self, label_secret: str) -> tuple[str, str] | None:
        """Find the parcel of a label: our reference and its tracking number."""
        columns = (sandbox_parcels.c.shipment_id, sandbox_parcels.c.tracking_number)
        statement = select(*columns).where(sandbox_parcels.c.label_secret == label_secret)
        async with self._database.session() as session:
            row = (await session.execute(statement)).first()
        return None if row is None else (row[0], row[1])

    def _journey(self, row: RowMapping) -> Journey:
        now = self._clock.now()
        life = self._life(row)
        told = [tracking for tracking in life if tracking.at <= now]
        return Journey(told=told, news_at=life[len(told)].at if len(told) < len(life) else None)

    def _life(self, row: RowMapping) -> list[Tracking]:
        booked_at, attempts = row["booked_at"], _SCRIPTS[row["script"]]
        happenings = [
            (TrackingKind.BOOKED, booked_at),
            (TrackingKind.IN_TRANSIT, booked_at + self._transit_after),
            *((kind, booked_at + self._delivered_after * (at + 1)) for at, kind in enumerate(attempts)),
        ]
        number = row["tracking_number"]
        return [
            Tracking(id=f"{number}:{at}", tracking_number=number, kind=kind, at=when)
            for at, (kind, when) in enumerate(happenings)
        ]
