"""Carts as their owners see them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from kernel.graphql import CurrencyCode, Money, UserError, user_errors
from subgraphs.orders.api.context import Info
from subgraphs.orders.api.references import Product, ProductVariant
from subgraphs.orders.domain import cart as domain
from subgraphs.orders.domain import notices as domain_notices
from subgraphs.orders.domain.merging import MergeStrategy
from subgraphs.orders.domain.notices import NoticeKind
from subgraphs.orders.service.access import may_see
from subgraphs.orders.service.cart_vouchers import Standing

strawberry.enum(NoticeKind, name="CartNoticeKind", description="What there is to know about a line.")
strawberry.enum(
    MergeStrategy,
    name="CartMergeStrategy",
    description="Which cart stays at log-in. With MERGE both become one; of a line in both the larger quantity counts.",
)


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


@strawberry.type(description="Something to know about a line of a cart.")
class CartNotice:
    """Something to know about a line of a cart."""

    kind: NoticeKind
    sku: str
    was: Money | None = strawberry.field(description="The price when the line was last changed.")
    now: Money | None
    available: int | None = strawberry.field(description="How many pieces can be had.")

    @classmethod
    def of(cls, notice: domain_notices.CartNotice) -> CartNotice:
        """Show a notice."""
        return cls(
            kind=notice.kind,
            sku=notice.sku,
            was=Money.maybe(notice.was),
            now=Money.maybe(notice.now),
            available=notice.available,
        )


@strawberry.type(description="A voucher on a cart: what it takes off now, or why it does not count.")
class CartVoucher:
    """A voucher on a cart."""

    code: str
    name: str | None
    discount: Money | None = strawberry.field(
        description="What it takes off the subtotal; null while it does not count."
    )
    problem: UserError | None = strawberry.field(description="Why it does not count now.")

    @classmethod
    def of(cls, standing: Standing) -> CartVoucher:
        """Show how a voucher stands."""
        voucher, refusal = standing.voucher, standing.refusal
        return cls(
            code=standing.code,
            name=voucher.name if voucher else None,
            discount=Money.of(voucher.discount) if voucher else None,
            problem=user_errors(refusal)[0] if refusal else None,
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
    saved_lines: list[CartLine] = strawberry.field(description="What was put aside for later; it is not bought.")
    merged_into: strawberry.ID | None = strawberry.field(description="The cart that took its place at log-in.")
    cart: strawberry.Private[domain.Cart]

    @strawberry.field(
        description="What to know before going on: prices that moved since, lines that cannot be had as they are."
    )
    async def notices(self, info: Info) -> list[CartNotice] | None:
        """Compare the cart with catalogue and stock of now."""
        return [CartNotice.of(each) for each in await info.context.service.carts.notices(self.cart)]

    @strawberry.field(description="The voucher that was entered, as it stands now; a checkout takes it over.")
    async def voucher(self, info: Info) -> CartVoucher | None:
        """Ask how the voucher stands."""
        standing = await info.context.service.cart_vouchers.standing(info.context.caller, self.cart)
        return None if standing is None else CartVoucher.of(standing)

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
            saved_lines=[CartLine.of(line) for line in cart.saved],
            merged_into=None if cart.merged_into is None else strawberry.ID(cart.merged_into),
            cart=cart,
        )

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Cart | None:
        """Find a cart that another subgraph names."""
        found = await info.context.loaders.carts.load(id)
        return cls.of(found) if found is not None and may_see(info.context.caller, found.customer_id) else None
