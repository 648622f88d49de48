"""The bodies of the sandbox provider's webhooks: written on its side, read on ours."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import RowMapping

from kernel.errors import InvalidInputError
from kernel.money import Money
from subgraphs.payments.domain.provider import (
    Accepted,
    ActionRequired,
    Authorized,
    ChargeAnswer,
    ChargeReport,
    Declined,
    DisputeReport,
    DisputeStage,
    ProviderEvent,
    RefundReport,
    Voided,
)

_ANSWERS: Final = {
    "charge.succeeded": Accepted,
    "charge.authorized": Authorized,
    "charge.declined": Declined,
    "charge.action_required": ActionRequired,
    "charge.voided": Voided,
}
_TYPES: Final = {answer: kind for kind, answer in _ANSWERS.items()}


class _Charge(msgspec.Struct, frozen=True):
    key: str
    reference: str = ""
    minor: int | None = None
    fee_minor: int | None = None
    currency: str = "EUR"
    code: str = ""
    retryable: bool = False
    url: str = ""


class _Refund(msgspec.Struct, frozen=True):
    reference: str
    charge_reference: str
    minor: int
    currency: str
    key: str = ""
    declined: str = ""


class _Dispute(msgspec.Struct, frozen=True):
    reference: str
    charge_reference: str
    minor: int
    currency: str
    stage: Literal["OPENED", "WON", "LOST"]
    reason: str = ""
    fee_minor: int | None = None


class _Message(msgspec.Struct, frozen=True):
    id: str
    type: str
    at: datetime
    data: msgspec.Raw


def charge_message(row: RowMapping, answer: ChargeAnswer, at: datetime) -> dict[str, Any]:
    """Write what became of a charge."""
    told = asdict(answer)
    data: dict[str, Any] = {"key": row["key"], "currency": row["currency"]}
    data |= {name: told[name] for name in ("reference", "code", "retryable", "url") if name in told}
    for name, amount in (("minor", told.get("amount")), ("fee_minor", told.get("fee"))):
        if amount is not None:
            data[name] = amount["minor"]
    return _message(_TYPES[type(answer)], at, data)


def refund_message(report: RefundReport, at: datetime) -> dict[str, Any]:
    """Write what became of a refund."""
    data: dict[str, Any] = {
        "charge_reference": report.charge_reference,
        "minor": report.amount.minor,
        "currency": report.amount.currency,
        "key": report.key,
    }
    if isinstance(report.answer, Declined):
        return _message("refund.declined", at, {**data, "reference": "", "declined": report.answer.code})
    return _message("refund.succeeded", at, {**data, "reference": report.answer.reference})


def dispute_message(row: Mapping[str, Any], stage: DisputeStage, at: datetime) -> dict[str, Any]:
    """Write how far a dispute has come."""
    data = {
        "reference": row["reference"],
        "charge_reference": row["charge_reference"],
        "minor": row["amount_minor"],
        "currency": row["currency"],
        "stage": stage,
        "reason": "fraudulent",
    }
    return _message(f"dispute.{stage.lower()}", at, data)


def read_message(body: bytes) -> ProviderEvent:
    """Read a body.

    Raises:
        InvalidInputError: it is none of the sandbox's.
    """
    try:
        message = msgspec.json.decode(body, type=_Message)
        return ProviderEvent(id=message.id, kind=message.type, at=_aware(message.at), report=_report(message))
    except msgspec.MsgspecError as error:
        raise InvalidInputError(f"Not a message of the sandbox provider: {error}") from None


def _report(message: _Message) -> ChargeReport | RefundReport | DisputeReport | None:
    if message.type in _ANSWERS:
        data = msgspec.json.decode(message.data, type=_Charge)
        return ChargeReport(key=data.key, answer=_answer(message.type, data))
    if message.type.startswith("refund."):
        return _refund(msgspec.json.decode(message.data, type=_Refund))
    return _dispute(msgspec.json.decode(message.data, type=_Dispute)) if message.type.startswith("dispute.") else None


def _answer(kind: str, data: _Charge) -> ChargeAnswer:
    match kind:
        case "charge.authorized":
            return Authorized(data.reference)
        case "charge.declined":
            return Declined(data.code, data.retryable)
        case "charge.action_required":
            return ActionRequired(data.reference, data.url)
        case "charge.voided":
            return Voided(data.reference)
        case _:
            amount = None if data.minor is None else Money(data.minor, data.currency)
            return Accepted(data.reference, amount, _fee(data.fee_minor, data.currency))


def _refund(data: _Refund) -> RefundReport:
    return RefundReport(
        charge_reference=data.charge_reference,
        key=data.key,
        amount=Money(data.minor, data.currency),
        answer=Declined(data.declined) if data.declined else Accepted(data.reference),
    )


def _dispute(data: _Dispute) -> DisputeReport:
    return DisputeReport(
        reference=data.reference,
        charge_reference=data.charge_reference,
        stage=DisputeStage(data.stage),
        amount=Money(data.minor, data.currency),
        fee=_fee(data.fee_minor, data.currency),
        reason=data.reason,
    )


def _fee(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money(minor, currency)


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise InvalidInputError("The time of a message needs a time zone.")
    return at


def _message(kind: str, at: datetime, data: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": f"evt_sandbox_{secrets.token_hex(12)}", "type": kind, "at": at.isoformat(), "data": dict(data)}
