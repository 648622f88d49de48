"""The port to a payment provider.

A provider remembers requests by their idempotency key: the same key charges once, however often it is sent.
When an answer does not come, `OutcomeUnknownError` is raised and the key is asked for later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kernel.money import Money


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider did it, under this reference."""

    reference: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider refused; `retryable` tells whether another try may help."""

    code: str
    retryable: bool = False


Answer = Accepted | Declined


class PaymentProvider(Protocol):
    """Whoever moves the money."""

    async def charge(self, key: str, amount: Money, token: str) -> Answer:
        """Take an amount from what the token stands for.

        Raises:
            OutcomeUnknownError: no answer came; the charge may have happened.
        """
        ...

    async def find_charge(self, key: str) -> Answer | None:
        """Tell what became of a charge; None when the provider never heard of it."""
        ...

    async def refund(self, key: str, charge_reference: str, amount: Money) -> Answer:
        """Give an amount of a charge back.

        Raises:
            OutcomeUnknownError: no answer came; the refund may have happened.
        """
        ...
