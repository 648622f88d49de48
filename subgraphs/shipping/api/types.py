"""Shipping methods and shipments as clients see them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Self

import strawberry
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from kernel.graphql import Connection, Money
from kernel.identity import Caller
from subgraphs.shipping.api.context import Info
from subgraphs.shipping.domain import carrier, rates, shipment
from subgraphs.shipping.domain.carrier import TrackingKind
from subgraphs.shipping.domain.estimate import estimate
from subgraphs.shipping.domain.shipment import ShipmentStatus

strawberry.enum(ShipmentStatus, description="Where a shipment stands.")
strawberry.enum(TrackingKind, name="ShipmentTrackingKind", description="What a carrier can tell of a parcel.")

_UNDER_WAY = frozenset(ShipmentStatus) - {ShipmentStatus.DELIVERED, ShipmentStatus.RETURNED, ShipmentStatus.CANCELLED}


@strawberry.type(description="The first and the last day on which a parcel is expected.")
class DeliveryEstimate:
    """The days on which a parcel is expected."""

    earliest: date
    latest: date

    @classmethod
    def after(cls, leaves: datetime, min_days: int, max_days: int) -> Self:
        """Count working days from the day on which a parcel leaves."""
        days = estimate(leaves.date(), min_days, max_days)
        return cls(earliest=days.earliest, latest=days.latest)


@strawberry.federation.type(keys=["id"], description="A way to send parcels.")
class ShippingMethod:
    """A way to send parcels."""

    id: strawberry.ID
    name: str
    carrier: str
    min_days: int = strawberry.field(description="Working days until delivery, at best.")
    max_days: int = strawberry.field(description="Working days until delivery, as a rule at most.")

    @classmethod
    def of(cls, method: rates.Method) -> Self:
        """Show a method."""
        return cls(
            id=strawberry.ID(method.id),
            name=method.name,
            carrier=method.carrier,
            min_days=method.min_days,
            max_days=method.max_days,
        )

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """Find a method that another subgraph names."""
        method = await info.context.loaders.methods.load(id)
        return None if method is None else cls.of(method)


@strawberry.federation.type(inaccessible=True, description="A method with its price for one parcel.")
class ShippingQuote:
    """A method with its price for one parcel."""

    method: ShippingMethod
    price: Money
    estimated_delivery: DeliveryEstimate

    @classmethod
    def of(cls, quote: rates.Quote, now: datetime) -> Self:
        """Show a quote."""
        method = quote.method
        return cls(
            method=ShippingMethod.of(method),
            price=Money.of(quote.price),
            estimated_delivery=DeliveryEstimate.after(now, method.min_days, method.max_days),
        )


@strawberry.federation.type(
    keys=[Key(fields=FieldSet("sku"), resolvable=False)],
    description="A variant of a product: what can be put into a cart.",
)
class ProductVariant:
    """A variant, as far as shipping knows it."""

    sku: str


@strawberry.type(description="How many pieces of a variant are in a parcel.")
class ShipmentLine:
    """How many pieces of a variant are in a parcel."""

    quantity: int
    variant: ProductVariant


@strawberry.type(description="A state that a shipment reached.")
class ShipmentEvent:
    """A state that a shipment reached."""

    status: ShipmentStatus
    at: datetime


@strawberry.type(description="What a carrier told of a parcel.")
class ShipmentTracking:
    """What a carrier told of a parcel."""

    kind: TrackingKind
    at: datetime
    place: str | None
    detail: str | None

    @classmethod
    def of(cls, one: carrier.Tracking) -> Self:
        """Show a message."""
        return cls(kind=one.kind, at=one.at, place=one.place or None, detail=one.detail or None)


@strawberry.type(description="The part of an order that leaves one warehouse.")
class Shipment:
    """The part of an order that leaves one warehouse."""

    id: strawberry.ID
    status: ShipmentStatus
    carrier: str
    tracking_number: str | None
    lines: list[ShipmentLine]
    created_at: datetime
    shipped_at: datetime | None
    delivered_at: datetime | None
    attempts: int = strawberry.field(description="How often the carrier tried in vain to deliver it.")
    one: strawberry.Private[shipment.Shipment]

    @strawberry.field(description="How it is sent.")
    async def method(self, info: Info) -> ShippingMethod | None:
        """Give the method."""
        method = await info.context.loaders.methods.load(self.one.method_id)
        return None if method is None else ShippingMethod.of(method)

    @strawberry.field(description="When it is expected; null once it has come to its end.")
    async def estimated_delivery(self, info: Info) -> DeliveryEstimate | None:
        """Estimate the delivery."""
        method = await info.context.loaders.methods.load(self.one.method_id)
        if method is None or self.status not in _UNDER_WAY:
            return None
        return DeliveryEstimate.after(self.one.shipped_at or self.one.created_at, method.min_days, method.max_days)

    @strawberry.field(description="What the carrier told of it, in the order in which it happened.")
    async def tracking(self, info: Info) -> list[ShipmentTracking]:
        """Give the carrier's messages."""
        if not self.one.tracking_number:
            return []
        told = await info.context.loaders.tracking.load(self.one.tracking_number)
        return [ShipmentTracking.of(each) for each in told]

    @strawberry.field(description="The order that it is a part of.")
    async def order(self) -> Order:
        """Name the order."""
        return Order(id=strawberry.ID(self.one.order_id))

    @strawberry.field(description="Where it leaves from; for staff.")
    async def warehouse_id(self, info: Info) -> strawberry.ID | None:
        """Name the warehouse."""
        return strawberry.ID(self.one.warehouse_id) if info.context.caller.works_here else None

    @strawberry.field(description="Where its label can be printed; for staff.")
    async def label_url(self, info: Info) -> str | None:
        """Give the label's address."""
        return self.one.label_url or None if info.context.caller.works_here else None

    @strawberry.field(description="All that happened to it, the oldest first.")
    async def events(self, info: Info) -> list[ShipmentEvent]:
        """Give the events."""
        events = await info.context.loaders.events.load(self.id)
        return [ShipmentEvent(status=event.status, at=event.at) for event in events]

    @classmethod
    def of(cls, one: shipment.Shipment) -> Self:
        """Show a shipment."""
        return cls(
            id=strawberry.ID(one.id),
            status=one.status,
            carrier=one.carrier,
            tracking_number=one.tracking_number or None,
            lines=[ShipmentLine(quantity=line.quantity, variant=ProductVariant(sku=line.sku)) for line in one.lines],
            created_at=one.created_at,
            shipped_at=one.shipped_at,
            delivered_at=one.delivered_at,
            attempts=one.attempts,
            one=one,
        )


@strawberry.type(description="A page of shipments, the newest first.")
class ShipmentConnection(Connection[Shipment]):
    """A page of shipments."""


@strawberry.input(description="Which shipments are wanted.")
class ShipmentWhere:
    """Which shipments are wanted."""

    status_in: list[ShipmentStatus] | None = None
    order_id: strawberry.ID | None = None
    warehouse_id: strawberry.ID | None = None
    tracking_number: str | None = None


@strawberry.federation.type(keys=["id"], description="An order of the shop.")
class Order:
    """An order, as far as shipping knows it."""

    id: strawberry.ID

    @strawberry.field(description="Its parcels, one for each warehouse.")
    async def shipments(self, info: Info) -> list[Shipment]:
        """Give the shipments that the caller may see."""
        shipments = await info.context.loaders.of_order.load(self.id)
        return [Shipment.of(one) for one in shipments if visible(one, info.context.caller)]


def visible(one: shipment.Shipment, caller: Caller) -> bool:
    """Tell whether a caller may see a shipment: its buyer, who works here, and whoever holds a guest's order."""
    return caller.works_here or caller.is_service or one.customer_id in {None, caller.id}
