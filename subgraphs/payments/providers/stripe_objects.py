"""Stripe's objects, in an answer or a webhook, read as what they mean here; and amounts as Stripe counts them.

Stripe counts the Icelandic króna in hundredths, and takes three-decimal currencies in steps of ten only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from kernel.errors import InvalidInputError
from kernel.money import Money, decimals_of
from subgraphs.payments.domain.errors import OutcomeUnknownError
from subgraphs.payments.domain.provider import (
    Accepted,
    ActionRequired,
    Answer,
    Authorized,
    ChargeAnswer,
    ChargeReport,
    Declined,
    DisputeReport,
    DisputeStage,
    ProviderEvent,
    RefundReport,
    Report,
    Voided,
)

KEY: Final = "storegraph_key"
"""Where our idempotency key is in an object's metadata."""

_IN_HUNDREDTHS: Final = frozenset({"ISK"})


class UnsupportedAmountError(InvalidInputError):
    """Stripe does not take amounts as fine as this."""


def to_stripe(amount: Money) -> int:
    """Spell an amount.

    Raises:
        UnsupportedAmountError: it is finer than Stripe takes.
    """
    if amount.currency in _IN_HUNDREDTHS:
        return amount.minor * 100
    if decimals_of(amount.currency) == 3 and amount.minor % 10:
        raise UnsupportedAmountError(f"Stripe takes {amount.currency} in steps of ten minor units.")
    return amount.minor


def from_stripe(minor: int, currency: str) -> Money:
    """Read an amount."""
    code = currency.upper()
    return Money(minor // 100 if code in _IN_HUNDREDTHS else minor, code)


def charge_answer(intent: Mapping[str, Any]) -> ChargeAnswer:
    """Read what became of a PaymentIntent.

    Raises:
        OutcomeUnknownError: Stripe is still working on it.
    """
    reference = intent["id"]
    match intent["status"]:
        case "succeeded":
            return Accepted(reference, from_stripe(intent["amount_received"], intent["currency"]))
        case "requires_capture":
            return Authorized(reference)
        case "requires_action":
            step: Any = intent.get("next_action") or {}
            redirect: Any = step.get("redirect_to_url") or {}
            return ActionRequired(reference, redirect.get("url") or "")
        case "canceled":
            return Voided(reference)
        case "requires_payment_method":
            error: Any = intent.get("last_payment_error") or {}
            return Declined(error.get("decline_code") or error.get("code") or "declined")
        case _:
            raise OutcomeUnknownError("Stripe is still working on this payment.")


def refund_answer(refund: Mapping[str, Any]) -> Answer | None:
    """Read what became of a refund; None while Stripe works on it."""
    match refund["status"]:
        case "succeeded":
            return Accepted(refund["id"])
        case "failed" | "canceled":
            return Declined(refund.get("failure_reason") or "failed")
        case _:
            return None


def read_event(body: bytes) -> ProviderEvent:
    """Read an event of Stripe's, as its webhooks carry them.

    Raises:
        InvalidInputError: it is none.
    """
    try:
        event = orjson.loads(body)
        read = _READERS.get(event["type"])
        report = None if read is None else read(event["data"]["object"])
        at = datetime.fromtimestamp(event["created"], UTC)
        return ProviderEvent(id=str(event["id"]), kind=str(event["type"]), at=at, report=report)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise InvalidInputError(f"Not an event of Stripe: {type(error).__name__}.") from None


def _intent(intent: Mapping[str, Any]) -> Report | None:
    key = (intent.get("metadata") or {}).get(KEY)
    if not key or intent["status"] == "processing":
        return None
    return ChargeReport(key=key, answer=charge_answer(intent))


def _refund(refund: Mapping[str, Any]) -> Report | None:
    answer, intent = refund_answer(refund), refund.get("payment_intent")
    if answer is None or not intent:
        return None
    return RefundReport(
        charge_reference=intent,
        key=(refund.get("metadata") or {}).get(KEY) or "",
        amount=from_stripe(refund["amount"], refund["currency"]),
        answer=answer,
    )


def _dispute(stage: DisputeStage | None) -> Callable[[Mapping[str, Any]], Report | None]:
    def read(dispute: Mapping[str, Any]) -> Report | None:
        intent = dispute.get("payment_intent")
        if not intent:
            return None
        lost = dispute["status"] == "lost"
        return DisputeReport(
            reference=dispute["id"],
            charge_reference=intent,
            stage=stage or (DisputeStage.LOST if lost else DisputeStage.WON),
            amount=from_stripe(dispute["amount"], dispute["currency"]),
            reason=dispute.get("reason") or "",
        )

    return read


_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Report | None]]] = {
    "payment_intent.succeeded": _intent,
    "payment_intent.amount_capturable_updated": _intent,
    "payment_intent.payment_failed": _intent,
    "payment_intent.canceled": _intent,
    "payment_intent.requires_action": _intent,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.dispute.created": _dispute(DisputeStage.OPENED),
    "charge.dispute.closed": _dispute(None),
}
