"""What confirming a change has in common: a difference that was agreed to, a means of payment, a key for all tries."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from kernel.card_numbers import refuse_card_numbers
from kernel.errors import ForbiddenError, InvalidInputError
from kernel.identity import Caller
from kernel.money import Money
from subgraphs.orders.domain.errors import IdempotencyKeyReusedError, PriceChangedError
from subgraphs.orders.domain.order import Order
from subgraphs.orders.domain.ports import STORED_METHOD
from subgraphs.orders.domain.saga import Saga
from subgraphs.orders.service.completion import error_of

_LONGEST_TEXT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What was agreed to: `difference` is to be paid, or goes back where it is below zero."""

    difference: Money
    payment_token: str
    key: str

    def check(self) -> None:
        """Let texts pass that can be kept.

        Raises:
            InvalidInputError: the key or token is too long, the key empty, or the token looks like a card's number.
        """
        if not 1 <= len(self.key) <= _LONGEST_TEXT:
            raise InvalidInputError(f"A key has from 1 to {_LONGEST_TEXT} characters.", path=("idempotencyKey",))
        if len(self.payment_token) > _LONGEST_TEXT:
            message = f"A token has {_LONGEST_TEXT} characters at most."
            raise InvalidInputError(message, path=("input", "paymentToken"))
        refuse_card_numbers(self.payment_token, path=("input", "paymentToken"))

    def check_difference(self, caller: Caller, order: Order, actual: Money) -> None:
        """Let what is really due pass where it was agreed to and can be paid.

        Raises:
            InvalidInputError: it is in another currency, or is to be paid and nothing is said by what.
            PriceChangedError: another amount is due.
            ForbiddenError: a stored payment method pays for its owner alone, or by the staff on their behalf.
        """
        if self.difference.currency != actual.currency:
            message = f"This order is in {actual.currency}."
            raise InvalidInputError(message, path=("input", "expectedDifference", "currency"))
        if self.difference != actual:
            raise PriceChangedError(self.difference, actual, "expectedDifference")
        if actual.minor > 0 and not self.payment_token:
            raise InvalidInputError("Say by what the difference is paid.", path=("input", "paymentToken"))
        stored = self.payment_token.startswith(STORED_METHOD)
        if stored and not (caller.works_here or caller.id == order.customer_id):
            raise ForbiddenError("A stored payment method pays for its owner alone.")

    def fingerprint(self, *asked: object) -> str:
        """Tell this request from another one under the same key; the token is not kept readable."""
        return hashlib.sha256(repr((*asked, str(self.difference), self.payment_token)).encode()).hexdigest()


def replayed(started: tuple[Saga, str], fingerprint: str) -> Saga:
    """Give the saga that the same request has started before.

    Raises:
        IdempotencyKeyReusedError: that was another request.
        DomainError: it was refused then.
    """
    saga, known = started
    if known != fingerprint:
        raise IdempotencyKeyReusedError
    return succeeded(saga)


def succeeded(saga: Saga) -> Saga:
    """Let a saga pass that did not turn round.

    Raises:
        DomainError: why it did.
    """
    if saga.failure is not None:
        raise error_of(saga.failure)
    return saga
