"""Exchanges: goods that come back pay for others, and only the difference is settled.

The other goods are an order of their own, sent at once and without charge for shipping. What comes back is a return
whose worth counts as paid: as `credit`, at most what the others cost. What it is worth beyond that goes back to the
buyer when the goods are there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kernel.ids import new_id
from kernel.money import Money
from subgraphs.orders.domain.cart import Article, combine
from subgraphs.orders.domain.changes import new_line
from subgraphs.orders.domain.errors import VariantUnavailableError
from subgraphs.orders.domain.order import Order, OrderLine
from subgraphs.orders.domain.returns import Return, ReturnLine, ReturnStatus, check_request, worth
from subgraphs.orders.domain.status import OrderStatus
from subgraphs.orders.domain.tax import Taxed, TaxProvider, place_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to send back, and what they want instead."""

    back: tuple[ReturnLine, ...]
    instead: tuple[tuple[str, int], ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Both halves of an exchange, and what the buyer pays now; below zero it goes back when the goods are there."""

    returned: Return
    replacement: Order
    lines: tuple[OrderLine, ...]
    difference: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What an exchange is worked out by: the catalogue, the taxes and the time of now."""

    articles: Mapping[str, Article]
    taxes: TaxProvider
    at: datetime


def exchange(order: Order, lines: Sequence[OrderLine], earlier: Sequence[Return], wish: Wish, offer: Offer) -> Exchange:
    """Work out an exchange.

    Raises:
        OrderNotReturnableError: the order has not left yet.
        InvalidInputError: more is named than can be sent back, or than may be in an order.
        VariantUnavailableError: what is wanted instead is not for sale.
    """
    check_request(order, lines, earlier, wish.back, wish.reason)
    replacement, brought = _replacement(order, wish, offer)
    returned = Return(
        id=new_id("ret"),
        order_id=order.id,
        status=ReturnStatus.REQUESTED,
        reason=wish.reason,
        lines=wish.back,
        refund=Money.zero(order.currency),
        created_at=offer.at,
        replacement_id=replacement.id,
    )
    value, price = worth(lines, earlier, returned), replacement.total.gross
    returned = replace(returned, credit=min(value, price))
    replacement = replace(replacement, cart_id=returned.id)
    return Exchange(returned=returned, replacement=replacement, lines=brought, difference=price - value)


def _replacement(order: Order, wish: Wish, offer: Offer) -> tuple[Order, tuple[OrderLine, ...]]:
    order_id, place = new_id("ord"), place_of(order.address)
    wanted = combine(list(wish.instead))
    for sku in wanted.keys() - offer.articles.keys():
        raise VariantUnavailableError(sku)
    lines = tuple(
        new_line(order_id, position, offer.articles[sku], quantity, offer.taxes.rate(place, sku))
        for position, (sku, quantity) in enumerate(wanted.items())
    )
    zero = Money.zero(order.currency)
    nothing = Taxed(zero, zero)
    replacement = replace(
        order,
        id=order_id,
        number="",
        status=OrderStatus.PAYMENT,
        subtotal=sum((line.total for line in lines), start=nothing),
        shipping=nothing,
        placed_at=offer.at,
        confirmed_at=None,
        refunded=zero,
        discount=zero,
        voucher_code=None,
        charged=zero,
        version=1,
        revision=0,
        replaces=order.id,
    )
    return replacement, lines
