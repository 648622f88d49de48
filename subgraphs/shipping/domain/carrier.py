"""The port to a carrier: prices, books and follows parcels.

What a carrier tells of a parcel comes by asking and by webhook, so each message may come twice, late or in any order;
its id is the carrier's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from kernel.events.catalogue import PostalAddress
from kernel.money import Money


class TrackingKind(StrEnum):
    """What a carrier can tell of a parcel."""

    BOOKED = "BOOKED"
    IN_TRANSIT = "IN_TRANSIT"
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY"
    DELIVERY_FAILED = "DELIVERY_FAILED"
    DELIVERED = "DELIVERED"
    RETURNED = "RETURNED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """One message about a parcel."""

    id: str
    tracking_number: str
    kind: TrackingKind
    at: datetime
    place: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """All that happened to a parcel, and when its carrier expects something new to tell, where it knows."""

    told: Sequence[Tracking]
    news_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What a carrier is to carry; `reference` is ours, and books once."""

    reference: str
    method_id: str
    address: PostalAddress
    """Of the buyer: where it goes, or with `returned` where it comes from."""
    returned: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """What is stuck on a parcel."""

    tracking_number: str
    url: str
    news_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRate:
    """What a carrier asks for a method right now."""

    method_id: str
    price: Money
    min_days: int
    max_days: int


class Carrier(Protocol):
    """Whoever carries parcels."""

    @property
    def name(self) -> str:
        """What shipments and the webhook's URL call it."""
        ...

    async def book(self, parcel: Parcel) -> Label:
        """Book a parcel; the same reference is booked once."""
        ...

    async def track(self, tracking_number: str) -> Journey:
        """Tell what happened to a parcel."""
        ...

    async def rates(self, country: str, postal_code: str, weight_grams: int, currency: str) -> Sequence[LiveRate]:
        """Price a parcel."""
        ...

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Tracking:
        """Read a webhook.

        Raises:
            SignatureError: it is not the carrier's, or too old.
            InvalidInputError: it is signed and makes no sense.
        """
        ...
