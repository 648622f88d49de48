"""The operations about parcels. Quotes, halts and return labels are for our own services only."""

from __future__ import annotations

import strawberry

from kernel.errors import DomainError
from kernel.graphql import MoneyInput, UserError, connection, user_errors
from kernel.identity import require, require_service
from kernel.pagination import Page
from subgraphs.shipping.api.context import Info
from subgraphs.shipping.api.types import (
    Shipment,
    ShipmentConnection,
    ShipmentWhere,
    ShippingMethod,
    ShippingQuote,
)
from subgraphs.shipping.domain.rates import Destination, Goods
from subgraphs.shipping.storage.search import Wanted


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


@strawberry.federation.type(inaccessible=True, description="What came of holding an order's shipments.")
class ShipmentsHoldPayload:
    """What came of holding an order's shipments, or of letting them go."""

    held: bool = False
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.federation.type(inaccessible=True, description="A label with which something is sent back.")
class ReturnLabel:
    """A label with which something is sent back."""

    tracking_number: str
    url: str


@strawberry.federation.type(inaccessible=True, description="What came of booking a parcel back.")
class ReturnLabelCreatePayload:
    """What came of booking a parcel back."""

    label: ReturnLabel | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class ParcelQuery:
    """Reads about parcels."""

    @strawberry.field(description="All ways to send parcels.")
    async def shipping_methods(self, info: Info) -> list[ShippingMethod]:
        """Give the methods."""
        return [ShippingMethod.of(method) for method in await info.context.service.quoting.methods()]

    @strawberry.federation.field(
        inaccessible=True, description="What each method costs for a parcel, the cheapest first."
    )
    async def shipping_quotes(
        self,
        info: Info,
        *,
        country: str,
        subtotal: MoneyInput,
        weight_grams: int,
        postal_code: str = "",
        volume_cm3: int = 0,
    ) -> list[ShippingQuote]:
        """Price a parcel."""
        require_service(info.context.caller)
        goods = Goods(subtotal=subtotal.to_domain("subtotal"), weight_grams=weight_grams, volume_cm3=volume_cm3)
        service = info.context.service
        found = await service.quoting.quotes(Destination(country, postal_code.upper()), goods)
        now = service.clock.now()
        return [ShippingQuote.of(quote, now) for quote in found]

    @strawberry.field(description="All shipments, the newest first; for staff.")
    async def shipments(
        self,
        info: Info,
        *,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        where: ShipmentWhere | None = None,
    ) -> ShipmentConnection:
        """Give a page of all shipments."""
        require(info.context.caller, kinds={"staff", "admin"})
        shipments, wanted = info.context.service.shipments, _wanted(where)
        found = await shipments.page(Page(first, after, last, before), wanted)
        page = connection(found.map(Shipment.of), count=lambda: shipments.count(wanted))
        return ShipmentConnection(edges=page.edges, page_info=page.page_info, count=page.count)


@strawberry.type
class ParcelMutation:
    """Changes about parcels."""

    @strawberry.mutation(description="Hand a shipment over to the carrier now; for staff.")
    async def shipment_ship(self, info: Info, id: strawberry.ID) -> ShipmentShipPayload:
        """Hand a shipment over."""
        require(info.context.caller, kinds={"staff", "admin"})
        try:
            return ShipmentShipPayload(shipment=Shipment.of(await info.context.service.shipments.ship(id)))
        except DomainError as error:
            return ShipmentShipPayload(errors=user_errors(error))

    @strawberry.federation.field(
        inaccessible=True, description="Stop whatever of an order has not left; doing so again changes nothing."
    )
    async def shipments_halt(self, info: Info, order_id: strawberry.ID) -> ShipmentsHaltPayload:
        """Stop an order's shipments."""
        require_service(info.context.caller)
        try:
            await info.context.service.shipments.halt(order_id)
        except DomainError as error:
            return ShipmentsHaltPayload(errors=user_errors(error))
        return ShipmentsHaltPayload(halted=True)

    @strawberry.federation.field(
        inaccessible=True, description="Let nothing of an order leave while it is changed; again, nothing happens."
    )
    async def shipments_hold(self, info: Info, order_id: strawberry.ID) -> ShipmentsHoldPayload:
        """Hold an order's shipments."""
        require_service(info.context.caller)
        try:
            await info.context.service.changing.hold(order_id)
        except DomainError as error:
            return ShipmentsHoldPayload(errors=user_errors(error))
        return ShipmentsHoldPayload(held=True)

    @strawberry.federation.field(inaccessible=True, description="Let an order go that is not changed after all.")
    async def shipments_resume(self, info: Info, order_id: strawberry.ID) -> ShipmentsHoldPayload:
        """Let an order's shipments go as they are."""
        require_service(info.context.caller)
        await info.context.service.changing.resume(order_id)
        return ShipmentsHoldPayload(held=False)

    @strawberry.federation.field(
        inaccessible=True, description="Book a parcel with which a buyer sends something back, once for each key."
    )
    async def return_label_create(
        self, info: Info, order_id: strawberry.ID, return_id: strawberry.ID, weight_grams: int, idempotency_key: str
    ) -> ReturnLabelCreatePayload:
        """Book a parcel back."""
        require_service(info.context.caller)
        try:
            label = await info.context.service.labels.for_return(
                order_id=order_id, return_id=return_id, weight_grams=weight_grams, key=idempotency_key
            )
        except DomainError as error:
            return ReturnLabelCreatePayload(errors=user_errors(error))
        return ReturnLabelCreatePayload(label=ReturnLabel(tracking_number=label.tracking_number, url=label.label_url))


def _wanted(where: ShipmentWhere | None) -> Wanted:
    if where is None:
        return Wanted()
    return Wanted(
        statuses=tuple(where.status_in or ()),
        order_id=where.order_id,
        warehouse_id=where.warehouse_id,
        tracking_number=where.tracking_number,
    )
