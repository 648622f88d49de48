"""Historic payments in bulk, for demo data and imports; the rest is derived, so that all of it agrees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from kernel.money import Money
from subgraphs.payments.domain.ledger import capture_entries, refund_entries
from subgraphs.payments.domain.payment import EventKind, PaymentStatus

SCHEMA = "payments"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRow:
    """A captured payment of the past; `refunded_minor` of it went back at `refunded_at`."""

    id: str
    order_id: str
    customer_id: str | None
    amount_minor: int
    currency: str
    token: str
    created_at: datetime
    refunded_minor: int = 0
    refunded_at: datetime | None = None
    refund_id: str = ""
    refund_reason: str = ""


async def copy(connection: asyncpg.Connection, *, payments: Iterable[PaymentRow]) -> None:
    """Load historic payments with their events, refunds and balanced ledger, in the caller's transaction."""
    rows = list(payments)
    await _copy(connection, "payments", _PAYMENT, map(_payment, rows))
    await _copy(connection, "payment_events", _EVENT, (event for row in rows for event in _events(row)))
    await _copy(connection, "refunds", _REFUND, (_refund(row) for row in rows if row.refunded_minor))
    await _copy(connection, "ledger_entries", _ENTRY, (entry for row in rows for entry in _entries(row)))
    await _copy(connection, "sandbox_charges", _SANDBOX_CHARGE, map(_sandbox_charge, rows))
    refunded = (row for row in rows if row.refunded_minor)
    await _copy(connection, "sandbox_refunds", _SANDBOX_REFUND, map(_sandbox_refund, refunded))


_PAYMENT = (
    "id",
    "idempotency_key",
    "order_id",
    "customer_id",
    "amount_minor",
    "currency",
    "token",
    "status",
    "captured_minor",
    "claimed_refund_minor",
    "refunded_minor",
    "provider_reference",
    "created_at",
)
_EVENT = ("payment_id", "kind", "amount_minor", "currency", "provider_reference", "at")
_REFUND = (
    "id",
    "payment_id",
    "idempotency_key",
    "amount_minor",
    "currency",
    "reason",
    "status",
    "provider_reference",
    "created_at",
)
_ENTRY = ("transaction_id", "payment_id", "account", "side", "amount_minor", "currency", "at")

_SANDBOX_CHARGE = (
    "key",
    "reference",
    "amount_minor",
    "captured_minor",
    "currency",
    "decline_code",
    "charged",
    "state",
    "created_at",
)
_SANDBOX_REFUND = ("key", "reference", "charge_reference", "amount_minor", "currency", "created_at")


def _payment(row: PaymentRow) -> tuple[Any, ...]:
    return (
        row.id,
        f"history:{row.id}",
        row.order_id,
        row.customer_id,
        row.amount_minor,
        row.currency,
        row.token,
        _status(row),
        row.amount_minor,
        row.refunded_minor,
        row.refunded_minor,
        f"history_{row.id}",
        row.created_at,
    )


def _status(row: PaymentRow) -> PaymentStatus:
    if not row.refunded_minor:
        return PaymentStatus.CAPTURED
    return PaymentStatus.REFUNDED if row.refunded_minor == row.amount_minor else PaymentStatus.PARTIALLY_REFUNDED


def _events(row: PaymentRow) -> Iterator[tuple[Any, ...]]:
    told = [
        (EventKind.CHARGE_REQUESTED, row.amount_minor, row.created_at),
        (EventKind.CHARGE_SUCCEEDED, row.amount_minor, row.created_at),
    ]
    if row.refunded_minor:
        at = row.refunded_at or row.created_at
        told.append((EventKind.REFUND_REQUESTED, row.refunded_minor, at))
        told.append((EventKind.REFUND_SUCCEEDED, row.refunded_minor, at))
    for kind, minor, at in told:
        yield (row.id, kind, minor, row.currency, f"history_{row.id}", at)


def _refund(row: PaymentRow) -> tuple[Any, ...]:
    return (
        row.refund_id,
        row.id,
        f"history:{row.refund_id}",
        row.refunded_minor,
        row.currency,
        row.refund_reason,
        "SUCCEEDED",
        f"history_{row.refund_id}",
        row.refunded_at or row.created_at,
    )


def _entries(row: PaymentRow) -> Iterator[tuple[Any, ...]]:
    for entry in capture_entries(Money(row.amount_minor, row.currency)):
        yield (row.id, row.id, entry.account, entry.side, entry.amount.minor, row.currency, row.created_at)
    if row.refunded_minor:
        at = row.refunded_at or row.created_at
        for entry in refund_entries(Money(row.refunded_minor, row.currency)):
            yield (row.refund_id, row.id, entry.account, entry.side, entry.amount.minor, row.currency, at)


def _sandbox_charge(row: PaymentRow) -> tuple[Any, ...]:
    amount = (row.amount_minor, row.amount_minor, row.currency)
    return (f"history:{row.id}", f"history_{row.id}", *amount, "", True, "CHARGED", row.created_at)


def _sandbox_refund(row: PaymentRow) -> tuple[Any, ...]:
    at = row.refunded_at or row.created_at
    names = (f"history:{row.refund_id}", f"history_{row.refund_id}", f"history_{row.id}")
    return (*names, row.refunded_minor, row.currency, at)


async def _copy(
    connection: asyncpg.Connection, table: str, columns: tuple[str, ...], records: Iterable[tuple[Any, ...]]
) -> None:
    await connection.copy_records_to_table(table, schema_name=SCHEMA, columns=columns, records=records)
