"""Carts: what a buyer has put together, with the price at which each line was last seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kernel.money import Money
from subgraphs.orders.domain.errors import QuantityError

MAX_QUANTITY: Final = 999
"""Pieces of one article in one cart; more is a case for a sales person."""

MAX_LINES: Final = 100
"""Different articles in one cart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """A variant as the catalogue offers it now."""

    sku: str
    variant_id: str
    product_id: str
    name: str
    unit_price: Money
    weight_grams: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """A number of pieces of one article."""

    sku: str
    variant_id: str
    product_id: str
    name: str
    unit_price: Money
    weight_grams: int
    quantity: int

    @property
    def total(self) -> Money:
        """The shown price of all pieces."""
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """A cart; without a customer its unguessable id is what gives access to it."""

    id: str
    currency: str
    customer_id: str | None
    version: int
    ordered: bool
    lines: tuple[CartLine, ...]
    created_at: datetime
    updated_at: datetime
    saved: tuple[CartLine, ...] = ()
    merged_into: str | None = None
    voucher_code: str | None = None
    """A code that its buyer has entered; empty once they took it off again, which a checkout then follows."""

    @property
    def subtotal(self) -> Money:
        """The shown price of all lines."""
        return Money.sum((line.total for line in self.lines), self.currency)

    @property
    def pieces(self) -> int:
        """How many pieces are in the cart."""
        return sum(line.quantity for line in self.lines)


def line_of(article: Article, quantity: int) -> CartLine:
    """Make a line at the article's price of now."""
    return CartLine(
        sku=article.sku,
        variant_id=article.variant_id,
        product_id=article.product_id,
        name=article.name,
        unit_price=article.unit_price,
        weight_grams=article.weight_grams,
        quantity=quantity,
    )


def check_quantity(quantity: int) -> int:
    """Return a quantity that a line may hold.

    Raises:
        QuantityError: it is not from 1 to `MAX_QUANTITY`.
    """
    if not 1 <= quantity <= MAX_QUANTITY:
        raise QuantityError(f"A quantity is from 1 to {MAX_QUANTITY}.", path=("quantity",))
    return quantity


def combine(wanted: list[tuple[str, int]]) -> dict[str, int]:
    """Add up the quantities that one request asks for, by SKU.

    Raises:
        QuantityError: a quantity or the number of lines is out of bounds.
    """
    quantities: dict[str, int] = {}
    for sku, quantity in wanted:
        quantities[sku] = check_quantity(quantities.get(sku, 0) + check_quantity(quantity))
    if not 1 <= len(quantities) <= MAX_LINES:
        raise QuantityError(f"A cart takes from 1 to {MAX_LINES} different articles.", path=("lines",))
    return quantities
