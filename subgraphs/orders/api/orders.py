"""Orders as their buyers and the staff see them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from kernel.errors import InvalidInputError
from kernel.events.catalogue import PostalAddress
from kernel.graphql import Connection, Money, TaxedMoney, connection
from kernel.identity import require, require_owner
from kernel.pagination import Page
from subgraphs.orders.api.carts import Cart
from subgraphs.orders.api.context import Info, OrdersOfCustomer
from subgraphs.orders.api.invoices import OrderInvoice
from subgraphs.orders.api.references import Product, ProductVariant, ShippingMethod
from subgraphs.orders.api.returns import OrderReturn
from subgraphs.orders.api.sagas import OrderSaga
from subgraphs.orders.domain import order as domain
from subgraphs.orders.domain.order import EntryKind
from subgraphs.orders.domain.status import ORDER, OrderStatus
from subgraphs.orders.service.access import may_see

strawberry.enum(
    OrderStatus,
    description="Where an order stands; in PAYMENT its payment is not known to have succeeded yet.",
)
strawberry.enum(EntryKind, name="OrderTimelineKind", description="What a line of an order's timeline tells of.")


@strawberry.type(description="Where an order goes.")
class ShippingAddress:
    """Where an order goes."""

    name: str
    line1: str
    line2: str | None
    city: str
    region: str | None
    postal_code: str
    country: str = strawberry.field(description="ISO 3166-1 alpha-2.")

    @classmethod
    def of(cls, address: PostalAddress) -> ShippingAddress:
        """Show an address."""
        return cls(
            name=address.name,
            line1=address.line1,
            line2=address.line2 or None,
            city=address.city,
            region=address.region or None,
            postal_code=address.postal_code,
            country=address.country,
        )


@strawberry.type(description="A bought line; name and prices are as they were at the time of the order.")
class OrderLine:
    """A bought line."""

    product_id: strawberry.Private[str]
    id: strawberry.ID
    sku: str
    name: str
    quantity: int
    unit_price: Money
    total: TaxedMoney = strawberry.field(description="With its part of the discount taken off.")
    discount: Money

    @strawberry.field(description="The variant as it is today.")
    def variant(self) -> ProductVariant | None:
        """Name the variant."""
        return ProductVariant(sku=self.sku)

    @strawberry.field(description="The product as it is today.")
    def product(self) -> Product | None:
        """Name the product."""
        return Product(id=strawberry.ID(self.product_id))

    @classmethod
    def of(cls, line: domain.OrderLine) -> OrderLine:
        """Show a line."""
        return cls(
            product_id=line.product_id,
            id=strawberry.ID(line.id),
            sku=line.sku,
            name=line.name,
            quantity=line.quantity,
            unit_price=Money.of(line.unit_price),
            total=TaxedMoney.of(line.total.net, line.total.tax),
            discount=Money.of(line.discount),
        )


@strawberry.type(description="Something that happened to an order; a change of state names both states.")
class OrderTimelineEntry:
    """Something that happened to an order."""

    kind: EntryKind
    message: str
    at: datetime
    from_status: OrderStatus | None
    to_status: OrderStatus | None

    @classmethod
    def of(cls, entry: domain.TimelineEntry) -> OrderTimelineEntry:
        """Show an entry."""
        return cls(
            kind=entry.kind,
            message=entry.message,
            at=entry.at,
            from_status=entry.from_status,
            to_status=entry.to_status,
        )


@strawberry.federation.type(keys=["id", "number"], description="An order of the shop.")
class Order:
    """An order of the shop."""

    order: strawberry.Private[domain.Order]
    id: strawberry.ID
    number: str = strawberry.field(description="What people call it by.")
    status: OrderStatus
    email: str
    subtotal: TaxedMoney
    shipping: TaxedMoney
    total: TaxedMoney
    discount: Money = strawberry.field(description="What a voucher took off; the subtotal is without it already.")
    voucher_code: str | None
    paid: Money = strawberry.field(description="What was taken for it, before anything went back.")
    refunded: Money = strawberry.field(description="What went back to the buyer so far.")
    revision: int = strawberry.field(description="How often it was changed after it was confirmed.")
    shipping_address: ShippingAddress
    placed_at: datetime
    confirmed_at: datetime | None

    @strawberry.field(description="The states that may follow.")
    def next_statuses(self) -> list[OrderStatus]:
        """Name the states that may follow."""
        return list(ORDER.legal(self.order.status))

    @strawberry.field(description="What was bought.")
    async def lines(self, info: Info) -> list[OrderLine]:
        """Give the lines."""
        return [OrderLine.of(line) for line in await info.context.loaders.lines.load(self.id)]

    @strawberry.field(description="All that happened to it, the oldest first.")
    async def timeline(self, info: Info) -> list[OrderTimelineEntry]:
        """Give the timeline."""
        return [OrderTimelineEntry.of(entry) for entry in await info.context.loaders.timeline.load(self.id)]

    @strawberry.field(description="Its invoice, once it was paid; the number is given out when it is first asked for.")
    async def invoice(self, info: Info) -> OrderInvoice | None:
        """Give the invoice."""
        if self.order.confirmed_at is None:
            return None
        return OrderInvoice.of(await info.context.service.invoices.of_order(self.order))

    @strawberry.field(description="What was or is to be sent back, the oldest first.")
    async def returns(self, info: Info) -> list[OrderReturn]:
        """Give the returns."""
        return [OrderReturn.of(each) for each in await info.context.loaders.returns.load(self.id)]

    @strawberry.field(description="The work behind it, step by step; for staff.")
    async def sagas(self, info: Info) -> list[OrderSaga] | None:
        """Give the sagas."""
        require(info.context.caller, kinds={"staff", "admin"})
        return [OrderSaga.of(saga) for saga in await info.context.loaders.sagas.load(self.id)]

    @strawberry.field(description="The order whose goods were exchanged for these.")
    async def replaces(self, info: Info) -> Order | None:
        """Give the order that it replaces."""
        replaced = self.order.replaces
        return None if replaced is None else await Order.resolve_reference(info, strawberry.ID(replaced))

    @strawberry.field(description="How it is sent.")
    def shipping_method(self) -> ShippingMethod | None:
        """Name the method."""
        return ShippingMethod(id=strawberry.ID(self.order.shipping_method_id))

    @strawberry.field(description="Who bought it; nobody for a guest's order.")
    def user(self) -> User | None:
        """Name the customer."""
        customer_id = self.order.customer_id
        return None if customer_id is None else User(id=strawberry.ID(customer_id))

    @classmethod
    def of(cls, order: domain.Order) -> Order:
        """Show an order to somebody who may see it."""
        return cls(
            order=order,
            id=strawberry.ID(order.id),
            number=order.number,
            status=order.status,
            email=order.email,
            subtotal=TaxedMoney.of(order.subtotal.net, order.subtotal.tax),
            shipping=TaxedMoney.of(order.shipping.net, order.shipping.tax),
            total=TaxedMoney.of(order.total.net, order.total.tax),
            discount=Money.of(order.discount),
            voucher_code=order.voucher_code,
            paid=Money.of(order.charged),
            refunded=Money.of(order.refunded),
            revision=order.revision,
            shipping_address=ShippingAddress.of(order.address),
            placed_at=order.placed_at,
            confirmed_at=order.confirmed_at,
        )

    @classmethod
    async def resolve_reference(
        cls, info: Info, id: strawberry.ID | None = None, number: str | None = None
    ) -> Order | None:
        """Find an order that another subgraph names; a guest's only by its id, because numbers can be guessed."""
        loaders, caller = info.context.loaders, info.context.caller
        if id is not None:
            found = await loaders.orders.load(id)
            return cls.of(found) if found is not None and may_see(caller, found.customer_id) else None
        found = await loaders.orders_by_number.load(number or "")
        if found is None or not may_see(caller, found.customer_id or ""):
            return None
        return cls.of(found)


@strawberry.type(description="A page of orders, the newest first.")
class OrderConnection(Connection[Order]):
    """A page of orders."""


@strawberry.input(description="Which orders are wanted.")
class OrderWhere:
    """Which orders are wanted."""

    status_in: list[OrderStatus] | None = None
    placed_from: datetime | None = None
    placed_until: datetime | None = strawberry.field(default=None, description="Orders of this instant are not.")
    number: str | None = None
    email: str | None = None
    sku: str | None = strawberry.field(default=None, description="Orders in which this was bought.")

    def to_domain(self) -> domain.OrderFilter:
        """Read the filter."""
        if any(at is not None and at.tzinfo is None for at in (self.placed_from, self.placed_until)):
            raise InvalidInputError("An instant needs a time zone.", path=("where", "placedFrom"))
        return domain.OrderFilter(
            statuses=tuple(self.status_in or ()),
            placed_from=self.placed_from,
            placed_until=self.placed_until,
            number=self.number,
            email=self.email,
            sku=self.sku,
        )


@strawberry.federation.type(keys=["id"])
class User:
    """A customer, by the key."""

    id: strawberry.ID

    @strawberry.field(description="What they have ordered, the newest first; for that user and the staff.")
    async def orders(
        self,
        info: Info,
        *,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        where: OrderWhere | None = None,
    ) -> OrderConnection | None:
        """Give a page of the orders."""
        require_owner(info.context.caller, self.id)
        which = where.to_domain() if where else domain.EVERY_ORDER
        wanted = OrdersOfCustomer(self.id, which, Page(first, after, last, before))
        found = await info.context.loaders.of_customer.load(wanted)
        if found is None:
            return None

        async def count() -> int:
            return await info.context.loaders.counts.load(OrdersOfCustomer(self.id, which)) or 0

        page = connection(found.map(Order.of), count=count)
        return OrderConnection(edges=page.edges, page_info=page.page_info, count=page.count)

    @strawberry.field(description="The cart that they used last; for that user and the staff.")
    async def cart(self, info: Info) -> Cart | None:
        """Give the cart."""
        require_owner(info.context.caller, self.id)
        found = await info.context.loaders.cart_of_customer.load(self.id)
        return None if found is None else Cart.of(found)
