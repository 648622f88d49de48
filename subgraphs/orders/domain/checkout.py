"""Checkouts: a cart on its way to becoming an order, with address, shipping method and reserved stock.

The lines are a copy of the cart at one version; a cart that moved on must be taken over again. Amounts are
derived from lines, shipping price and the country's tax, never stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kernel.errors import InvalidInputError
from kernel.events.catalogue import PostalAddress
from kernel.money import Money
from subgraphs.orders.domain.cart import Cart, CartLine
from subgraphs.orders.domain.errors import CheckoutNotReadyError, PriceChangedError
from subgraphs.orders.domain.status import CheckoutStatus
from subgraphs.orders.domain.tax import NO_TAX, Taxed, TaxProvider, TaxRate, place_of, tax_each, tax_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippingChoice:
    """The method that the buyer chose, at the price that was quoted."""

    method_id: str
    name: str
    price: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Stock that is held for a checkout until `expires_at`."""

    id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """A code that the buyer has entered, and what it takes off the goods."""

    code: str
    name: str
    discount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A checkout as it is stored."""

    id: str
    cart_id: str
    cart_version: int
    customer_id: str | None
    email: str
    currency: str
    status: CheckoutStatus
    lines: tuple[CartLine, ...]
    address: PostalAddress | None
    shipping: ShippingChoice | None
    reservation: Reservation | None
    version: int
    created_at: datetime
    order_id: str | None = None
    current_cart_version: int | None = None
    voucher: Voucher | None = None

    @property
    def discount(self) -> Money:
        """What the voucher takes off."""
        return self.voucher.discount if self.voucher else Money.zero(self.currency)

    @property
    def goods(self) -> Money:
        """The shown price of all lines."""
        return Money.sum((line.total for line in self.lines), self.currency)

    @property
    def weight_grams(self) -> int:
        """What all pieces weigh."""
        return sum(line.weight_grams * line.quantity for line in self.lines)


def begin(checkout_id: str, cart: Cart, at: datetime) -> Checkout:
    """Make the checkout of a cart that has taken nothing over yet."""
    return Checkout(
        id=checkout_id,
        cart_id=cart.id,
        cart_version=0,
        customer_id=cart.customer_id,
        email="",
        currency=cart.currency,
        status=CheckoutStatus.OPEN,
        lines=(),
        address=None,
        shipping=None,
        reservation=None,
        version=0,
        created_at=at,
    )


def take_over(checkout: Checkout, cart: Cart, lines: tuple[CartLine, ...], *, email: str) -> Checkout:
    """The next version of a checkout, with these lines of its cart."""
    return replace(
        checkout,
        cart_version=cart.version,
        current_cart_version=cart.version,
        lines=lines,
        email=email,
        version=checkout.version + 1,
    )


def holds(checkout: Checkout, lines: tuple[CartLine, ...], until: datetime) -> bool:
    """Tell whether a checkout holds the stock of these lines until an instant and longer."""
    if checkout.reservation is None or checkout.reservation.expires_at <= until:
        return False
    return {(line.sku, line.quantity) for line in lines} == {(line.sku, line.quantity) for line in checkout.lines}


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a checkout costs; the lines add up to the subtotal, and their discounts to the whole, to the minor unit."""

    lines: tuple[Taxed, ...]
    discounts: tuple[Money, ...]
    subtotal: Taxed
    shipping: Taxed

    @property
    def total(self) -> Taxed:
        """Goods and shipping."""
        return self.subtotal + self.shipping


def totals(checkout: Checkout, taxes: TaxProvider) -> Totals:
    """Work out what a checkout costs as far as it has been filled in."""
    rates, shipping_rate = _rates(checkout, taxes)
    shipping = checkout.shipping.price if checkout.shipping else Money.zero(checkout.currency)
    shown = [line.total for line in checkout.lines]
    discounts = spread(checkout.discount, shown)
    reduced = [amount - discount for amount, discount in zip(shown, discounts, strict=True)]
    lines = tax_each(reduced, rates, checkout.currency)
    zero = Money.zero(checkout.currency)
    return Totals(
        lines=lines,
        discounts=discounts,
        subtotal=sum(lines, start=Taxed(zero, zero)),
        shipping=tax_of(shipping, shipping_rate),
    )


def _rates(checkout: Checkout, taxes: TaxProvider) -> tuple[list[TaxRate], TaxRate]:
    """Tell the rate of each line, and of the sending."""
    if checkout.address is None:
        return [NO_TAX] * len(checkout.lines), NO_TAX
    place = place_of(checkout.address)
    return [taxes.rate(place, line.sku) for line in checkout.lines], taxes.rate(place)


def spread(discount: Money, shown: Sequence[Money]) -> tuple[Money, ...]:
    """Divide a discount over lines by what they cost, without losing a minor unit; none gets more than it costs."""
    if not discount:
        return tuple(discount for _ in shown)
    return tuple(discount.allocate([amount.minor for amount in shown]))


def check_ready(checkout: Checkout) -> tuple[PostalAddress, ShippingChoice]:
    """Return what completion needs beyond the lines.

    Raises:
        CheckoutNotReadyError: the address or the method is missing.
    """
    if checkout.address is None:
        raise CheckoutNotReadyError("The checkout has no shipping address yet.", code="ADDRESS_REQUIRED")
    if checkout.shipping is None:
        message = "The checkout has no shipping method yet."
        raise CheckoutNotReadyError(message, code="SHIPPING_METHOD_REQUIRED")
    return checkout.address, checkout.shipping


def check_total(checkout: Checkout, expected: Money, taxes: TaxProvider) -> Totals:
    """Return the totals when they come to what the buyer has agreed to.

    Raises:
        InvalidInputError: the expected total is in another currency.
        PriceChangedError: the total is another.
    """
    if expected.currency != checkout.currency:
        message = f"This checkout is in {checkout.currency}."
        raise InvalidInputError(message, path=("input", "expectedTotal", "currency"))
    actual = totals(checkout, taxes)
    if actual.total.gross != expected:
        raise PriceChangedError(expected, actual.total.gross)
    return actual
