"""The port to a payment provider.

A provider remembers requests by their idempotency key: the same key acts once, however often it is sent. When an
answer does not come, `OutcomeUnknownError` is raised and the key is asked for later. What a provider tells by itself,
in webhooks, are reports; a report says the same as an answer would have, and may come twice, late or in any order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from kernel.money import Money


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider did it, under this reference.

    `amount` is named where it may be less than was asked; `fee` is what the provider keeps of it.
    """

    reference: str
    amount: Money | None = None
    fee: Money | None = None


@dataclass(frozen=True, slots=True)
class Authorized:
    """The amount is held for us, not taken."""

    reference: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider refused; `retryable` tells whether another try may help."""

    code: str
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class ActionRequired:
    """The buyer must do something first, such as a 3-D Secure step behind this URL."""

    reference: str
    url: str


@dataclass(frozen=True, slots=True)
class Voided:
    """What was held, or was to be taken, is let go."""

    reference: str


ChargeAnswer = Accepted | Authorized | Declined | ActionRequired | Voided
Answer = Accepted | Declined
"""The answer to a capture or a refund."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeReport:
    """What became of the charge with this key."""

    key: str
    answer: ChargeAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReport:
    """What became of a refund; without a key it was made at the provider's own desk."""

    charge_reference: str
    key: str
    amount: Money
    answer: Answer


class DisputeStage(StrEnum):
    """How far a dispute has come."""

    OPENED = "OPENED"
    WON = "WON"
    LOST = "LOST"


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeReport:
    """A buyer disputes a charge, or the bank has decided."""

    reference: str
    charge_reference: str
    stage: DisputeStage
    amount: Money
    fee: Money | None = None
    reason: str = ""


Report = ChargeReport | RefundReport | DisputeReport


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEvent:
    """One webhook: the provider's id of it, and what it reports; None for what does not concern us."""

    id: str
    kind: str
    at: datetime
    report: Report | None


class RecordKind(StrEnum):
    """What a line of a provider's statement is about."""

    CHARGE = "CHARGE"
    REFUND = "REFUND"
    CHARGEBACK = "CHARGEBACK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A line of the provider's statement: money that it says it has moved."""

    kind: RecordKind
    reference: str
    amount: Money
    at: datetime


class PaymentProvider(Protocol):
    """Whoever moves the money. What it is asked raises `OutcomeUnknownError` where no answer came."""

    @property
    def name(self) -> str:
        """What payments, settings and the webhook's URL call it."""
        ...

    async def charge(self, key: str, amount: Money, token: str, *, capture: bool = True) -> ChargeAnswer:
        """Take an amount from what the token stands for, or only hold it."""
        ...

    async def find_charge(self, key: str) -> ChargeAnswer | None:
        """Tell what became of a charge; None when the provider does not know of it, or not yet."""
        ...

    async def capture(self, key: str, reference: str, amount: Money) -> Answer:
        """Take what is held, or a part of it; the rest is let go."""
        ...

    async def void(self, key: str, reference: str) -> Voided | Declined:
        """Let go of what is held, or give a charge up that waits for its buyer."""
        ...

    async def refund(self, key: str, reference: str, amount: Money) -> Answer:
        """Give an amount of a charge back."""
        ...

    async def records(self, since: datetime, until: datetime) -> Sequence[Record]:
        """Give the statement of a time: all money moved in it."""
        ...

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> ProviderEvent:
        """Read a webhook that has just come.

        Raises:
            SignatureError: it is not the provider's, or too old.
            InvalidInputError: it is signed and makes no sense.
        """
        ...

    def parse_webhook(self, body: bytes) -> ProviderEvent:
        """Read the body of a webhook whose signature was checked when it came.

        Raises:
            InvalidInputError: it makes no sense.
        """
        ...
