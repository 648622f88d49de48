"""Deliveries to partners in PostgreSQL: written once for each event and endpoint, claimed, settled, logged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Row, delete, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.envelope import Event
from kernel.ids import new_id
from kernel.pagination import Page, Slice, SortKey, apply_page, slice_rows
from subgraphs.notifications.domain.offers import facts_of
from subgraphs.notifications.domain.webhooks import Attempt, Delivery, DeliveryState
from subgraphs.notifications.storage.tables import webhook_attempts as log
from subgraphs.notifications.storage.tables import webhook_deliveries as table

_NEWEST_FIRST: Final = (
    SortKey("created_at", table.c.created_at, datetime, descending=True),
    SortKey("id", table.c.id, str, descending=True),
)
_ENLIST: Final = text(
    """
    INSERT INTO webhook_deliveries
        (id, endpoint_id, event_id, event_type, happened_at, customer_id, facts, state, due_at, created_at)
    SELECT :prefix || substr(md5(id || :event_id), 1, 12), id, :event_id, :event_type, :happened_at, :customer_id,
           CAST(:facts AS jsonb), 'pending', :now, :now
    FROM webhook_endpoints WHERE state = 'enabled' AND event_types @> ARRAY[CAST(:event_type AS text)]
    ON CONFLICT DO NOTHING
    """
)
# Of each endpoint only some at a time, so that one with a long queue leaves room for the others.
_CLAIM: Final = text(
    """
    UPDATE webhook_deliveries SET attempts = attempts + 1, due_at = :until
    WHERE id IN (
        SELECT due.id FROM webhook_endpoints AS endpoint CROSS JOIN LATERAL (
            SELECT id, due_at FROM webhook_deliveries
            WHERE endpoint_id = endpoint.id AND state = 'pending' AND due_at <= :now
            ORDER BY due_at, id LIMIT :each FOR UPDATE SKIP LOCKED
        ) AS due
        WHERE endpoint.state = 'enabled' AND NOT endpoint.id = ANY(:busy)
        ORDER BY due.due_at LIMIT :at_most)
    RETURNING *
    """
)


async def enlist(session: AsyncSession, event: Event, now: datetime) -> None:
    """Write a delivery of an event for each endpoint that wants it; what is there already stays."""
    data: Any = event.data
    person = getattr(data, "customer_id", None) or getattr(data, "user_id", None)
    facts = {
        "prefix": new_id("whd")[:-12],
        "event_id": event.id,
        "event_type": event.type,
        "happened_at": event.time,
        "customer_id": person,
        "facts": orjson.dumps(facts_of(data)).decode(),
        "now": now,
    }
    await session.execute(_ENLIST, facts)


async def add(session: AsyncSession, delivery: Delivery) -> None:
    """Store one delivery."""
    await session.execute(insert(table).values(**asdict(delivery)))


async def claim_due(
    session: AsyncSession, now: datetime, *, until: datetime, busy: Collection[str], each: int, at_most: int
) -> list[Delivery]:
    """Take deliveries that are due, some of each endpoint that is not busy; nobody else takes them before `until`."""
    facts = {"now": now, "until": until, "busy": list(busy), "each": each, "at_most": at_most}
    return [_delivery(row) for row in await session.execute(_CLAIM, facts)]


async def claim(session: AsyncSession, delivery_id: str, until: datetime) -> Delivery | None:
    """Take one delivery, whatever its state, for another try that comes at once."""
    claimed = await session.execute(
        update(table)
        .where(table.c.id == delivery_id)
        .values(attempts=table.c.attempts + 1, due_at=until, state=DeliveryState.PENDING, settled_at=None)
        .returning(table)
    )
    row = claimed.one_or_none()
    return _delivery(row) if row else None


async def keep_body(session: AsyncSession, delivery_id: str, body: str) -> None:
    """Keep what is sent, so that every try sends the same."""
    await session.execute(update(table).where(table.c.id == delivery_id).values(body=body))


async def settle(session: AsyncSession, delivery_id: str, state: DeliveryState, now: datetime) -> None:
    """Note that a delivery was taken or given up."""
    await session.execute(update(table).where(table.c.id == delivery_id).values(state=state, settled_at=now))


async def postpone(session: AsyncSession, delivery_id: str, due_at: datetime) -> None:
    """Note when a delivery is tried again."""
    await session.execute(update(table).where(table.c.id == delivery_id).values(due_at=due_at))


async def note_attempt(session: AsyncSession, attempt: Attempt) -> None:
    """Add a try to the log."""
    await session.execute(insert(log).values(**asdict(attempt)).on_conflict_do_nothing())


async def find(session: AsyncSession, delivery_id: str) -> Delivery | None:
    """Read a delivery."""
    row = (await session.execute(select(table).where(table.c.id == delivery_id))).one_or_none()
    return _delivery(row) if row else None


async def page_of(
    session: AsyncSession, endpoint_id: str, page: Page, state: DeliveryState | None = None
) -> Slice[Delivery]:
    """Read one page of an endpoint's deliveries, newest first."""
    query = select(table).where(table.c.endpoint_id == endpoint_id)
    if state is not None:
        query = query.where(table.c.state == state)
    rows = (await session.execute(apply_page(query, page, _NEWEST_FIRST))).all()
    return slice_rows(rows, page, _NEWEST_FIRST, lambda row: (row.created_at, row.id)).map(_delivery)


async def attempts_of(session: AsyncSession, delivery_ids: Sequence[str]) -> dict[str, list[Attempt]]:
    """Read the tries of many deliveries, each in their order."""
    rows = await session.execute(select(log).where(log.c.delivery_id.in_(delivery_ids)).order_by(log.c.number))
    found: dict[str, list[Attempt]] = defaultdict(list)
    for row in rows:
        found[row.delivery_id].append(Attempt(**row._asdict()))
    return found


async def replay_failed(session: AsyncSession, endpoint_id: str, since: datetime, now: datetime) -> int:
    """Have all that was given up since then tried once more; tell how many."""
    again = await session.execute(
        update(table)
        .where(
            table.c.endpoint_id == endpoint_id,
            table.c.state == DeliveryState.FAILED,
            table.c.created_at >= since,
        )
        .values(state=DeliveryState.PENDING, due_at=now, settled_at=None)
        .returning(literal(1))
    )
    return len(again.all())


async def newest_event(session: AsyncSession, event_type: str) -> dict[str, Any] | None:
    """Give the newest event of a type that came by here."""
    query = text("SELECT event FROM inbox WHERE consumer = :consumer AND type = :type ORDER BY position DESC LIMIT 1")
    facts = {"consumer": "notifications.webhooks", "type": event_type}
    return (await session.execute(query, facts)).scalar_one_or_none()


async def forget_before(session: AsyncSession, moment: datetime, *, at_most: int) -> int:
    """Delete old deliveries with their logs; tell how many."""
    old = select(table.c.id).where(table.c.created_at < moment).limit(at_most)
    gone = await session.execute(delete(table).where(table.c.id.in_(old)).returning(literal(1)))
    return len(gone.all())


async def count_pending(session: AsyncSession, endpoint_ids: Sequence[str]) -> dict[str, int]:
    """Count what endpoints still wait for."""
    query = (
        select(table.c.endpoint_id, func.count().label("waiting"))
        .where(table.c.endpoint_id.in_(endpoint_ids), table.c.state == DeliveryState.PENDING)
        .group_by(table.c.endpoint_id)
    )
    return {row.endpoint_id: row.waiting for row in await session.execute(query)}


def _delivery(row: Row[Any]) -> Delivery:
    values: dict[str, Any] = {each.name: getattr(row, each.name) for each in fields(Delivery)}
    values["state"] = DeliveryState(row.state)
    return Delivery(**values)
