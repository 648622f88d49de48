"""How the staff changes what shipping offers; what makes no sense is a typed error, and changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Any

import strawberry

from kernel.errors import DomainError, InvalidInputError
from kernel.graphql import MoneyInput, UserError, user_errors
from kernel.identity import require
from kernel.money import Money
from subgraphs.shipping.api.context import Info


@strawberry.input(description="A way to send parcels.")
class ShippingMethodInput:
    """A way to send parcels."""

    name: str
    min_days: int
    max_days: int
    carrier: str = "sandbox"
    active: bool = strawberry.field(default=True, description="Whether buyers are offered it.")
    live: bool = strawberry.field(default=False, description="Whether the carrier is asked for its price.")


@strawberry.input(description="Countries, or postal areas in them, with the same rates.")
class ShippingZoneInput:
    """Countries with the same rates."""

    name: str
    countries: list[str]
    postal_prefixes: list[str] = strawberry.field(default_factory=list)


@strawberry.input(description="The price of a method in a zone, within bounds of weight, volume and worth.")
class ShippingRateInput:
    """The price of a method in a zone."""

    method_id: strawberry.ID
    zone_id: strawberry.ID
    price: MoneyInput
    max_weight_grams: int
    max_volume_cm3: int | None = None
    min_subtotal: MoneyInput | None = None
    max_subtotal: MoneyInput | None = None
    free_from: MoneyInput | None = None


@strawberry.input(description="Shipping costs nothing from a worth of goods on.")
class FreeShippingRuleInput:
    """Shipping costs nothing from a worth of goods on."""

    name: str
    from_subtotal: MoneyInput
    method_id: strawberry.ID | None = None
    zone_id: strawberry.ID | None = None
    max_weight_grams: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@strawberry.type(description="What came of a change of what shipping offers.")
class ShippingOfferPayload:
    """What came of a change of what shipping offers."""

    id: strawberry.ID | None = strawberry.field(default=None, description="Of what was made, changed or removed.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class OfferMutation:
    """Changes of what is offered."""

    @strawberry.mutation(description="Offer a way to send parcels, or change one; for staff.")
    async def shipping_method_set(
        self, info: Info, input: ShippingMethodInput, id: strawberry.ID | None = None
    ) -> ShippingOfferPayload:
        """Set a method."""
        return await _set(info, "methods", id, lambda: vars(input))

    @strawberry.mutation(description="Make a zone, or change one; for staff.")
    async def shipping_zone_set(
        self, info: Info, input: ShippingZoneInput, id: strawberry.ID | None = None
    ) -> ShippingOfferPayload:
        """Set a zone."""
        return await _set(info, "zones", id, lambda: vars(input))

    @strawberry.mutation(description="Make a rate, or change one; for staff.")
    async def shipping_rate_set(
        self, info: Info, input: ShippingRateInput, id: strawberry.ID | None = None
    ) -> ShippingOfferPayload:
        """Set a rate."""
        return await _set(info, "rates", id, lambda: _rate(input))

    @strawberry.mutation(description="Make a rule of free shipping, or change one; for staff.")
    async def free_shipping_rule_set(
        self, info: Info, input: FreeShippingRuleInput, id: strawberry.ID | None = None
    ) -> ShippingOfferPayload:
        """Set a rule."""
        return await _set(info, "free_rules", id, lambda: _free_rule(input))

    @strawberry.mutation(description="Remove a zone without rates; for staff.")
    async def shipping_zone_delete(self, info: Info, id: strawberry.ID) -> ShippingOfferPayload:
        """Remove a zone."""
        return await _delete(info, "zones", id)

    @strawberry.mutation(description="Remove a rate; for staff.")
    async def shipping_rate_delete(self, info: Info, id: strawberry.ID) -> ShippingOfferPayload:
        """Remove a rate."""
        return await _delete(info, "rates", id)

    @strawberry.mutation(description="Remove a rule of free shipping; for staff.")
    async def free_shipping_rule_delete(self, info: Info, id: strawberry.ID) -> ShippingOfferPayload:
        """Remove a rule."""
        return await _delete(info, "free_rules", id)


async def _set(info: Info, what: str, key: str | None, read: Any) -> ShippingOfferPayload:
    require(info.context.caller, kinds={"staff", "admin"})
    offering = info.context.service.offering
    try:
        values: dict[str, Any] = dict(read())
        if key is None:
            return ShippingOfferPayload(id=strawberry.ID(await offering.add(what, values)))
        return await _done(offering.change(what, key, values), key)
    except DomainError as error:
        return ShippingOfferPayload(errors=user_errors(error))


async def _delete(info: Info, what: str, key: str) -> ShippingOfferPayload:
    require(info.context.caller, kinds={"staff", "admin"})
    try:
        return await _done(info.context.service.offering.remove(what, key), key)
    except DomainError as error:
        return ShippingOfferPayload(errors=user_errors(error))


async def _done(change: Awaitable[None], key: str) -> ShippingOfferPayload:
    await change
    return ShippingOfferPayload(id=strawberry.ID(key))


def _rate(given: ShippingRateInput) -> dict[str, Any]:
    price = given.price.to_domain("input", "price")
    return {
        "method_id": given.method_id,
        "zone_id": given.zone_id,
        "currency": price.currency,
        "price_minor": price.minor,
        "max_weight_grams": given.max_weight_grams,
        "max_volume_cm3": given.max_volume_cm3,
        "min_subtotal_minor": _minor(given.min_subtotal, price, "minSubtotal") or 0,
        "max_subtotal_minor": _minor(given.max_subtotal, price, "maxSubtotal"),
        "free_from_minor": _minor(given.free_from, price, "freeFrom"),
    }


def _free_rule(given: FreeShippingRuleInput) -> dict[str, Any]:
    worth = given.from_subtotal.to_domain("input", "fromSubtotal")
    return {
        "name": given.name,
        "method_id": given.method_id,
        "zone_id": given.zone_id,
        "currency": worth.currency,
        "from_minor": worth.minor,
        "max_weight_grams": given.max_weight_grams,
        "starts_at": given.starts_at,
        "ends_at": given.ends_at,
    }


def _minor(given: MoneyInput | None, price: Money, name: str) -> int | None:
    if given is None:
        return None
    amount = given.to_domain("input", name)
    if amount.currency != price.currency:
        raise InvalidInputError("All amounts of a rate are in one currency.", path=("input", name))
    return amount.minor
