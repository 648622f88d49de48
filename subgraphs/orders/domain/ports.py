"""What orders need of others. Behind each port is another subgraph, so each answer may stay away.

Refusals come as domain errors; an answer that stays away as a `CallError`, whose class tells whether
the work may have been done. Whatever moves stock or money takes an idempotency key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from kernel.events.catalogue import StockLine
from kernel.money import Money
from subgraphs.orders.domain.cart import Article
from subgraphs.orders.domain.checkout import Reservation, ShippingChoice, Voucher

STORED_METHOD: Final = "pm_"
"""How the id of a payment method begins that a customer has stored; all other tokens are the provider's."""


class PaymentState(StrEnum):
    """What is known of a payment."""

    CAPTURED = "CAPTURED"
    DECLINED = "DECLINED"
    PENDING = "PENDING"


@dataclass(frozen=True, slots=True)
class PaymentOutcome:
    """What became of an attempt to pay."""

    id: str
    state: PaymentState
    decline_code: str = ""
    retryable: bool = False


class Catalogue(Protocol):
    """Whoever knows what is for sale."""

    async def articles(self, skus: Sequence[str], currency: str) -> Mapping[str, Article]:
        """Give what is for sale of these, at the prices of now."""
        ...


Destination = tuple[str, str]
"""A country and a postal code."""


class Stock(Protocol):
    """Whoever keeps the stock."""

    async def available(self, skus: Sequence[str]) -> Mapping[str, int]:
        """Tell how many pieces of these can be promised now; nothing is held."""
        ...

    async def reserve(self, checkout_id: str, quantities: Mapping[str, int], ttl_seconds: int, key: str) -> Reservation:
        """Hold stock for a while.

        Raises:
            InsufficientStockError: there is too little of something; nothing is held.
        """
        ...

    async def release(self, reservation_id: str, reason: str, key: str) -> None:
        """Let go of what is held."""
        ...

    async def allocate(
        self, reservation_id: str, order_id: str, key: str, destination: Destination | None = None
    ) -> tuple[StockLine, ...]:
        """Give what is held to an order, from where its address is best served; each line names its warehouse.

        Raises:
            DomainError: it is no longer held.
        """
        ...

    async def release_allocation(self, order_id: str, reason: str, key: str) -> None:
        """Take back what an order has and did not ship."""
        ...

    async def change_allocation(
        self, order_id: str, quantities: Mapping[str, int], key: str, destination: Destination | None = None
    ) -> tuple[StockLine, ...]:
        """Let an order have just this: what it lacks is allocated, what is too much given back; once for each key.

        Raises:
            InsufficientStockError: there is too little of something; nothing has changed.
        """
        ...

    async def take_back(self, order_id: str, sku: str, quantity: int, *, sellable: bool, key: str) -> None:
        """Take goods back that a buyer has sent, once for each key."""
        ...


class Payments(Protocol):
    """Whoever moves the money."""

    async def process(
        self, *, order_id: str, amount: Money, token: str, customer_id: str | None, key: str
    ) -> PaymentOutcome:
        """Take an amount, once for each key."""
        ...

    async def find(self, key: str) -> PaymentOutcome | None:
        """Tell what became of a payment; None when it never arrived."""
        ...

    async def refund(self, payment_id: str, reason: str, key: str) -> None:
        """Give all that is left of a payment back."""
        ...

    async def refund_amount(self, order_ids: Sequence[str], amount: Money, reason: str, key: str) -> None:
        """Give an amount back of what was taken for these orders, of the first one first; once for each key."""
        ...

    async def refund_order(self, order_id: str, reason: str, key: str) -> None:
        """Give back all that was taken for an order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherPurchase:
    """For what and for whom a voucher is to count."""

    goods: Money
    customer_id: str | None
    email: str


class Vouchers(Protocol):
    """Whoever gives out vouchers; refusals say why a code does not count."""

    async def evaluate(self, code: str, purchase: VoucherPurchase) -> Voucher:
        """Say what a code takes off a purchase; nothing is counted."""
        ...

    async def redeem(self, code: str, order_id: str, purchase: VoucherPurchase) -> None:
        """Count a use, once for each order."""
        ...

    async def release(self, order_id: str) -> None:
        """Uncount the use of an order."""
        ...


@dataclass(frozen=True, slots=True)
class ReturnLabel:
    """What the buyer sticks on the parcel."""

    tracking_number: str
    url: str


class Shipping(Protocol):
    """Whoever sends parcels."""

    async def choices(self, country: str, subtotal: Money, weight_grams: int) -> tuple[ShippingChoice, ...]:
        """Price every method for a parcel, the cheapest first."""
        ...

    async def return_label(self, order_id: str, return_id: str, weight_grams: int, key: str) -> ReturnLabel | None:
        """Make the label of a parcel that comes back, once for each key; None where no carrier makes one."""
        ...

    async def hold(self, order_id: str) -> None:
        """Let nothing of an order leave while it is changed.

        Raises:
            ConflictError: a part is on its way.
        """
        ...

    async def resume(self, order_id: str) -> None:
        """Let an order go as it is, since it is not changed after all."""
        ...

    async def halt(self, order_id: str) -> None:
        """Stop whatever of an order has not left.

        Raises:
            OrderNotCancellableError: a part is on its way.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """All that orders needs of others."""

    catalogue: Catalogue
    stock: Stock
    payments: Payments
    shipping: Shipping
    vouchers: Vouchers
