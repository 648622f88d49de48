"""Use cases of shipping: price parcels, send them, follow them, take them back, and change what is offered."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.clock import Clock
from kernel.database import Database
from subgraphs.shipping.domain.carrier import Carrier
from subgraphs.shipping.service.carriers import CarrierDesk
from subgraphs.shipping.service.changing import ChangingOrders
from subgraphs.shipping.service.labels import CarrierWebhooks, Labels
from subgraphs.shipping.service.offering import Offering
from subgraphs.shipping.service.quoting import Quoting
from subgraphs.shipping.service.shipments import Shipments

__all__ = ["ShippingService", "make_service"]


@dataclass(frozen=True, slots=True)
class ShippingService:
    """All use cases of shipping."""

    database: Database
    clock: Clock
    shipments: Shipments
    changing: ChangingOrders
    quoting: Quoting
    labels: Labels
    webhooks: CarrierWebhooks
    offering: Offering


def make_service(
    database: Database,
    carrier: Carrier,
    clock: Clock,
    *,
    track_every: float = 0.5,
    carrier_retry: float = 10.0,
    carrier_timeout: float = 10.0,
    rates_timeout: float = 1.5,
) -> ShippingService:
    """Put the use cases together."""
    carriers = CarrierDesk(carrier, timeout=carrier_timeout, rates_timeout=rates_timeout, pause=carrier_retry)
    shipments = Shipments(database, carriers, clock, track_every=track_every, carrier_retry=carrier_retry)
    return ShippingService(
        database=database,
        clock=clock,
        shipments=shipments,
        changing=ChangingOrders(database, clock),
        quoting=Quoting(database, carriers, clock),
        labels=Labels(database, carriers, clock),
        webhooks=CarrierWebhooks(carriers, shipments, clock),
        offering=Offering(database),
    )
