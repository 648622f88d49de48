"""Orders: what was bought, at which price, and everything that happened to it since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from kernel.errors import InvalidInputError
from kernel.events.catalogue import (
    OrderCancelled,
    OrderConfirmed,
    OrderEdited,
    OrderLineFacts,
    OrderPlaced,
    PostalAddress,
    StockLine,
)
from kernel.money import Money
from subgraphs.orders.domain.checkout import Checkout, Totals, check_ready
from subgraphs.orders.domain.status import OrderStatus
from subgraphs.orders.domain.tax import Taxed


class EntryKind(StrEnum):
    """What a line of the timeline tells of."""

    PLACED = "PLACED"
    CONFIRMED = "CONFIRMED"
    PAYMENT_PROCESSED = "PAYMENT_PROCESSED"
    PAYMENT_FAILED = "PAYMENT_FAILED"
    STOCK_ALLOCATED = "STOCK_ALLOCATED"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"
    REFUNDED = "REFUNDED"
    PAYMENT_DISPUTED = "PAYMENT_DISPUTED"
    RETURN_CHANGED = "RETURN_CHANGED"
    RETURNED = "RETURNED"
    EDITED = "EDITED"
    RESOLVED = "RESOLVED"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One thing that happened to an order; a change of state names both states."""

    id: str
    order_id: str
    kind: EntryKind
    message: str
    at: datetime
    actor: str = "system"
    from_status: OrderStatus | None = None
    to_status: OrderStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """A bought line; name and prices are as they were at the time of the order."""

    id: str
    order_id: str
    position: int
    sku: str
    variant_id: str
    product_id: str
    name: str
    quantity: int
    unit_price: Money
    total: Taxed
    discount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order without its lines and timeline, which are only read when they are asked for."""

    id: str
    number: str
    cart_id: str
    checkout_id: str
    customer_id: str | None
    email: str
    currency: str
    status: OrderStatus
    subtotal: Taxed
    shipping: Taxed
    shipping_method_id: str
    shipping_method_name: str
    address: PostalAddress
    placed_at: datetime
    confirmed_at: datetime | None
    refunded: Money
    version: int
    discount: Money
    voucher_code: str | None
    charged: Money
    """What was really taken for it, as far as payments have told."""
    revision: int = 0
    """How often it was changed after it was confirmed."""
    replaces: str | None = None
    """The order whose goods were exchanged for these."""

    @property
    def total(self) -> Taxed:
        """Goods and shipping."""
        return self.subtotal + self.shipping

    @property
    def taken(self) -> Money:
        """What was taken for it; as long as payments have told nothing, its total."""
        return self.charged if self.charged or self.replaces else self.total.gross

    @property
    def refundable(self) -> Money:
        """What may still be given back."""
        return self.taken - self.refunded


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders are wanted; what is not said does not matter."""

    statuses: tuple[OrderStatus, ...] = ()
    placed_from: datetime | None = None
    placed_until: datetime | None = None
    number: str | None = None
    email: str | None = None
    sku: str | None = None


EVERY_ORDER: Final = OrderFilter()


def place(checkout: Checkout, amounts: Totals, order_id: str, at: datetime) -> Order:
    """Make the order of a checkout, waiting for its payment; storage gives it the number."""
    address, shipping = check_ready(checkout)
    return Order(
        id=order_id,
        number="",
        cart_id=checkout.cart_id,
        checkout_id=checkout.id,
        customer_id=checkout.customer_id,
        email=checkout.email,
        currency=checkout.currency,
        status=OrderStatus.PAYMENT,
        subtotal=amounts.subtotal,
        shipping=amounts.shipping,
        shipping_method_id=shipping.method_id,
        shipping_method_name=shipping.name,
        address=address,
        placed_at=at,
        confirmed_at=None,
        refunded=Money.zero(checkout.currency),
        version=1,
        discount=checkout.discount,
        voucher_code=checkout.voucher.code if checkout.voucher else None,
        charged=Money.zero(checkout.currency),
    )


def check_address(address: PostalAddress) -> PostalAddress:
    """Return an address that a parcel can be sent to.

    Raises:
        InvalidInputError: a part is missing or too long, or the country is no ISO code.
    """
    for field in ("name", "line1", "city", "postal_code"):
        if not getattr(address, field).strip():
            raise InvalidInputError(f"The address has no {field.replace('_', ' ')}.", path=("address", field))
    parts = (address.name, address.line1, address.line2, address.city, address.region, address.postal_code)
    if max(map(len, parts)) > 200:
        raise InvalidInputError("A part of the address is too long.", path=("address",))
    if not (len(address.country) == 2 and address.country.isascii() and address.country.isupper()):
        raise InvalidInputError("A country is two capital letters, such as DE.", path=("address", "country"))
    return address


def line_facts(lines: tuple[OrderLine, ...]) -> tuple[OrderLineFacts, ...]:
    """Spell lines for an event."""
    return tuple(
        OrderLineFacts(
            sku=line.sku,
            product_id=line.product_id,
            name=line.name,
            quantity=line.quantity,
            unit_price_minor=line.unit_price.minor,
        )
        for line in lines
    )


def placed_event(order: Order, lines: tuple[OrderLine, ...]) -> OrderPlaced:
    """Spell the event of a placed order."""
    return OrderPlaced(
        **_facts(order),
        lines=line_facts(lines),
        placed_at=order.placed_at.isoformat(),
    )


def confirmed_event(
    order: Order, lines: tuple[OrderLine, ...], stock: tuple[StockLine, ...], at: datetime
) -> OrderConfirmed:
    """Spell the event of a confirmed order; `stock` names the warehouse of each line."""
    return OrderConfirmed(
        **_facts(order),
        **_goods(order, lines, stock),
        confirmed_at=at.isoformat(),
    )


def edited_event(order: Order, lines: tuple[OrderLine, ...], stock: tuple[StockLine, ...], at: datetime) -> OrderEdited:
    """Spell the event of a changed order, as it is from now on."""
    return OrderEdited(
        **_facts(order),
        **_goods(order, lines, stock),
        edited_at=at.isoformat(),
    )


def cancelled_event(order: Order, reason: str) -> OrderCancelled:
    """Spell the event of a cancelled order."""
    return OrderCancelled(
        **_facts(order),
        reason=reason,
    )


def _facts(order: Order) -> dict[str, Any]:
    """Spell what every event of an order tells."""
    return {
        "order_id": order.id,
        "number": order.number,
        "customer_id": order.customer_id,
        "email": order.email,
        "currency": order.currency,
        "total_minor": order.total.gross.minor,
    }


def _goods(order: Order, lines: tuple[OrderLine, ...], stock: tuple[StockLine, ...]) -> dict[str, Any]:
    """Spell what is sent, from where and to whom."""
    return {
        "lines": line_facts(lines),
        "stock": stock,
        "shipping_address": order.address,
        "shipping_method_id": order.shipping_method_id,
    }
