"""What carts, checkouts and orders tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kernel.events.catalogue.inventory import StockLine
from kernel.events.catalogue.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLineFacts:
    """A bought line as it was at the time of the order."""

    sku: str
    product_id: str
    name: str
    quantity: int
    unit_price_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PostalAddress:
    """Where an order goes; `country` is ISO 3166-1 alpha-2."""

    name: str
    line1: str
    city: str
    postal_code: str
    country: str
    line2: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutStarted(Payload):
    """A cart was taken to checkout for the first time."""

    producer: ClassVar[str] = "orders"
    checkout_id: str
    cart_id: str
    currency: str
    started_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts(Payload):
    """What the events of an order have in common."""

    producer: ClassVar[str] = "orders"
    personal: ClassVar[tuple[str, ...]] = ("email",)
    order_id: str
    number: str
    customer_id: str | None
    email: str
    currency: str
    total_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced(OrderFacts):
    """A checkout was completed; payment is not yet known to have succeeded."""

    lines: tuple[OrderLineFacts, ...]
    placed_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderConfirmed(OrderFacts):
    """An order is paid and its stock allocated: it may be fulfilled."""

    personal: ClassVar[tuple[str, ...]] = ("email", "shipping_address")
    lines: tuple[OrderLineFacts, ...]
    stock: tuple[StockLine, ...]
    shipping_address: PostalAddress
    shipping_method_id: str
    confirmed_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEdited(OrderFacts):
    """A confirmed order was changed before it left; lines and stock are as they are from now on."""

    personal: ClassVar[tuple[str, ...]] = ("email", "shipping_address")
    lines: tuple[OrderLineFacts, ...]
    stock: tuple[StockLine, ...]
    shipping_address: PostalAddress
    shipping_method_id: str
    edited_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCancelled(OrderFacts):
    """An order was cancelled before it was shipped."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CartAbandoned(Payload):
    """Somebody whose e-mail address is known filled a cart and left it; told once for each time."""

    producer: ClassVar[str] = "orders"
    personal: ClassVar[tuple[str, ...]] = ("email",)
    cart_id: str
    customer_id: str | None
    email: str
    currency: str
    total_minor: int
    lines: tuple[OrderLineFacts, ...]
    abandoned_at: str
