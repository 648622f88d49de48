"""Statements over what is asked for after a charge: refunds, captures and voids; and over chargebacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.money import Money
from subgraphs.payments.domain.payment import (
    Chargeback,
    ChargebackStatus,
    Operation,
    OperationKind,
    Progress,
    Refund,
)
from subgraphs.payments.storage.tables import chargebacks, operations, refunds


async def refund_by_key(session: AsyncSession, key: str) -> Refund | None:
    """Find the refund of an idempotency key."""
    row = (await session.execute(select(refunds).where(refunds.c.idempotency_key == key))).mappings().first()
    return None if row is None else _refund(row)


async def refunds_of(session: AsyncSession, payment_ids: Sequence[str]) -> dict[str, list[Refund]]:
    """Find the refunds of many payments, the oldest of each first."""
    statement = select(refunds).where(refunds.c.payment_id.in_(payment_ids)).order_by(refunds.c.id)
    found: dict[str, list[Refund]] = {}
    for row in (await session.execute(statement)).mappings():
        found.setdefault(row["payment_id"], []).append(_refund(row))
    return found


async def add_refund(session: AsyncSession, refund: Refund, due_at: datetime) -> None:
    """Store a new refund."""
    row = {
        "id": refund.id,
        "payment_id": refund.payment_id,
        "idempotency_key": refund.idempotency_key,
        "amount_minor": refund.amount.minor,
        "currency": refund.amount.currency,
        "reason": refund.reason,
        "status": refund.status,
        "due_at": due_at,
        "created_at": refund.created_at,
    }
    await session.execute(insert(refunds).values(row))


async def settle_refund(session: AsyncSession, refund: Refund, status: Progress, reference: str) -> bool:
    """Write the end of a refund that is still pending; False when it was written before."""
    statement = (
        update(refunds)
        .where(refunds.c.id == refund.id, refunds.c.status == Progress.PENDING)
        .values(status=status, provider_reference=reference, due_at=None)
        .returning(refunds.c.id)
    )
    return (await session.execute(statement)).first() is not None


async def due_refunds(session: AsyncSession, now: datetime, again_at: datetime, limit: int) -> list[Refund]:
    """Take up pending refunds whose time has come; nobody else gets them before `again_at`."""
    due = select(refunds.c.id).where(refunds.c.status == Progress.PENDING, refunds.c.due_at <= now)
    taken = due.limit(limit).with_for_update(skip_locked=True)
    statement = update(refunds).where(refunds.c.id.in_(taken)).values(due_at=again_at).returning(refunds)
    return [_refund(row) for row in (await session.execute(statement)).mappings()]


async def operation_by_key(session: AsyncSession, key: str) -> Operation | None:
    """Find the capture or void of an idempotency key."""
    row = (await session.execute(select(operations).where(operations.c.idempotency_key == key))).mappings().first()
    return None if row is None else _operation(row)


async def add_operation(session: AsyncSession, operation: Operation, due_at: datetime) -> bool:
    """Store a new capture or void; False when the payment has one already."""
    row = {
        "id": operation.id,
        "payment_id": operation.payment_id,
        "kind": operation.kind,
        "idempotency_key": operation.idempotency_key,
        "amount_minor": operation.amount.minor,
        "currency": operation.amount.currency,
        "status": operation.status,
        "due_at": due_at,
        "created_at": operation.created_at,
    }
    added = upsert(operations).values(row).on_conflict_do_nothing().returning(operations.c.id)
    return (await session.execute(added)).first() is not None


async def settle_operations(session: AsyncSession, payment_id: str, ends: Mapping[OperationKind, Progress]) -> None:
    """Write the end of a payment's pending capture or void, by its kind."""
    for kind, status in ends.items():
        pending = (operations.c.payment_id == payment_id, operations.c.status == Progress.PENDING)
        statement = update(operations).where(*pending, operations.c.kind == kind)
        await session.execute(statement.values(status=status, due_at=None))


async def due_operations(session: AsyncSession, now: datetime, again_at: datetime, limit: int) -> list[Operation]:
    """Take up pending captures and voids whose time has come; nobody else gets them before `again_at`."""
    due = select(operations.c.id).where(operations.c.status == Progress.PENDING, operations.c.due_at <= now)
    taken = due.limit(limit).with_for_update(skip_locked=True)
    statement = update(operations).where(operations.c.id.in_(taken)).values(due_at=again_at).returning(operations)
    return [_operation(row) for row in (await session.execute(statement)).mappings()]


async def chargebacks_of(session: AsyncSession, payment_ids: Sequence[str]) -> dict[str, list[Chargeback]]:
    """Find the chargebacks of many payments, the oldest of each first."""
    statement = select(chargebacks).where(chargebacks.c.payment_id.in_(payment_ids)).order_by(chargebacks.c.id)
    found: dict[str, list[Chargeback]] = {}
    for row in (await session.execute(statement)).mappings():
        found.setdefault(row["payment_id"], []).append(_chargeback(row))
    return found


async def chargeback_by_reference(session: AsyncSession, reference: str) -> Chargeback | None:
    """Find the chargeback that a provider knows by a reference."""
    statement = select(chargebacks).where(chargebacks.c.provider_reference == reference)
    row = (await session.execute(statement)).mappings().first()
    return None if row is None else _chargeback(row)


async def add_chargeback(session: AsyncSession, chargeback: Chargeback) -> None:
    """Store a new chargeback."""
    row = {
        "id": chargeback.id,
        "payment_id": chargeback.payment_id,
        "provider_reference": chargeback.provider_reference,
        "amount_minor": chargeback.amount.minor,
        "currency": chargeback.amount.currency,
        "reason": chargeback.reason,
        "status": chargeback.status,
        "opened_at": chargeback.opened_at,
    }
    await session.execute(insert(chargebacks).values(row))


async def close_chargeback(
    session: AsyncSession, chargeback: Chargeback, status: ChargebackStatus, at: datetime
) -> None:
    """Write how a chargeback ended."""
    statement = update(chargebacks).where(chargebacks.c.id == chargeback.id)
    await session.execute(statement.values(status=status, closed_at=at))


def _refund(row: RowMapping) -> Refund:
    return Refund(
        id=row["id"],
        payment_id=row["payment_id"],
        idempotency_key=row["idempotency_key"],
        amount=Money(row["amount_minor"], row["currency"]),
        reason=row["reason"],
        status=Progress(row["status"]),
        provider_reference=row["provider_reference"],
        created_at=row["created_at"],
    )


def _operation(row: RowMapping) -> Operation:
    return Operation(
        id=row["id"],
        payment_id=row["payment_id"],
        kind=OperationKind(row["kind"]),
        idempotency_key=row["idempotency_key"],
        amount=Money(row["amount_minor"], row["currency"]),
        status=Progress(row["status"]),
        created_at=row["created_at"],
    )


def _chargeback(row: RowMapping) -> Chargeback:
    return Chargeback(
        id=row["id"],
        payment_id=row["payment_id"],
        provider_reference=row["provider_reference"],
        amount=Money(row["amount_minor"], row["currency"]),
        reason=row["reason"],
        status=ChargebackStatus(row["status"]),
        opened_at=row["opened_at"],
        closed_at=row["closed_at"],
    )
