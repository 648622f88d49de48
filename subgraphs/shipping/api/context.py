"""What shipping resolvers lean on during a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import strawberry
from aiodataloader import DataLoader

from kernel.graphql import Context
from kernel.identity import Caller
from kernel.loaders import by_key, lists_by_key
from subgraphs.shipping.domain.carrier import Tracking
from subgraphs.shipping.domain.rates import Method
from subgraphs.shipping.domain.shipment import Shipment
from subgraphs.shipping.service import ShippingService
from subgraphs.shipping.storage import rates as rate_store
from subgraphs.shipping.storage import shipments as store
from subgraphs.shipping.storage import tracking as tracking_store
from subgraphs.shipping.storage.shipments import ShipmentEvent


@dataclass(frozen=True, slots=True)
class ShippingLoaders:
    """What is fetched for many at once."""

    of_order: DataLoader[str, Sequence[Shipment]]
    events: DataLoader[str, Sequence[ShipmentEvent]]
    methods: DataLoader[str, Method | None]
    tracking: DataLoader[str, Sequence[Tracking]]


ShippingContext = Context[ShippingService, ShippingLoaders]
Info = strawberry.Info[ShippingContext, None]


def make_context(service: ShippingService, caller: Caller) -> ShippingContext:
    """Make the context of one request."""

    async def shipments(keys: Sequence[str]) -> Mapping[str, Sequence[Shipment]]:
        async with service.database.session() as session:
            return await store.of_orders(session, keys)

    async def events(keys: Sequence[str]) -> Mapping[str, Sequence[ShipmentEvent]]:
        async with service.database.session() as session:
            return await store.events_of(session, keys)

    async def methods(keys: Sequence[str]) -> Mapping[str, Method]:
        async with service.database.session() as session:
            return await rate_store.methods_by_id(session, keys)

    async def tracking(keys: Sequence[str]) -> Mapping[str, Sequence[Tracking]]:
        async with service.database.session() as session:
            return await tracking_store.of_parcels(session, keys)

    loaders = ShippingLoaders(lists_by_key(shipments), lists_by_key(events), by_key(methods), lists_by_key(tracking))
    return Context(caller=caller, service=service, loaders=loaders)
