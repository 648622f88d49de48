"""What a payment becomes by what its provider told of it: one function for answers and webhooks alike.

Each fact is taken once. What is known already, or is older than what is known, changes nothing; a success that comes
after the end is booked as what it is, and marked to be given back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from kernel.errors import ConflictError
from kernel.money import Money
from subgraphs.payments.domain.ledger import Entry, capture_entries, fee_entries
from subgraphs.payments.domain.payment import (
    OPEN,
    EventKind,
    OperationKind,
    Payment,
    PaymentEvent,
    PaymentStatus,
    Progress,
)
from subgraphs.payments.domain.provider import Accepted, ActionRequired, Authorized, ChargeAnswer, Declined, Voided

_ENDED = frozenset({PaymentStatus.DECLINED, PaymentStatus.VOIDED})


@dataclass(frozen=True, slots=True)
class Posting:
    """An event of a payment with the ledger entries that it stands for, under the name of their transaction."""

    event: PaymentEvent
    entries: tuple[Entry, ...] = ()
    transaction_id: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """A payment as it is after something was told of it, and what is to be written with it."""

    payment: Payment
    postings: tuple[Posting, ...]
    ends: Mapping[OperationKind, Progress] = field(default_factory=dict[OperationKind, Progress])
    to_give_back: bool = False
    """Whether money came that nobody waits for any more."""


def settled(payment: Payment, answer: ChargeAnswer, at: datetime) -> Settled | None:
    """Give what becomes of a payment; None where nothing does.

    Raises:
        ConflictError: more was taken than was asked for.
    """
    match answer:
        case Accepted():
            return _taken(payment, answer, at)
        case Authorized(reference) if payment.status in OPEN:
            known = replace(payment, provider_reference=reference, action_url="")
            return _told(known, _event(payment, EventKind.AUTHORIZED, at, reference))
        case Declined(code, retryable) if payment.status in OPEN:
            known = replace(payment, decline_code=code, retryable=retryable, action_url="")
            return _told(known, _event(payment, EventKind.CHARGE_DECLINED, at, code=code))
        case ActionRequired(reference, url) if payment.status == PaymentStatus.PENDING:
            known = replace(payment, provider_reference=reference, action_url=url)
            return _told(known, _event(payment, EventKind.ACTION_REQUIRED, at, reference))
        case Voided(reference) if payment.status in OPEN | {PaymentStatus.AUTHORIZED}:
            known = replace(payment, decline_code=payment.decline_code or "voided", action_url="")
            ends = {OperationKind.VOID: Progress.SUCCEEDED, OperationKind.CAPTURE: Progress.DECLINED}
            return replace(_told(known, _event(payment, EventKind.VOID_SUCCEEDED, at, reference)), ends=ends)
        case _:
            return None


def _taken(payment: Payment, answer: Accepted, at: datetime) -> Settled | None:
    held = payment.status == PaymentStatus.AUTHORIZED
    if not held and payment.status not in OPEN | _ENDED:
        return None
    amount = payment.amount if answer.amount is None else answer.amount
    if amount.currency != payment.amount.currency or not 0 < amount.minor <= payment.amount.minor:
        raise ConflictError(f"The provider tells of {amount}, where {payment.amount} was asked for.")
    in_part = not held and amount < payment.amount
    known = replace(payment, provider_reference=answer.reference, action_url="")
    if in_part:
        known = replace(known, decline_code=known.decline_code or "partially_approved")
    kind = EventKind.CAPTURE_SUCCEEDED if held else EventKind.CHARGE_SUCCEEDED
    event = PaymentEvent(kind=kind, amount=amount, at=at, provider_reference=answer.reference)
    fee = fee_posting(payment, answer.fee, at, f"{payment.id}:fee")
    return Settled(
        known.after(event, *(posting.event for posting in fee)),
        (Posting(event, capture_entries(amount)), *fee),
        {OperationKind.CAPTURE: Progress.SUCCEEDED, OperationKind.VOID: Progress.DECLINED} if held else {},
        to_give_back=in_part or payment.status in _ENDED,
    )


def fee_posting(payment: Payment, fee: Money | None, at: datetime, transaction_id: str) -> tuple[Posting, ...]:
    """Book what the provider keeps, where it keeps anything.

    Raises:
        ConflictError: the fee is negative, or in another currency.
    """
    if not fee:
        return ()
    if fee.negative or fee.currency != payment.amount.currency:
        raise ConflictError(f"A fee of {fee} makes no sense for a payment in {payment.amount.currency}.")
    event = PaymentEvent(kind=EventKind.FEE_CHARGED, amount=fee, at=at)
    return (Posting(event, fee_entries(fee), transaction_id),)


def _told(payment: Payment, event: PaymentEvent) -> Settled:
    return Settled(payment.after(event), (Posting(event),))


def _event(payment: Payment, kind: EventKind, at: datetime, reference: str = "", code: str = "") -> PaymentEvent:
    return PaymentEvent(kind=kind, amount=payment.amount, at=at, provider_reference=reference, code=code)
