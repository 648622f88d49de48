"""Which letter an event calls for: its topic, its addressee and the facts that its templates put into words.

Events of shipping and payments name an order by its id only; the number that the buyer knows, and for refunds the
address, come from what an event of the order told before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kernel.events.catalogue import (
    AccountMailDue,
    BackInStock,
    CartAbandoned,
    OrderCancelled,
    OrderConfirmed,
    OrderDelivered,
    OrderFacts,
    OrderShipped,
    Payload,
    PaymentRefunded,
    StockLevelLow,
    UserProfileUpdated,
    UserRegistered,
)
from kernel.money import Money
from subgraphs.notifications.domain.messages import SECRET_PLACE, Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """How somebody with an account is addressed."""

    user_id: str
    email: str
    name: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What later news of an order needs to know."""

    order_id: str
    number: str
    email: str
    customer_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter that is to be written."""

    topic: Topic
    email: str
    user_id: str | None
    order_id: str | None = None
    name: str = ""
    inbox: bool = True
    sealed_secret: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def customer_told_by(payload: Payload) -> Customer | None:
    """Learn about a customer from an event, if it tells of one."""
    if isinstance(payload, UserRegistered | UserProfileUpdated):
        return Customer(user_id=payload.user_id, email=payload.email, name=payload.name, language=payload.language)
    return None


def order_told_by(payload: Payload) -> Order | None:
    """Learn about an order from an event, if it tells of one."""
    if isinstance(payload, OrderFacts):
        return Order(
            order_id=payload.order_id, number=payload.number, email=payload.email, customer_id=payload.customer_id
        )
    return None


def order_needed_by(payload: Payload) -> str | None:
    """Name the order that must be known before the letter to this event can be written."""
    needs = isinstance(payload, OrderConfirmed | OrderShipped | OrderDelivered | OrderCancelled | PaymentRefunded)
    return payload.order_id if needs else None


def letter_about(payload: Payload, order: Order | None, *, staff_email: str = "") -> Letter | None:
    """Draft the letter that an event calls for, if it calls for one; some go to the staff."""
    match payload:
        case UserRegistered():
            return Letter(topic=Topic.WELCOME, email=payload.email, user_id=payload.user_id, name=payload.name)
        case AccountMailDue():
            return _letter_about_account(payload)
        case StockLevelLow():
            return _letter_about_shelf(payload, staff_email)
        case BackInStock() | CartAbandoned():
            return _letter_about_wish(payload)
        case _:
            return _letter_about_order(payload, order) if order else None


def _letter_about_wish(payload: BackInStock | CartAbandoned) -> Letter:
    if isinstance(payload, BackInStock):
        facts = {"sku": payload.sku, "item": payload.name}
        return Letter(topic=Topic.BACK_IN_STOCK, email=payload.email, user_id=payload.user_id, facts=facts)
    goods = {"lines": payload.lines, "total": Money(payload.total_minor, payload.currency)}
    return Letter(topic=Topic.CART_ABANDONED, email=payload.email, user_id=payload.customer_id, facts=goods)


def _letter_about_account(payload: AccountMailDue) -> Letter:
    """Draft a mail about an account; it goes to the mailbox alone, since the inbox is open to whoever is logged in."""
    return Letter(
        topic=Topic(payload.topic),
        email=payload.email,
        user_id=payload.user_id,
        inbox=False,
        name=payload.name,
        sealed_secret=payload.sealed_secret,
        facts={"secret": SECRET_PLACE},
    )


def _letter_about_shelf(payload: StockLevelLow, staff_email: str) -> Letter:
    facts = {
        "sku": payload.sku,
        "warehouse": payload.warehouse_id,
        "available": payload.available,
        "reorder_point": payload.reorder_point,
    }
    return Letter(topic=Topic.LOW_STOCK, email=staff_email, user_id=None, facts=facts)


def _letter_about_order(payload: Payload, order: Order) -> Letter | None:
    match payload:
        case OrderConfirmed():
            return _to_buyer(
                order,
                Topic.ORDER_CONFIRMED,
                name=payload.shipping_address.name,
                lines=payload.lines,
                address=payload.shipping_address,
                currency=payload.currency,
                total=Money(payload.total_minor, payload.currency),
            )
        case OrderShipped():
            return _to_buyer(
                order,
                Topic.ORDER_SHIPPED,
                carrier=payload.carrier,
                tracking_number=payload.tracking_number,
                complete=payload.complete,
            )
        case OrderDelivered():
            return _to_buyer(order, Topic.ORDER_DELIVERED, complete=payload.complete)
        case OrderCancelled():
            return _to_buyer(order, Topic.ORDER_CANCELLED, reason=payload.reason)
        case PaymentRefunded():
            amount = Money(payload.amount_minor, payload.currency)
            return _to_buyer(order, Topic.PAYMENT_REFUNDED, amount=amount, reason=payload.reason)
        case _:
            return None


def _to_buyer(order: Order, topic: Topic, *, name: str = "", **facts: Any) -> Letter:
    return Letter(
        topic=topic,
        email=order.email,
        user_id=order.customer_id,
        order_id=order.order_id,
        name=name,
        facts={"number": order.number, **facts},
    )
