"""Checkouts as their owners see them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from kernel.graphql import Money, TaxedMoney
from subgraphs.orders.api.carts import Cart
from subgraphs.orders.api.context import Info
from subgraphs.orders.api.orders import Order, ShippingAddress
from subgraphs.orders.api.references import Product, ProductVariant, ShippingMethod
from subgraphs.orders.domain import checkout as domain
from subgraphs.orders.domain.cart import CartLine
from subgraphs.orders.domain.checkout import Totals
from subgraphs.orders.domain.status import CheckoutStatus
from subgraphs.orders.domain.tax import Taxed
from subgraphs.orders.service.access import may_see

strawberry.enum(CheckoutStatus, description="Where a checkout stands; after a declined payment it is OPEN again.")


@strawberry.type(description="So many pieces of a variant at the price of now.")
class CheckoutLine:
    """So many pieces of a variant."""

    product_id: strawberry.Private[str]
    sku: str
    name: str
    quantity: int
    unit_price: Money
    total: TaxedMoney = strawberry.field(description="With its part of the discount taken off.")

    @strawberry.field(description="The variant as it is today.")
    def variant(self) -> ProductVariant | None:
        """Name the variant."""
        return ProductVariant(sku=self.sku)

    @strawberry.field(description="The product as it is today.")
    def product(self) -> Product | None:
        """Name the product."""
        return Product(id=strawberry.ID(self.product_id))

    @classmethod
    def of(cls, line: CartLine, total: Taxed) -> CheckoutLine:
        """Show a line with its part of the tax."""
        return cls(
            product_id=line.product_id,
            sku=line.sku,
            name=line.name,
            quantity=line.quantity,
            unit_price=Money.of(line.unit_price),
            total=TaxedMoney.of(total.net, total.tax),
        )


@strawberry.type(description="Stock that is held for a checkout.")
class CheckoutReservation:
    """Stock that is held for a checkout."""

    expires_at: datetime = strawberry.field(description="From then on others may have it.")


@strawberry.type(description="A shipping method and what it costs for this checkout.")
class ShippingOption:
    """A shipping method and what it costs."""

    method: ShippingMethod
    name: str
    price: Money

    @classmethod
    def of(cls, choice: domain.ShippingChoice) -> ShippingOption:
        """Show a choice."""
        return cls(
            method=ShippingMethod(id=strawberry.ID(choice.method_id)),
            name=choice.name,
            price=Money.of(choice.price),
        )


@strawberry.federation.type(keys=["id"], description="A cart on its way to becoming an order.")
class Checkout:
    """A cart on its way to becoming an order."""

    checkout: strawberry.Private[domain.Checkout]
    id: strawberry.ID
    status: CheckoutStatus
    email: str
    lines: list[CheckoutLine]
    subtotal: TaxedMoney
    shipping: TaxedMoney
    tax: Money
    total: TaxedMoney = strawberry.field(description="Its gross is what completion expects to be agreed to.")
    discount: Money = strawberry.field(description="What the voucher takes off; the subtotal is without it already.")
    voucher_code: str | None
    shipping_address: ShippingAddress | None
    shipping_method: ShippingMethod | None
    reservation: CheckoutReservation | None

    @strawberry.field(description="The shipping methods that serve its address, the cheapest first.")
    async def available_shipping_methods(self, info: Info) -> list[ShippingOption] | None:
        """Price every method."""
        choices = await info.context.service.checkouts.choices(self.checkout)
        return [ShippingOption.of(choice) for choice in choices]

    @strawberry.field(description="The cart that it took over.")
    async def cart(self, info: Info) -> Cart | None:
        """Give the cart."""
        return await Cart.resolve_reference(info, strawberry.ID(self.checkout.cart_id))

    @strawberry.field(description="The order that it is becoming or has become.")
    async def order(self, info: Info) -> Order | None:
        """Give the order."""
        order_id = self.checkout.order_id
        return None if order_id is None else await Order.resolve_reference(info, strawberry.ID(order_id))

    @classmethod
    def of(cls, checkout: domain.Checkout, totals: Totals) -> Checkout:
        """Show a checkout to somebody who may see it."""
        held = checkout.reservation
        chosen = checkout.shipping
        return cls(
            checkout=checkout,
            id=strawberry.ID(checkout.id),
            status=checkout.status,
            email=checkout.email,
            lines=[CheckoutLine.of(*each) for each in zip(checkout.lines, totals.lines, strict=True)],
            subtotal=TaxedMoney.of(totals.subtotal.net, totals.subtotal.tax),
            shipping=TaxedMoney.of(totals.shipping.net, totals.shipping.tax),
            tax=Money.of(totals.total.tax),
            total=TaxedMoney.of(totals.total.net, totals.total.tax),
            discount=Money.of(checkout.discount),
            voucher_code=checkout.voucher.code if checkout.voucher else None,
            shipping_address=ShippingAddress.of(checkout.address) if checkout.address else None,
            shipping_method=ShippingMethod(id=strawberry.ID(chosen.method_id)) if chosen else None,
            reservation=CheckoutReservation(expires_at=held.expires_at) if held else None,
        )

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Checkout | None:
        """Find a checkout that another subgraph names."""
        found = await info.context.loaders.checkouts.load(id)
        if found is None or not may_see(info.context.caller, found.customer_id):
            return None
        return cls.of(found, info.context.service.completion.totals_of(found))
