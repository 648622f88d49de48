"""What a buyer should know about a cart before they go on: prices that moved, articles that cannot be had so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kernel.money import Money
from subgraphs.orders.domain.cart import Article, Cart


class NoticeKind(StrEnum):
    """What there is to know about a line."""

    PRICE_CHANGED = "PRICE_CHANGED"
    NOT_AVAILABLE = "NOT_AVAILABLE"
    INSUFFICIENT_STOCK = "INSUFFICIENT_STOCK"


@dataclass(frozen=True, slots=True, kw_only=True)
class CartNotice:
    """Something to know about a line; `was` and `now` for prices, `available` for stock."""

    kind: NoticeKind
    sku: str
    was: Money | None = None
    now: Money | None = None
    available: int | None = None


def notices(cart: Cart, articles: Mapping[str, Article], available: Mapping[str, int]) -> Iterator[CartNotice]:
    """Compare a cart with the catalogue and the stock of now."""
    for line in cart.lines:
        article = articles.get(line.sku)
        if article is None:
            yield CartNotice(kind=NoticeKind.NOT_AVAILABLE, sku=line.sku)
            continue
        if article.unit_price != line.unit_price:
            yield CartNotice(kind=NoticeKind.PRICE_CHANGED, sku=line.sku, was=line.unit_price, now=article.unit_price)
        if available.get(line.sku, 0) < line.quantity:
            there = max(0, available.get(line.sku, 0))
            yield CartNotice(kind=NoticeKind.INSUFFICIENT_STOCK, sku=line.sku, available=there)
