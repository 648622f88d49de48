"""Carts as their owners see them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from kernel.graphql import CurrencyCode, Money
from subgraphs.orders.api.context import Info
from subgraphs.orders.api.references import Product, ProductVariant
from subgraphs.orders.domain import cart as domain
from subgraphs.orders.service.access import may_see


@strawberry.type(description="So many pieces of a variant.")
class CartLine:
    """So many pieces of a variant."""

    product_id: strawberry.Private[str]
    sku: str
    name: str
    quantity: int
    unit_price: Money = strawberry.field(description="As it was when the line was last changed.")
    total: Money

    @strawberry.field(description="The variant as it is today.")
    def variant(self) -> ProductVariant | None:
        """Name the variant."""
        return ProductVariant(sku=self.sku)

    @strawberry.field(description="The product as it is today.")
    def product(self) -> Product | None:
        """Name the product."""
        return Product(id=strawberry.ID(self.product_id))

    @classmethod
    def of(cls, line: domain.CartLine) -> CartLine:
        """Show a line."""
        return cls(
            product_id=line.product_id,
            sku=line.sku,
            name=line.name,
            quantity=line.quantity,
            unit_price=Money.of(line.unit_price),
            total=Money.of(line.total),
        )


@strawberry.federation.type(keys=["id"], description="A cart; a guest's belongs to whoever knows its id.")
class Cart:
    """A cart."""

    id: strawberry.ID
    currency: CurrencyCode
    lines: list[CartLine]
    quantity: int = strawberry.field(description="How many pieces are in it.")
    subtotal: Money
    ordered: bool = strawberry.field(description="Whether it is being paid or was ordered; then it cannot change.")
    updated_at: datetime

    @classmethod
    def of(cls, cart: domain.Cart) -> Cart:
        """Show a cart to somebody who may see it."""
        return cls(
            id=strawberry.ID(cart.id),
            currency=CurrencyCode(cart.currency),
            lines=[CartLine.of(line) for line in cart.lines],
            quantity=cart.pieces,
            subtotal=Money.of(cart.subtotal),
            ordered=cart.ordered,
            updated_at=cart.updated_at,
        )

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Cart | None:
        """Find a cart that another subgraph names."""
        found = await info.context.loaders.carts.load(id)
        return cls.of(found) if found is not None and may_see(info.context.caller, found.customer_id) else None
