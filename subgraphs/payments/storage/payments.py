"""Statements over payments, their events and the ledger. What moves money always books it in the same statement."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, RowMapping, Select, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.money import Money
from subgraphs.payments.domain.ledger import Account, Balance, Entry
from subgraphs.payments.domain.payment import EventKind, Payment, PaymentEvent, PaymentStatus
from subgraphs.payments.domain.settling import Posting
from subgraphs.payments.storage.tables import ledger_entries, payment_events, payments


async def claim(session: AsyncSession, payment: Payment, due_at: datetime) -> bool:
    """Store a new payment and its first event in one statement; False when its key is taken."""
    row = {
        "id": payment.id,
        "idempotency_key": payment.idempotency_key,
        "order_id": payment.order_id,
        "customer_id": payment.customer_id,
        "amount_minor": payment.amount.minor,
        "currency": payment.amount.currency,
        "provider": payment.provider,
        "token": payment.token,
        "capture": payment.capture,
        "status": payment.status,
        "due_at": due_at,
        "created_at": payment.created_at,
    }
    claimed = upsert(payments).values(row).on_conflict_do_nothing().returning(payments.c.id).cte("claimed")
    first = PaymentEvent(kind=EventKind.CHARGE_REQUESTED, amount=payment.amount, at=payment.created_at)
    told = insert(payment_events).from_select(_EVENT_COLUMNS, _event_of(claimed.c.id, first)).cte("told")
    return (await session.execute(select(claimed.c.id).add_cte(told))).first() is not None


async def post(
    session: AsyncSession,
    payment: Payment,
    postings: Sequence[Posting],
    *,
    expected: Collection[PaymentStatus],
    due_at: datetime | None = None,
) -> bool:
    """Write events and entries, and the payment as it is after them, unless it is in none of the `expected` states.

    Who expects a state that others can leave must hold the payment's lock.

    Returns:
        False when somebody else came first; nothing is written then.
    """
    changed = (
        update(payments)
        .where(payments.c.id == payment.id, payments.c.status.in_(expected))
        .values(
            status=payment.status,
            captured_minor=payment.captured.minor,
            claimed_refund_minor=payment.refunding.minor + payment.refunded.minor,
            refunded_minor=payment.refunded.minor,
            charged_back_minor=payment.charged_back.minor,
            fees_minor=payment.fees.minor,
            provider_reference=payment.provider_reference,
            decline_code=payment.decline_code,
            retryable=payment.retryable,
            action_url=payment.action_url,
            due_at=due_at,
        )
        .returning(payments.c.id)
        .cte("changed")
    )
    written = [
        part for at, posting in enumerate(postings) for part in _insertions(changed.c.id, posting, f"{at}", payment.id)
    ]
    return (await session.execute(select(changed.c.id).add_cte(*written))).first() is not None


async def by_key(session: AsyncSession, key: str) -> Payment | None:
    """Find the payment of an idempotency key."""
    return await _one(session, select(payments).where(payments.c.idempotency_key == key))


async def by_id(session: AsyncSession, payment_id: str, *, lock: bool = False) -> Payment | None:
    """Find a payment, locked until the transaction ends if asked for."""
    statement = select(payments).where(payments.c.id == payment_id)
    return await _one(session, statement.with_for_update() if lock else statement)


async def by_reference(session: AsyncSession, provider: str, reference: str) -> Payment | None:
    """Find the payment that a provider knows by a reference."""
    known = (payments.c.provider == provider, payments.c.provider_reference == reference)
    return await _one(session, select(payments).where(*known))


async def of_orders(session: AsyncSession, order_ids: Sequence[str]) -> dict[str, list[Payment]]:
    """Find the payments of many orders, the first attempt of each first."""
    statement = select(payments).where(payments.c.order_id.in_(order_ids)).order_by(payments.c.id)
    found: dict[str, list[Payment]] = {}
    for row in (await session.execute(statement)).mappings():
        found.setdefault(row["order_id"], []).append(payment_of(row))
    return found


async def events_of(session: AsyncSession, payment_ids: Sequence[str]) -> dict[str, list[PaymentEvent]]:
    """Find the events of many payments, the oldest of each first."""
    table = payment_events.c
    statement = select(payment_events).where(table.payment_id.in_(payment_ids)).order_by(table.position)
    found: dict[str, list[PaymentEvent]] = {}
    for row in (await session.execute(statement)).mappings():
        found.setdefault(row["payment_id"], []).append(_event(row))
    return found


async def due(session: AsyncSession, now: datetime, again_at: datetime, limit: int) -> list[Payment]:
    """Take up undecided payments whose time has come; nobody else gets them before `again_at`."""
    waiting = select(payments.c.id).where(payments.c.due_at <= now).order_by(payments.c.due_at)
    taken = waiting.limit(limit).with_for_update(skip_locked=True)
    statement = update(payments).where(payments.c.id.in_(taken)).values(due_at=again_at).returning(payments)
    return [payment_of(row) for row in (await session.execute(statement)).mappings()]


async def balances(session: AsyncSession) -> list[Balance]:
    """Read what every account holds: debits less credits."""
    entry = ledger_entries.c
    signed = func.sum(entry.amount_minor).filter(entry.side == "DEBIT")
    credit = func.sum(entry.amount_minor).filter(entry.side == "CREDIT")
    total = (func.coalesce(signed, 0) - func.coalesce(credit, 0)).label("total")
    statement = select(entry.account, entry.currency, total).group_by(entry.account, entry.currency)
    rows = (await session.execute(statement.order_by(entry.account, entry.currency))).mappings()
    return [Balance(Account(row["account"]), Money(int(row["total"]), row["currency"])) for row in rows]


_EVENT_COLUMNS = ["payment_id", "kind", "amount_minor", "currency", "provider_reference", "code", "at"]
_ENTRY_COLUMNS = ["transaction_id", "payment_id", "account", "side", "amount_minor", "currency", "at"]


def _insertions(changed: ColumnElement[str], posting: Posting, name: str, payment_id: str) -> list[CTE]:
    event, transaction = posting.event, literal(posting.transaction_id or payment_id)
    told = insert(payment_events).from_select(_EVENT_COLUMNS, _event_of(changed, event)).cte(f"told_{name}")
    booked = [
        insert(ledger_entries)
        .from_select(_ENTRY_COLUMNS, _entry_of(transaction, changed, entry, event.at))
        .cte(f"booked_{name}_{at}")
        for at, entry in enumerate(posting.entries)
    ]
    return [told, *booked]


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
    return None if row is None else payment_of(row)


def payment_of(row: RowMapping) -> Payment:
    """Read a row of payments."""
    currency = row["currency"]
    return Payment(
        id=row["id"],
        idempotency_key=row["idempotency_key"],
        order_id=row["order_id"],
        customer_id=row["customer_id"],
        provider=row["provider"],
        amount=Money(row["amount_minor"], currency),
        token=row["token"],
        capture=row["capture"],
        status=PaymentStatus(row["status"]),
        captured=Money(row["captured_minor"], currency),
        refunding=Money(row["claimed_refund_minor"] - row["refunded_minor"], currency),
        refunded=Money(row["refunded_minor"], currency),
        charged_back=Money(row["charged_back_minor"], currency),
        fees=Money(row["fees_minor"], currency),
        provider_reference=row["provider_reference"],
        decline_code=row["decline_code"],
        retryable=row["retryable"],
        action_url=row["action_url"],
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
