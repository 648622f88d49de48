"""The operations of shipping. Quotes and halts are for our own services only; buyers see them through orders."""

from __future__ import annotations

import strawberry

from kernel.errors import DomainError
from kernel.graphql import MoneyInput, Schema, UserError, build_schema, user_errors
from kernel.identity import require, require_service
from subgraphs.shipping.api.context import Info
from subgraphs.shipping.api.types import Order, Shipment, ShippingMethod, ShippingQuote


@strawberry.type(description="What came of handing a shipment over.")
class ShipmentShipPayload:
    """What came of handing a shipment over."""

    shipment: Shipment | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.federation.type(inaccessible=True, description="What came of stopping an order's shipments.")
class ShipmentsHaltPayload:
    """What came of stopping an order's shipments."""

    halted: bool = False
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class Query:
    """Reads of shipping."""

    @strawberry.field(description="All ways to send parcels.")
    async def shipping_methods(self, info: Info) -> list[ShippingMethod]:
        """Give the methods."""
        return [ShippingMethod.of(method) for method in await info.context.service.methods()]

    @strawberry.federation.field(
        inaccessible=True, description="What each method costs for a parcel, the cheapest first."
    )
    async def shipping_quotes(
        self, info: Info, country: str, subtotal: MoneyInput, weight_grams: int
    ) -> list[ShippingQuote]:
        """Price a parcel."""
        require_service(info.context.caller)
        quotes = await info.context.service.quotes(country, subtotal.to_domain("subtotal"), weight_grams)
        return [ShippingQuote.of(quote) for quote in quotes]


@strawberry.type
class Mutation:
    """Changes of shipping."""

    @strawberry.mutation(description="Hand a shipment over to the carrier now; for staff.")
    async def shipment_ship(self, info: Info, id: strawberry.ID) -> ShipmentShipPayload:
        """Hand a shipment over."""
        require(info.context.caller, kinds={"staff", "admin"})
        try:
            return ShipmentShipPayload(shipment=Shipment.of(await info.context.service.ship(id)))
        except DomainError as error:
            return ShipmentShipPayload(errors=user_errors(error))

    @strawberry.federation.field(
        inaccessible=True, description="Stop whatever of an order has not left; doing so again changes nothing."
    )
    async def shipments_halt(self, info: Info, order_id: strawberry.ID) -> ShipmentsHaltPayload:
        """Stop an order's shipments."""
        require_service(info.context.caller)
        try:
            await info.context.service.halt(order_id)
        except DomainError as error:
            return ShipmentsHaltPayload(errors=user_errors(error))
        return ShipmentsHaltPayload(halted=True)


def make_schema() -> Schema:
    """Make the schema of shipping."""
    return build_schema(Query, Mutation, types=[Order])
