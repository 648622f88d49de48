"""Outbox and inbox: how an event and the change it tells of become one fact, and its effect happens once.

The producer writes the event into its `outbox` in the transaction of the change. Each consumer has a row per
event in the `inbox` of its own schema, unique by (consumer, event); the row is marked done in the transaction
of the effect, so an event that arrives twice finds the row and does nothing. Rows that were given up stay in
the inbox as dead letters, with their reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import telemetry
from kernel.events.catalogue import Payload
from kernel.events.envelope import Event
from kernel.ids import new_id

CHANNEL: Final = "storegraph_events"
"""PostgreSQL notifies here, with `outbox:<schema>` or `inbox:<schema>`, when a commit brings new work."""

FEED: Final = "storegraph_feed"
"""Here, with `<schema> <type> <subject>`, when an event was recorded or a consumer's effect of one was committed."""


def outbox_table(metadata: MetaData) -> Table:
    """Describe the table of events that this schema has published or is about to."""
    return Table(
        "outbox",
        metadata,
        Column("position", BigInteger, Identity(always=True), primary_key=True),
        Column("event_id", Text, nullable=False, unique=True),
        Column("type", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("event", JSONB, nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("published_at", DateTime(timezone=True)),
        Index("outbox_unpublished", "position", postgresql_where=text("published_at IS NULL")),
    )


def inbox_table(metadata: MetaData) -> Table:
    """Describe the table of events that reached this schema's consumers, with what became of each."""
    return Table(
        "inbox",
        metadata,
        Column("consumer", Text, primary_key=True),
        Column("event_id", Text, primary_key=True),
        Column("position", BigInteger, Identity(always=True), nullable=False),
        Column("type", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("event", JSONB, nullable=False),
        Column("state", Text, nullable=False, server_default="pending"),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("due_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("settled_at", DateTime(timezone=True)),
        Column("reason", Text),
        Index("inbox_next", "consumer", "position", postgresql_where=text("state = 'pending'")),
        Index("inbox_of_subject", "subject", "consumer", "position", postgresql_where=text("state = 'pending'")),
        Index("inbox_dead", "consumer", "position", postgresql_where=text("state = 'dead'")),
    )


_METADATA = MetaData()
OUTBOX: Final = outbox_table(_METADATA)
"""The outbox of whatever schema the session works in."""
INBOX: Final = inbox_table(_METADATA)
"""The inbox of whatever schema the session works in."""


_RECORD: Final = text(
    """
    WITH recorded AS (
        INSERT INTO outbox (event_id, type, subject, event)
        SELECT event ->> 'id', event ->> 'type', event ->> 'subject', event
        FROM jsonb_array_elements(:events) WITH ORDINALITY AS given (event, place) ORDER BY place
        RETURNING pg_notify(:feed, current_schema() || ' ' || type || ' ' || left(subject, 200))::text AS told
    )
    SELECT pg_notify(:channel, 'outbox:' || current_schema()), (SELECT count(told) FROM recorded)
    """
).bindparams(bindparam("events", type_=JSONB), bindparam("channel", CHANNEL), bindparam("feed", FEED))
"""One statement for any number of events, so that it is prepared once."""


async def record(session: AsyncSession, payload: Payload, *, subject: str, aggregate_version: int = 0) -> Event:
    """Write an event into the caller's transaction; it is delivered when that commits, and only then.

    Record after the aggregate's row was locked or written: that lock is what puts the events of one subject
    in their order.
    """
    event = _wrap(payload, subject, aggregate_version)
    await _write(session, [event])
    return event


async def record_many(session: AsyncSession, payloads: Iterable[tuple[str, Payload]]) -> list[Event]:
    """Write many events, each beside its subject, in one statement."""
    events = stamp(payloads)
    await record_stamped(session, events)
    return events


def stamp(payloads: Iterable[tuple[str, Payload]]) -> list[Event]:
    """Make events of payloads beside their subjects, caused by what runs now; for work that is written for several."""
    return [_wrap(payload, subject, 0) for subject, payload in payloads]


async def record_stamped(session: AsyncSession, events: list[Event]) -> None:
    """Write events that were made before, in one statement."""
    if events:
        await _write(session, events)


def _wrap(payload: Payload, subject: str, aggregate_version: int) -> Event:
    event_id = new_id("evt")
    return Event(
        id=event_id,
        type=type(payload).__name__,
        source=f"/storegraph/{payload.producer}",
        subject=subject,
        time=datetime.now(UTC),
        data=payload,
        aggregate_version=aggregate_version,
        correlation_id=telemetry.correlation_id() or event_id,
        causation_id=telemetry.causation_id(),
        traceparent=telemetry.traceparent(),
    )


async def _write(session: AsyncSession, events: list[Event]) -> None:
    await session.execute(_RECORD, {"events": [event.to_builtins() for event in events]})
