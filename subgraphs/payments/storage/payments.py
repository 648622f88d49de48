"""Statements over payments, refunds, their events and the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, case, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.money import Money
from subgraphs.payments.domain.ledger import Entry
from subgraphs.payments.domain.payment import (
    PAYMENT,
    EventKind,
    Payment,
    PaymentEvent,
    PaymentStatus,
    Refund,
    RefundStatus,
)
from subgraphs.payments.domain.provider import Accepted, Answer
from subgraphs.payments.storage.tables import ledger_entries, payment_events, payments, refunds


async def claim(session: AsyncSession, payment: Payment, due_at: datetime) -> bool:
    """Store a new payment and its first event in one statement; False when its key is taken."""
    row = {
        "id": payment.id,
        "idempotency_key": payment.idempotency_key,
        "order_id": payment.order_id,
        "customer_id": payment.customer_id,
        "amount_minor": payment.amount.minor,
        "currency": payment.amount.currency,
        "token": payment.token,
        "status": payment.status,
        "due_at": due_at,
        "created_at": payment.created_at,
    }
    claimed = upsert(payments).values(row).on_conflict_do_nothing().returning(payments.c.id).cte("claimed")
    first = PaymentEvent(kind=EventKind.CHARGE_REQUESTED, amount=payment.amount, at=payment.created_at)
    told = insert(payment_events).from_select(_EVENT_COLUMNS, _event_of(claimed.c.id, first)).cte("told")
    return (await session.execute(select(claimed.c.id).add_cte(told))).first() is not None


async def by_key(session: AsyncSession, key: str) -> Payment | None:
    """Find the payment of an idempotency key."""
    return await _one(session, select(payments).where(payments.c.idempotency_key == key))


async def by_id(session: AsyncSession, payment_id: str, *, lock: bool = False) -> Payment | None:
    """Find a payment, locked until the transaction ends if asked for."""
    statement = select(payments).where(payments.c.id == payment_id)
    return await _one(session, statement.with_for_update() if lock else statement)


async def of_orders(session: AsyncSession, order_ids: Sequence[str]) -> dict[str, list[Payment]]:
    """Find the payments of many orders, the first attempt of each first."""
    statement = select(payments).where(payments.c.order_id.in_(order_ids)).order_by(payments.c.id)
    found: dict[str, list[Payment]] = {}
    for row in (await session.execute(statement)).mappings():
        found.setdefault(row["order_id"], []).append(_payment(row))
    return found


async def refunds_of(session: AsyncSession, payment_ids: Sequence[str]) -> dict[str, list[Refund]]:
    """Find the refunds of many payments, the oldest of each first."""
    statement = select(refunds).where(refunds.c.payment_id.in_(payment_ids)).order_by(refunds.c.id)
    found: dict[str, list[Refund]] = {}
    for row in (await session.execute(statement)).mappings():
        found.setdefault(row["payment_id"], []).append(_refund(row))
    return found


async def events_of(session: AsyncSession, payment_ids: Sequence[str]) -> dict[str, list[PaymentEvent]]:
    """Find the events of many payments, the oldest of each first."""
    table = payment_events.c
    statement = select(payment_events).where(table.payment_id.in_(payment_ids)).order_by(table.position)
    found: dict[str, list[PaymentEvent]] = {}
    for row in (await session.execute(statement)).mappings():
        found.setdefault(row["payment_id"], []).append(_event(row))
    return found


async def settle(
    session: AsyncSession, payment: Payment, answer: Answer, event: PaymentEvent, entries: Sequence[Entry]
) -> bool:
    """Write the provider's answer to a payment that is still pending, with its event and ledger entries.

    Returns:
        False when another answer came first; nothing is written then.
    """
    changes: dict[str, Any] = (
        {"status": PaymentStatus.CAPTURED, "provider_reference": answer.reference}
        if isinstance(answer, Accepted)
        else {"status": PaymentStatus.DECLINED, "decline_code": answer.code, "retryable": answer.retryable}
    )
    settled = (
        update(payments)
        .where(payments.c.id == payment.id, payments.c.status.in_(PAYMENT.before(changes["status"])))
        .values(**changes, due_at=None)
        .returning(payments.c.id)
        .cte("settled")
    )
    told = insert(payment_events).from_select(_EVENT_COLUMNS, _event_of(settled.c.id, event)).cte("told")
    booked = [
        insert(ledger_entries)
        .from_select(_ENTRY_COLUMNS, _entry_of(settled.c.id, settled.c.id, entry, event.at))
        .cte(f"booked_{at}")
        for at, entry in enumerate(entries)
    ]
    return (await session.execute(select(settled.c.id).add_cte(told, *booked))).first() is not None


async def append(
    session: AsyncSession, payment_id: str, event: PaymentEvent, transaction_id: str = "", entries: Sequence[Entry] = ()
) -> None:
    """Add an event and the ledger entries that it stands for, in one statement."""
    statement = insert(payment_events).from_select(_EVENT_COLUMNS, _event_of(literal(payment_id), event))
    booked = [
        insert(ledger_entries)
        .from_select(_ENTRY_COLUMNS, _entry_of(literal(transaction_id), literal(payment_id), entry, event.at))
        .cte(f"booked_{at}")
        for at, entry in enumerate(entries)
    ]
    await session.execute(statement.add_cte(*booked))


async def refund_by_key(session: AsyncSession, key: str) -> Refund | None:
    """Find the refund of an idempotency key."""
    row = (await session.execute(select(refunds).where(refunds.c.idempotency_key == key))).mappings().first()
    return None if row is None else _refund(row)


async def claim_refund(session: AsyncSession, refund: Refund, due_at: datetime) -> None:
    """Store a new refund and set its amount of the payment aside."""
    aside = (
        update(payments)
        .where(payments.c.id == refund.payment_id)
        .values(claimed_refund_minor=payments.c.claimed_refund_minor + refund.amount.minor)
    )
    statement = insert(refunds).values(
        id=refund.id,
        payment_id=refund.payment_id,
        idempotency_key=refund.idempotency_key,
        amount_minor=refund.amount.minor,
        currency=refund.amount.currency,
        reason=refund.reason,
        status=refund.status,
        due_at=due_at,
        created_at=refund.created_at,
    )
    await session.execute(statement.add_cte(aside.cte("aside")))


async def settle_refund(session: AsyncSession, refund: Refund, answer: Answer) -> bool:
    """Write the provider's answer to a refund that is still pending; False when another came first."""
    accepted = isinstance(answer, Accepted)
    statement = (
        update(refunds)
        .where(refunds.c.id == refund.id, refunds.c.status == RefundStatus.PENDING)
        .values(
            status=RefundStatus.SUCCEEDED if accepted else RefundStatus.DECLINED,
            provider_reference=answer.reference if isinstance(answer, Accepted) else "",
            due_at=None,
        )
        .returning(refunds.c.id)
    )
    if (await session.execute(statement)).first() is None:
        return False
    await session.execute(_given_back(refund) if accepted else _kept(refund))
    return True


async def due_payments(session: AsyncSession, now: datetime, again_at: datetime, limit: int) -> list[Payment]:
    """Take up pending payments whose time has come; nobody else gets them before `again_at`."""
    due = select(payments.c.id).where(payments.c.status == PaymentStatus.PENDING, payments.c.due_at <= now)
    taken = due.limit(limit).with_for_update(skip_locked=True)
    statement = update(payments).where(payments.c.id.in_(taken)).values(due_at=again_at).returning(payments)
    return [_payment(row) for row in (await session.execute(statement)).mappings()]


async def due_refunds(session: AsyncSession, now: datetime, again_at: datetime, limit: int) -> list[Refund]:
    """Take up pending refunds whose time has come; nobody else gets them before `again_at`."""
    due = select(refunds.c.id).where(refunds.c.status == RefundStatus.PENDING, refunds.c.due_at <= now)
    taken = due.limit(limit).with_for_update(skip_locked=True)
    statement = update(refunds).where(refunds.c.id.in_(taken)).values(due_at=again_at).returning(refunds)
    return [_refund(row) for row in (await session.execute(statement)).mappings()]


def _given_back(refund: Refund) -> Any:
    refunded = payments.c.refunded_minor + refund.amount.minor
    status = case(
        (refunded == payments.c.amount_minor, str(PaymentStatus.REFUNDED)),
        else_=str(PaymentStatus.PARTIALLY_REFUNDED),
    )
    return update(payments).where(payments.c.id == refund.payment_id).values(refunded_minor=refunded, status=status)


def _kept(refund: Refund) -> Any:
    claimed = payments.c.claimed_refund_minor - refund.amount.minor
    return update(payments).where(payments.c.id == refund.payment_id).values(claimed_refund_minor=claimed)


_EVENT_COLUMNS = ["payment_id", "kind", "amount_minor", "currency", "provider_reference", "code", "at"]
_ENTRY_COLUMNS = ["transaction_id", "payment_id", "account", "side", "amount_minor", "currency", "at"]


def _event_of(payment_id: ColumnElement[str], event: PaymentEvent) -> Select[*tuple[Any, ...]]:
    return select(
        payment_id,
        literal(str(event.kind)),
        literal(event.amount.minor),
        literal(event.amount.currency),
        literal(event.provider_reference),
        literal(event.code),
        literal(event.at),
    )


def _entry_of(
    transaction_id: ColumnElement[str], payment_id: ColumnElement[str], entry: Entry, at: datetime
) -> Select[*tuple[Any, ...]]:
    return select(
        transaction_id,
        payment_id,
        literal(str(entry.account)),
        literal(str(entry.side)),
        literal(entry.amount.minor),
        literal(entry.amount.currency),
        literal(at),
    )


async def _one(session: AsyncSession, statement: Select[Any]) -> Payment | None:
    row = (await session.execute(statement)).mappings().first()
    return None if row is None else _payment(row)


def _payment(row: RowMapping) -> Payment:
    return Payment(
        id=row["id"],
        idempotency_key=row["idempotency_key"],
        order_id=row["order_id"],
        customer_id=row["customer_id"],
        amount=Money(row["amount_minor"], row["currency"]),
        token=row["token"],
        status=PaymentStatus(row["status"]),
        refunded=Money(row["refunded_minor"], row["currency"]),
        provider_reference=row["provider_reference"],
        decline_code=row["decline_code"],
        retryable=row["retryable"],
        created_at=row["created_at"],
    )


def _refund(row: RowMapping) -> Refund:
    return Refund(
        id=row["id"],
        payment_id=row["payment_id"],
        idempotency_key=row["idempotency_key"],
        amount=Money(row["amount_minor"], row["currency"]),
        reason=row["reason"],
        status=RefundStatus(row["status"]),
        provider_reference=row["provider_reference"],
        created_at=row["created_at"],
    )


def _event(row: RowMapping) -> PaymentEvent:
    return PaymentEvent(
        kind=EventKind(row["kind"]),
        amount=Money(row["amount_minor"], row["currency"]),
        at=row["at"],
        provider_reference=row["provider_reference"],
        code=row["code"],
    )
