"""Turns past orders into the rows that each subgraph would have written while they happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kernel.money import Money
from runtime.demo_data.chance import Ids, stream
from runtime.demo_data.history import BoughtLine, Fate, PastOrder
from runtime.demo_data.people import Customer
from subgraphs.notifications.domain.messages import Topic
from subgraphs.notifications.storage import bulk as notifications
from subgraphs.orders.domain.order import EntryKind
from subgraphs.orders.domain.status import OrderStatus
from subgraphs.orders.domain.tax import Place, Taxed, tax_lines, tax_of
from subgraphs.orders.domain.tax_table import STANDARD_TABLE, RateTable, read_table
from subgraphs.orders.storage.bulk import OrderLineRow, OrderRow, TimelineRow
from subgraphs.payments.storage.bulk import PaymentRow
from subgraphs.recommendations.storage.bulk import BoughtRow
from subgraphs.shipping.storage.bulk import ShipmentRow

_TAXES: Final = RateTable(read_table(STANDARD_TABLE))
_STANDARD: Final = {"DE": (490, 7500), "US": (1990, None)}
_EUROPE: Final = (990, 15_000)
_EXPRESS: Final = {"DE": 1290, "US": 4990}
_EXPRESS_EUROPE: Final = 2490
_RECENT: Final = timedelta(days=60)

_STATUS: Final = {
    Fate.SHIPPED: OrderStatus.SHIPPED,
    Fate.DELIVERED: OrderStatus.DELIVERED,
    Fate.CANCELLED: OrderStatus.REFUNDED,
    Fate.RETURNED: OrderStatus.REFUNDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The rows that the orders left behind, by kind."""

    orders: list[OrderRow]
    lines: list[OrderLineRow]
    timeline: list[TimelineRow]
    payments: list[PaymentRow]
    shipments: list[ShipmentRow]
    bought: list[BoughtRow]
    addressees: list[notifications.OrderRow]
    messages: list[notifications.MessageRow]


def make_records(seed: int, orders: Sequence[PastOrder], warehouse_ids: Sequence[str], now: datetime) -> Records:
    """Make the rows of all orders."""
    ids = Ids(stream(seed, "records"))
    made = Records(orders=[], lines=[], timeline=[], payments=[], shipments=[], bought=[], addressees=[], messages=[])
    for order in orders:
        row, lines = _order(ids, order)
        made.orders.append(row)
        made.lines.extend(lines)
        made.timeline.extend(_timeline(ids, order))
        made.payments.append(_payment(ids, order, row.total_minor))
        made.shipments.extend(_shipments(ids, order, warehouse_ids))
        made.bought.extend(_bought(order))
        made.addressees.append(_addressee(order))
        if order.placed_at > now - _RECENT and order.customer_id is not None:
            made.messages.extend(_messages(ids, order, order.customer_id))
    return made


def _order(ids: Ids, order: PastOrder) -> tuple[OrderRow, list[OrderLineRow]]:
    country = order.customer.address.country
    rate = _TAXES.rate(Place(country))
    shown = [line.unit_price * line.quantity for line in order.lines]
    taxed = tax_lines(shown, rate, order.currency)
    zero = Money.zero(order.currency)
    subtotal = sum(taxed, start=Taxed(zero, zero))
    shipping = tax_of(_shipping_price(order, Money.sum(shown, order.currency)), rate)
    total = (subtotal + shipping).gross.minor
    row = OrderRow(
        id=order.id,
        number=order.number,
        cart_id=ids.new("cart", order.placed_at),
        checkout_id=ids.new("chk", order.placed_at),
        customer_id=order.customer_id,
        email=order.customer.user.email,
        currency=order.currency,
        status=_STATUS[order.fate],
        subtotal_net_minor=subtotal.net.minor,
        subtotal_tax_minor=subtotal.tax.minor,
        shipping_net_minor=shipping.net.minor,
        shipping_tax_minor=shipping.tax.minor,
        total_minor=total,
        refunded_minor=total if order.ended_at else 0,
        charged_minor=total if order.confirmed_at or order.ended_at else 0,
        shipping_method_id=_method(order),
        shipping_method_name="Express" if order.express else "Standard",
        address=order.customer.postal_address,
        placed_at=order.placed_at,
        confirmed_at=order.confirmed_at,
    )
    return row, [
        _line(ids, order, at, line, tax) for at, (line, tax) in enumerate(zip(order.lines, taxed, strict=True))
    ]


def _line(ids: Ids, order: PastOrder, position: int, line: BoughtLine, taxed: Taxed) -> OrderLineRow:
    return OrderLineRow(
        id=ids.new("line", order.placed_at),
        order_id=order.id,
        position=position,
        sku=line.variant.sku,
        variant_id=line.variant.id,
        product_id=line.item.row.id,
        name=line.name,
        quantity=line.quantity,
        unit_price_minor=line.unit_price.minor,
        net_minor=taxed.net.minor,
        tax_minor=taxed.tax.minor,
    )


def _method(order: PastOrder) -> str:
    return "shm_express" if order.express else "shm_standard"


def _shipping_price(order: PastOrder, goods: Money) -> Money:
    country = order.customer.address.country
    if order.express:
        return Money(_EXPRESS.get(country, _EXPRESS_EUROPE), order.currency)
    price, free_from = _STANDARD.get(country, _EUROPE)
    return Money.zero(order.currency) if free_from and goods.minor >= free_from else Money(price, order.currency)


def _timeline(ids: Ids, order: PastOrder) -> Iterator[TimelineRow]:
    status: OrderStatus | None = None
    for kind, after, message, at in _story(order):
        yield TimelineRow(
            id=ids.new("evt", at),
            order_id=order.id,
            kind=kind,
            from_status=status,
            to_status=after,
            message=message,
            actor="system",
            at=at,
        )
        status = after


def _story(order: PastOrder) -> Iterator[tuple[EntryKind, OrderStatus, str, datetime]]:
    yield EntryKind.PLACED, OrderStatus.PAYMENT, "The order was placed.", order.placed_at
    yield EntryKind.CONFIRMED, OrderStatus.CONFIRMED, "The order is paid and its stock allocated.", order.confirmed_at
    if order.shipped_at:
        yield EntryKind.SHIPPED, OrderStatus.SHIPPED, "The order has left our warehouse.", order.shipped_at
    if order.delivered_at:
        yield EntryKind.DELIVERED, OrderStatus.DELIVERED, "The order was delivered.", order.delivered_at
    if order.ended_at:
        if order.fate is Fate.CANCELLED:
            yield EntryKind.CANCELLED, OrderStatus.CANCELLED, "The order was cancelled by the buyer.", order.ended_at
        else:
            yield EntryKind.RETURNED, OrderStatus.RETURNED, "The order came back.", order.ended_at
        later = order.ended_at + timedelta(seconds=5)
        yield EntryKind.REFUNDED, OrderStatus.REFUNDED, "The money was sent back.", later


def _payment(ids: Ids, order: PastOrder, total_minor: int) -> PaymentRow:
    ended = order.ended_at
    return PaymentRow(
        id=ids.new("pay", order.placed_at),
        order_id=order.id,
        customer_id=order.customer_id,
        amount_minor=total_minor,
        currency=order.currency,
        token="tok_approve",  # noqa: S106 # of the sandbox
        created_at=order.placed_at + timedelta(seconds=1),
        refunded_minor=total_minor if ended else 0,
        refunded_at=ended + timedelta(seconds=5) if ended else None,
        refund_id=ids.new("ref", ended) if ended else "",
        refund_reason=("cancelled" if order.fate is Fate.CANCELLED else "returned") if ended else "",
    )


def _shipments(ids: Ids, order: PastOrder, warehouse_ids: Sequence[str]) -> Iterator[ShipmentRow]:
    if order.shipped_at is None:
        return
    parcels: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for line in order.lines:
        parcels[line.warehouse].append((line.variant.sku, line.quantity))
    for warehouse, lines in sorted(parcels.items()):
        shipment_id = ids.new("shp", order.confirmed_at)
        yield ShipmentRow(
            id=shipment_id,
            order_id=order.id,
            customer_id=order.customer_id,
            email=order.customer.user.email,
            warehouse_id=warehouse_ids[warehouse],
            method_id=_method(order),
            address=order.customer.postal_address,
            lines=tuple(lines),
            tracking_number=f"SB{shipment_id[-12:].upper()}",
            created_at=order.confirmed_at,
            shipped_at=order.shipped_at,
            delivered_at=order.delivered_at,
        )


def _bought(order: PastOrder) -> Iterator[BoughtRow]:
    for line in order.lines:
        yield BoughtRow(
            order_id=order.id,
            customer_id=order.customer_id,
            product_id=line.item.row.id,
            quantity=line.quantity,
            confirmed_at=order.confirmed_at,
        )


def _addressee(order: PastOrder) -> notifications.OrderRow:
    return notifications.OrderRow(
        order_id=order.id, number=order.number, email=order.customer.user.email, customer_id=order.customer_id
    )


def _messages(ids: Ids, order: PastOrder, user_id: str) -> Iterator[notifications.MessageRow]:
    name = order.customer.user.name
    happened: Iterable[tuple[Topic, str, datetime | None]] = (
        (Topic.ORDER_CONFIRMED, f"Your order {order.number} is confirmed", order.confirmed_at),
        (Topic.ORDER_SHIPPED, f"Your order {order.number} is on its way", order.shipped_at),
        (Topic.ORDER_DELIVERED, f"Your order {order.number} has arrived", order.delivered_at),
    )
    for topic, subject, at in happened:
        if at is not None:
            yield notifications.MessageRow(
                id=ids.new("ntf", at),
                event_id=ids.new("evt", at),
                user_id=user_id,
                topic=topic,
                subject=subject,
                text=f"Hello {name},\n\n{subject[0].lower()}{subject[1:]}.\n",
                created_at=at,
                order_id=order.id,
                read_at=at + timedelta(hours=3) if topic is not Topic.ORDER_DELIVERED else None,
            )


def addressed(customers: Iterable[Customer]) -> Iterator[notifications.CustomerRow]:
    """Say how each customer is addressed."""
    for customer in customers:
        user = customer.user
        yield notifications.CustomerRow(user_id=user.id, email=user.email, name=user.name, language=user.language)
