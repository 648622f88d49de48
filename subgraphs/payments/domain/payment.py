"""Payments as the sum of their events: what was asked of the provider, and what it told.

`Payment.after` is the only way from an event to the row that is read, so a payment can be made anew from its events
at any time and comes out the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from kernel.money import Money
from kernel.transitions import Transitions


class PaymentStatus(StrEnum):
    """Where a payment stands; PENDING is an outcome that is not known yet."""

    PENDING = "PENDING"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    AUTHORIZED = "AUTHORIZED"
    CAPTURED = "CAPTURED"
    DECLINED = "DECLINED"
    VOIDED = "VOIDED"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    CHARGED_BACK = "CHARGED_BACK"


_OF_MONEY_TAKEN: Final = frozenset(
    {
        PaymentStatus.CAPTURED,
        PaymentStatus.PARTIALLY_REFUNDED,
        PaymentStatus.REFUNDED,
        PaymentStatus.CHARGED_BACK,
    }
)

PAYMENT: Final = Transitions(
    "The payment",
    {
        PaymentStatus.PENDING: frozenset(
            {
                PaymentStatus.REQUIRES_ACTION,
                PaymentStatus.AUTHORIZED,
                PaymentStatus.CAPTURED,
                PaymentStatus.DECLINED,
                PaymentStatus.VOIDED,
            }
        ),
        PaymentStatus.REQUIRES_ACTION: frozenset(
            {PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURED, PaymentStatus.DECLINED, PaymentStatus.VOIDED}
        ),
        PaymentStatus.AUTHORIZED: frozenset({PaymentStatus.CAPTURED, PaymentStatus.VOIDED}),
        # A success that comes after the end is taken as it is, and given back at once.
        PaymentStatus.DECLINED: frozenset({PaymentStatus.CAPTURED}),
        PaymentStatus.VOIDED: frozenset({PaymentStatus.CAPTURED}),
        PaymentStatus.CAPTURED: _OF_MONEY_TAKEN - {PaymentStatus.CAPTURED},
        PaymentStatus.PARTIALLY_REFUNDED: _OF_MONEY_TAKEN - {PaymentStatus.CAPTURED},
        PaymentStatus.REFUNDED: frozenset({PaymentStatus.CHARGED_BACK}),
        PaymentStatus.CHARGED_BACK: _OF_MONEY_TAKEN,
    },
)

OPEN: Final = frozenset({PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION})
"""States in which it is not decided yet whether the buyer pays."""


class EventKind(StrEnum):
    """What a payment event tells of; events are only ever added."""

    CHARGE_REQUESTED = "CHARGE_REQUESTED"
    CHARGE_SUCCEEDED = "CHARGE_SUCCEEDED"
    CHARGE_DECLINED = "CHARGE_DECLINED"
    ACTION_REQUIRED = "ACTION_REQUIRED"
    AUTHORIZED = "AUTHORIZED"
    CAPTURE_REQUESTED = "CAPTURE_REQUESTED"
    CAPTURE_SUCCEEDED = "CAPTURE_SUCCEEDED"
    CAPTURE_DECLINED = "CAPTURE_DECLINED"
    VOID_REQUESTED = "VOID_REQUESTED"
    VOID_SUCCEEDED = "VOID_SUCCEEDED"
    VOID_DECLINED = "VOID_DECLINED"
    REFUND_REQUESTED = "REFUND_REQUESTED"
    REFUND_SUCCEEDED = "REFUND_SUCCEEDED"
    REFUND_DECLINED = "REFUND_DECLINED"
    CHARGEBACK_OPENED = "CHARGEBACK_OPENED"
    CHARGEBACK_WON = "CHARGEBACK_WON"
    CHARGEBACK_LOST = "CHARGEBACK_LOST"
    FEE_CHARGED = "FEE_CHARGED"


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
    provider: str
    amount: Money
    token: str
    capture: bool
    """Whether the money is to be taken at once, or only held until it is captured."""
    status: PaymentStatus
    captured: Money
    refunding: Money
    refunded: Money
    charged_back: Money
    fees: Money
    provider_reference: str
    decline_code: str
    retryable: bool
    action_url: str
    created_at: datetime

    @property
    def refundable(self) -> Money:
        """What may still be given back."""
        left = self.captured - self.refunded - self.refunding - self.charged_back
        return max(left, Money.zero(left.currency))

    def same_request(self, order_id: str, amount: Money, token: str, *, capture: bool) -> bool:
        """Tell whether this payment answers such a request."""
        return (self.order_id, self.amount, self.token, self.capture) == (order_id, amount, token, capture)

    def unsettled(self) -> Payment:
        """The payment as it was before anything happened to it."""
        nothing = Money.zero(self.amount.currency)
        return replace(
            self,
            status=PaymentStatus.PENDING,
            captured=nothing,
            refunding=nothing,
            refunded=nothing,
            charged_back=nothing,
            fees=nothing,
        )

    def after(self, *events: PaymentEvent) -> Payment:
        """Give the payment as it is after these events."""
        payment = self
        for event in events:
            payment = payment._after(event)
        return payment

    def _after(self, event: PaymentEvent) -> Payment:
        amount = event.amount
        match event.kind:
            case EventKind.CHARGE_SUCCEEDED | EventKind.CAPTURE_SUCCEEDED:
                changed = replace(self, captured=self.captured + amount)
            case EventKind.REFUND_REQUESTED:
                return replace(self, refunding=self.refunding + amount)
            case EventKind.REFUND_SUCCEEDED:
                changed = replace(self, refunding=self.refunding - amount, refunded=self.refunded + amount)
            case EventKind.REFUND_DECLINED:
                return replace(self, refunding=self.refunding - amount)
            case EventKind.CHARGEBACK_OPENED:
                changed = replace(self, charged_back=self.charged_back + amount)
            case EventKind.CHARGEBACK_WON:
                changed = replace(self, charged_back=self.charged_back - amount)
            case EventKind.FEE_CHARGED:
                return replace(self, fees=self.fees + amount)
            case _:
                return replace(self, status=_LEADS_TO.get(event.kind, self.status))
        return replace(changed, status=changed.status_by_money())

    def status_by_money(self) -> PaymentStatus:
        """Tell the state of a payment whose money was taken."""
        if self.charged_back:
            return PaymentStatus.CHARGED_BACK
        if not self.refunded:
            return PaymentStatus.CAPTURED
        return PaymentStatus.REFUNDED if self.refunded >= self.captured else PaymentStatus.PARTIALLY_REFUNDED


_LEADS_TO: Final = {
    EventKind.ACTION_REQUIRED: PaymentStatus.REQUIRES_ACTION,
    EventKind.AUTHORIZED: PaymentStatus.AUTHORIZED,
    EventKind.CHARGE_DECLINED: PaymentStatus.DECLINED,
    EventKind.VOID_SUCCEEDED: PaymentStatus.VOIDED,
}
"""The state after an event that moves no money; other events leave the state as it is."""


class Progress(StrEnum):
    """Where a refund, a capture or a void stands."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    DECLINED = "DECLINED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money on its way back to the buyer."""

    id: str
    payment_id: str
    idempotency_key: str
    amount: Money
    reason: str
    status: Progress
    provider_reference: str
    created_at: datetime


class OperationKind(StrEnum):
    """What can be done, once, with money that is held."""

    CAPTURE = "CAPTURE"
    VOID = "VOID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Somebody wants held money taken, or let go; a payment has at most one that was not declined."""

    id: str
    payment_id: str
    kind: OperationKind
    idempotency_key: str
    amount: Money
    status: Progress
    created_at: datetime


class ChargebackStatus(StrEnum):
    """Where a buyer's dispute stands at the bank."""

    OPEN = "OPEN"
    WON = "WON"
    LOST = "LOST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chargeback:
    """A buyer had the bank take the money back; won, it comes again."""

    id: str
    payment_id: str
    provider_reference: str
    amount: Money
    reason: str
    status: ChargebackStatus
    opened_at: datetime
    closed_at: datetime | None

    def closed(self, status: ChargebackStatus, at: datetime) -> Chargeback:
        """Give the chargeback as the bank has decided it."""
        return replace(self, status=status, closed_at=at)


def made_of(payment: Payment, events: Iterable[PaymentEvent]) -> Payment:
    """Make a payment anew from its events."""
    return payment.unsettled().after(*events)
