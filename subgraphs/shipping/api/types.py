"""Shipping methods and shipments as clients see them."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from kernel.graphql import Money
from kernel.identity import Caller
from subgraphs.shipping.api.context import Info
from subgraphs.shipping.domain import rates, shipment
from subgraphs.shipping.domain.shipment import ShipmentStatus

strawberry.enum(ShipmentStatus, description="Where a shipment stands.")


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

    @classmethod
    def of(cls, quote: rates.Quote) -> Self:
        """Show a quote."""
        return cls(method=ShippingMethod.of(quote.method), price=Money.of(quote.price))


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
    method_id: strawberry.Private[str]

    @strawberry.field(description="How it is sent.")
    async def method(self, info: Info) -> ShippingMethod | None:
        """Give the method."""
        method = await info.context.loaders.methods.load(self.method_id)
        return None if method is None else ShippingMethod.of(method)

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
            method_id=one.method_id,
        )


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
