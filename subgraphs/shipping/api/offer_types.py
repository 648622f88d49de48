"""What shipping offers, as the staff sees it."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry

from kernel.graphql import Money
from kernel.identity import require
from subgraphs.shipping.api.context import Info
from subgraphs.shipping.api.types import ShippingMethod
from subgraphs.shipping.domain import rates


@strawberry.type(description="Countries, or postal areas in them, with the same rates.")
class ShippingZone:
    """Countries with the same rates."""

    id: strawberry.ID
    name: str
    countries: list[str] = strawberry.field(description="ISO 3166-1 alpha-2; * is what no other zone lists.")
    postal_prefixes: list[str] = strawberry.field(description="Where named, the zone has only these postal areas.")

    @classmethod
    def of(cls, zone: rates.Zone) -> Self:
        """Show a zone."""
        return cls(
            id=strawberry.ID(zone.id),
            name=zone.name,
            countries=sorted(zone.countries),
            postal_prefixes=list(zone.postal_prefixes),
        )


@strawberry.type(description="The price of a method in a zone, within bounds of weight, volume and worth.")
class ShippingRate:
    """The price of a method in a zone."""

    id: strawberry.ID
    method: ShippingMethod
    zone: ShippingZone
    price: Money
    max_weight_grams: int
    max_volume_cm3: int | None
    min_subtotal: Money | None
    max_subtotal: Money | None = strawberry.field(description="The worth of goods from which on it counts no more.")
    free_from: Money | None

    @classmethod
    def of(cls, rate: rates.Rate) -> Self:
        """Show a rate."""
        return cls(
            id=strawberry.ID(rate.id),
            method=ShippingMethod.of(rate.method),
            zone=ShippingZone.of(rate.zone),
            price=Money.of(rate.price),
            max_weight_grams=rate.max_weight_grams,
            max_volume_cm3=rate.max_volume_cm3,
            min_subtotal=Money.of(rate.min_subtotal) if rate.min_subtotal else None,
            max_subtotal=Money.of(rate.max_subtotal) if rate.max_subtotal else None,
            free_from=Money.of(rate.free_from) if rate.free_from is not None else None,
        )


@strawberry.type(description="Shipping costs nothing from a worth of goods on.")
class FreeShippingRule:
    """Shipping costs nothing from a worth of goods on."""

    id: strawberry.ID
    name: str
    method_id: strawberry.ID | None = strawberry.field(description="Which method it is for; null is every one.")
    zone_id: strawberry.ID | None = strawberry.field(description="Which zone it is for; null is every one.")
    from_subtotal: Money
    max_weight_grams: int | None
    starts_at: datetime | None
    ends_at: datetime | None

    @classmethod
    def of(cls, rule: rates.FreeRule) -> Self:
        """Show a rule."""
        return cls(
            id=strawberry.ID(rule.id),
            name=rule.name,
            method_id=strawberry.ID(rule.method_id) if rule.method_id else None,
            zone_id=strawberry.ID(rule.zone_id) if rule.zone_id else None,
            from_subtotal=Money.of(rule.from_subtotal),
            max_weight_grams=rule.max_weight_grams,
            starts_at=rule.starts_at,
            ends_at=rule.ends_at,
        )


@strawberry.type
class OfferQuery:
    """Reads of what is offered."""

    @strawberry.field(description="All zones; for staff.")
    async def shipping_zones(self, info: Info) -> list[ShippingZone]:
        """Give the zones."""
        require(info.context.caller, kinds={"staff", "admin"})
        return [ShippingZone.of(each) for each in await info.context.service.offering.zones()]

    @strawberry.field(description="All rates; for staff.")
    async def shipping_rates(self, info: Info, method_id: strawberry.ID | None = None) -> list[ShippingRate]:
        """Give the rates."""
        require(info.context.caller, kinds={"staff", "admin"})
        found = await info.context.service.offering.rates()
        return [ShippingRate.of(each) for each in found if method_id in {None, each.method.id}]

    @strawberry.field(description="All rules of free shipping; for staff.")
    async def free_shipping_rules(self, info: Info) -> list[FreeShippingRule]:
        """Give the rules."""
        require(info.context.caller, kinds={"staff", "admin"})
        return [FreeShippingRule.of(each) for each in await info.context.service.offering.free_rules()]
