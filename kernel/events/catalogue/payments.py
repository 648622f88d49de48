"""What payments tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kernel.events.catalogue.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFacts(Payload):
    """What the events of a payment have in common."""

    producer: ClassVar[str] = "payments"
    payment_id: str
    order_id: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentProcessed(PaymentFacts):
    """The provider captured the amount."""

    provider_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailed(PaymentFacts):
    """The provider declined, or the attempt was given up."""

    decline_code: str
    retryable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRefunded(PaymentFacts):
    """An amount went back to the buyer; `amount_minor` is the amount of this refund."""

    refund_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDisputed(PaymentFacts):
    """A buyer had the bank take an amount back (`status` OPEN), or the bank has decided (WON for us, or LOST)."""

    chargeback_id: str
    status: str
    reason: str = ""
