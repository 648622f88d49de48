"""Payments as the sum of their events: what was asked of the provider, and what it answered.

InfrastructureError
└── OutcomeUnknownError         the provider was asked, its answer never came
DomainError
├── ConflictError
│   ├── IdempotencyKeyReusedError   IDEMPOTENCY_KEY_REUSED
│   └── RefundExceedsPaymentError   REFUND_TOO_LARGE
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from kernel.errors import ConflictError, InfrastructureError
from kernel.money import Money
from kernel.transitions import Transitions


class OutcomeUnknownError(InfrastructureError):
    """The provider may or may not have done what was asked: ask again, never guess."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


class IdempotencyKeyReusedError(ConflictError):
    """The key was used before for something else."""

    default_code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__("This idempotency key was used for another request.", path=("idempotencyKey",))


class RefundExceedsPaymentError(ConflictError):
    """More was to be given back than is left of the payment."""

    default_code = "REFUND_TOO_LARGE"

    def __init__(self, wanted: Money, left: Money) -> None:
        super().__init__(f"{wanted} cannot be refunded, {left} is left.", path=("amount",))
        self.left = left


class PaymentStatus(StrEnum):
    """Where a payment stands; PENDING is an outcome that is not known yet."""

    PENDING = "PENDING"
    CAPTURED = "CAPTURED"
    DECLINED = "DECLINED"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"


PAYMENT: Final = Transitions(
    "The payment",
    {
        PaymentStatus.PENDING: frozenset({PaymentStatus.CAPTURED, PaymentStatus.DECLINED}),
        PaymentStatus.CAPTURED: frozenset({PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED}),
        PaymentStatus.PARTIALLY_REFUNDED: frozenset({PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED}),
        PaymentStatus.DECLINED: frozenset(),
        PaymentStatus.REFUNDED: frozenset(),
    },
)


class EventKind(StrEnum):
    """What a payment event tells of; events are only ever added."""

    CHARGE_REQUESTED = "CHARGE_REQUESTED"
    CHARGE_SUCCEEDED = "CHARGE_SUCCEEDED"
    CHARGE_DECLINED = "CHARGE_DECLINED"
    REFUND_REQUESTED = "REFUND_REQUESTED"
    REFUND_SUCCEEDED = "REFUND_SUCCEEDED"
    REFUND_DECLINED = "REFUND_DECLINED"


class RefundStatus(StrEnum):
    """Where a refund stands."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    DECLINED = "DECLINED"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentEvent:
    """One thing that happened to a payment."""

    kind: EventKind
    amount: Money
    at: datetime
    provider_reference: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """An attempt to take money for an order."""

    id: str
    idempotency_key: str
    order_id: str
    customer_id: str | None
    amount: Money
    token: str
    status: PaymentStatus
    refunded: Money
    provider_reference: str
    decline_code: str
    retryable: bool
    created_at: datetime

    def same_request(self, order_id: str, amount: Money, token: str) -> bool:
        """Tell whether this payment answers such a request."""
        return (self.order_id, self.amount, self.token) == (order_id, amount, token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money on its way back to the buyer."""

    id: str
    payment_id: str
    idempotency_key: str
    amount: Money
    reason: str
    status: RefundStatus
    provider_reference: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Amounts:
    """What the events of a payment add up to."""

    captured: Money
    refunded: Money
    refunding: Money

    @property
    def refundable(self) -> Money:
        """What may still be given back."""
        return self.captured - self.refunded - self.refunding


def amounts(events: Iterable[PaymentEvent], currency: str) -> Amounts:
    """Add up the events of a payment."""
    sums = dict.fromkeys(EventKind, Money.zero(currency))
    for event in events:
        sums[event.kind] += event.amount
    settled = sums[EventKind.REFUND_SUCCEEDED] + sums[EventKind.REFUND_DECLINED]
    return Amounts(
        captured=sums[EventKind.CHARGE_SUCCEEDED],
        refunded=sums[EventKind.REFUND_SUCCEEDED],
        refunding=sums[EventKind.REFUND_REQUESTED] - settled,
    )


def status_after_refund(captured: Money, refunded: Money) -> PaymentStatus:
    """Tell the state of a captured payment of which this much was given back."""
    if not refunded:
        return PaymentStatus.CAPTURED
    return PaymentStatus.REFUNDED if refunded == captured else PaymentStatus.PARTIALLY_REFUNDED
