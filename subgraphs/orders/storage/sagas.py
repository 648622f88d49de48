"""Statements over sagas. Whoever writes one names the attempt they run as, so a runner that lost it writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, RowMapping, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.pagination import Page, Slice, SortKey, apply_page, slice_rows
from subgraphs.orders.domain.errors import LeaseLostError
from subgraphs.orders.domain.saga import Failure, Saga, SagaKind, Step, StepName, StepStatus
from subgraphs.orders.domain.status import SagaStatus
from subgraphs.orders.storage.tables import saga_steps, sagas

NEWEST_FIRST = (SortKey("id", sagas.c.id, str, descending=True),)
"""The order of every list of sagas; their ids rise with time."""

LIVE = (SagaStatus.RUNNING, SagaStatus.WAITING, SagaStatus.COMPENSATING)
"""States of a saga that somebody has to carry on."""


def insertions(saga: Saga, key: str, fingerprint: str, due_at: datetime, at: datetime) -> tuple[CTE, CTE]:
    """Say how to insert a saga and its steps, as parts of a larger statement."""
    row = {
        "id": saga.id,
        "kind": saga.kind,
        "order_id": saga.order_id,
        "checkout_id": saga.checkout_id,
        "idempotency_key": key,
        "fingerprint": fingerprint,
        "status": saga.status,
        "data": dict(saga.data),
        "attempt": saga.attempt,
        "due_at": due_at,
        "created_at": at,
        "updated_at": at,
    }
    steps = [
        {
            "saga_id": saga.id,
            "position": position,
            "name": step.name,
            "status": step.status,
            "result": dict(step.result),
            "finished_at": None if step.status == StepStatus.PENDING else at,
        }
        for position, step in enumerate(saga.steps)
    ]
    return insert(sagas).values(row).cte("saga_added"), insert(saga_steps).values(steps).cte("steps_added")


async def add(
    session: AsyncSession, saga: Saga, key: str, due_at: datetime, at: datetime, *, fingerprint: str = ""
) -> None:
    """Store a new saga with its steps."""
    first, second = insertions(saga, key, fingerprint, due_at, at)
    await session.execute(select(literal(1)).add_cte(first, second))


async def by_id(session: AsyncSession, saga_id: str) -> Saga | None:
    """Read a saga with its steps."""
    found = await _read(session, sagas.c.id == saga_id)
    return found[0] if found else None


async def of_orders(session: AsyncSession, order_ids: Sequence[str]) -> dict[str, list[Saga]]:
    """Read the sagas of many orders, the oldest of each first."""
    found: dict[str, list[Saga]] = {}
    for saga in await _read(session, sagas.c.order_id.in_(order_ids)):
        found.setdefault(saga.order_id, []).append(saga)
    return found


async def by_key(session: AsyncSession, checkout_id: str, key: str) -> tuple[Saga, str] | None:
    """Read the saga that an idempotency key started, with the fingerprint of its request."""
    started = (sagas.c.checkout_id == checkout_id) & (sagas.c.idempotency_key == key)
    fingerprint = (await session.execute(select(sagas.c.fingerprint).where(started))).scalar()
    if fingerprint is None:
        return None
    return (await _read(session, started))[0], fingerprint


async def take_due(session: AsyncSession, due_by: datetime, lease_until: datetime, limit: int) -> list[Saga]:
    """Take up unfinished sagas that are due by then; whoever ran them before is fenced off."""
    due = select(sagas.c.id).where(sagas.c.status.in_(LIVE), sagas.c.due_at <= due_by).order_by(sagas.c.due_at)
    taken = due.limit(limit).with_for_update(skip_locked=True)
    statement = (
        update(sagas)
        .where(sagas.c.id.in_(taken))
        .values(attempt=sagas.c.attempt + 1, due_at=lease_until)
        .returning(sagas.c.id)
    )
    ids = (await session.execute(statement)).scalars().all()
    return await _read(session, sagas.c.id.in_(ids)) if ids else []


async def take(session: AsyncSession, saga_id: str, lease_until: datetime) -> Saga | None:
    """Take one saga up, whoever runs it; that runner is fenced off."""
    taken = update(sagas).where(sagas.c.id == saga_id).values(attempt=sagas.c.attempt + 1, due_at=lease_until)
    await session.execute(taken)
    return await by_id(session, saga_id)


async def page_of(session: AsyncSession, page: Page, statuses: Sequence[SagaStatus] = ()) -> Slice[Saga]:
    """Read a page of all sagas, the newest first."""
    ids = select(sagas.c.id).where(sagas.c.status.in_(statuses)) if statuses else select(sagas.c.id)
    wanted = apply_page(ids, page, NEWEST_FIRST).scalar_subquery()
    found = await _read(session, sagas.c.id.in_(wanted))
    found.sort(key=lambda saga: saga.id, reverse=not page.backwards)
    return slice_rows(found, page, NEWEST_FIRST, lambda saga: (saga.id,))


async def wake(session: AsyncSession, order_id: str, at: datetime) -> None:
    """Let the waiting saga of an order be carried on now."""
    waiting = (sagas.c.order_id == order_id) & (sagas.c.status == SagaStatus.WAITING) & (sagas.c.due_at > at)
    await session.execute(update(sagas).where(waiting).values(due_at=at))


async def store(
    session: AsyncSession,
    saga: Saga,
    *,
    at: datetime,
    due_at: datetime,
    step: StepName | None = None,
    together: Sequence[CTE] = (),
) -> None:
    """Write a saga's state, the step that has changed, and what belongs to it, all in one statement.

    Raises:
        LeaseLostError: another runner has taken the saga up since; the transaction must not commit.
    """
    written = (
        update(sagas)
        .where(sagas.c.id == saga.id, sagas.c.attempt == saga.attempt)
        .values(
            status=saga.status,
            tries=saga.tries,
            failure=asdict(saga.failure) if saga.failure else None,
            due_at=due_at,
            updated_at=at,
        )
        .returning(sagas.c.id)
        .cte("written")
    )
    parts = [*together, *([_step_change(saga, step, at)] if step else [])]
    if (await session.execute(select(written.c.id).add_cte(*parts))).first() is None:
        raise LeaseLostError(f"saga {saga.id} is carried on by another runner")


def _step_change(saga: Saga, name: StepName, at: datetime) -> CTE:
    changed = next(step for step in saga.steps if step.name == name)
    statement = update(saga_steps).where(saga_steps.c.saga_id == saga.id, saga_steps.c.name == name)
    return statement.values(status=changed.status, result=dict(changed.result), finished_at=at).cte("step_changed")


async def _read(session: AsyncSession, condition: Any) -> list[Saga]:
    steps = (
        saga_steps.c.name.label("step_name"),
        saga_steps.c.status.label("step_status"),
        saga_steps.c.result.label("step_result"),
        saga_steps.c.finished_at.label("step_finished_at"),
    )
    statement = select(sagas, *steps).join(saga_steps).where(condition).order_by(sagas.c.id, saga_steps.c.position)
    by_saga: dict[str, list[RowMapping]] = {}
    for row in (await session.execute(statement)).mappings():
        by_saga.setdefault(row["id"], []).append(row)
    return [_saga(rows) for rows in by_saga.values()]


def _saga(rows: Sequence[RowMapping]) -> Saga:
    head = rows[0]
    return Saga(
        id=head["id"],
        kind=SagaKind(head["kind"]),
        order_id=head["order_id"],
        checkout_id=head["checkout_id"],
        status=SagaStatus(head["status"]),
        steps=tuple(_step(row) for row in rows),
        data=head["data"],
        attempt=head["attempt"],
        tries=head["tries"],
        failure=Failure(**head["failure"]) if head["failure"] else None,
        created_at=head["created_at"],
    )


def _step(row: RowMapping) -> Step:
    return Step(StepName(row["step_name"]), StepStatus(row["step_status"]), row["step_result"], row["step_finished_at"])
