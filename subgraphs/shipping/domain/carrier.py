"""The port to a carrier: books a parcel, and tells later where it is."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from subgraphs.shipping.domain.shipment import Shipment


class ParcelState(StrEnum):
    """Where the carrier says that a parcel is."""

    BOOKED = "BOOKED"
    IN_TRANSIT = "IN_TRANSIT"
    DELIVERED = "DELIVERED"


class Carrier(Protocol):
    """Whoever carries parcels."""

    async def book(self, shipment: Shipment) -> str:
        """Book a parcel and give its tracking number; the same shipment is booked once."""
        ...

    async def track(self, tracking_number: str) -> ParcelState:
        """Tell where a parcel is."""
        ...
