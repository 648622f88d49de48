"""Looking back at what was published, and giving it to a consumer again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from kernel.database import Database
from kernel.events.consumers import Consumer
from kernel.events.inbox import accept
from kernel.events.outbox import CHANNEL

_PAGE: Final = 500
_RECORDED: Final = text(
    """
    SELECT position, event FROM outbox
    WHERE position > :after AND recorded_at >= :since
      AND (:any_type OR type = ANY(:types)) AND (:subject = '' OR subject = :subject)
    ORDER BY position LIMIT :page
    """
)
_LAST: Final = text("SELECT coalesce(max(position), 0) FROM outbox")
_HANDLE_AGAIN: Final = text(
    """
    WITH again AS (
        UPDATE inbox SET state = 'pending', attempts = 0, due_at = now(), settled_at = NULL, reason = NULL
        WHERE consumer = :consumer AND state <> 'pending'
          AND event_id IN (SELECT jsonb_array_elements_text(:ids))
    )
    SELECT pg_notify(:channel, 'inbox:' || current_schema())
    """
).bindparams(bindparam("ids", type_=JSONB), bindparam("channel", CHANNEL))


async def last_position(database: Database) -> int:
    """Tell where an outbox ends now."""
    async with database.session() as session:
        return (await session.execute(_LAST)).scalar_one()


async def recorded(
    database: Database, *, since: datetime, after: int = 0, types: Collection[str] = (), subject: str = ""
) -> AsyncIterator[tuple[int, dict[str, Any]]]:
    """Read an outbox in its order: each event as JSON values, beside its position; in pages, so of any length."""
    while True:
        facts = {"after": after, "since": since, "any_type": not types, "types": list(types), "subject": subject}
        async with database.session() as session:
            rows = (await session.execute(_RECORDED, {**facts, "page": _PAGE})).all()
        for row in rows:
            yield row.position, row.event
        if len(rows) < _PAGE:
            return
        after = rows[-1].position


async def replay(
    sources: Sequence[Database],
    target: Database,
    consumer: Consumer,
    *,
    since: datetime,
    types: Collection[str] = (),
    again: bool = False,
) -> int:
    """Put recorded events into a consumer's inbox: those it never had, and with `again` those that it has handled too.

    What outboxes have forgotten (`retention`) cannot be replayed. Returns how many events were gone through.
    """
    wanted = [name for name in consumer.subscriptions if not types or name in types]
    count = 0
    for source in sources:
        page: list[dict[str, Any]] = []
        async for _, event in recorded(source, since=since, types=wanted):
            page.append(event)
            if len(page) == _PAGE:
                count += await _hand_over(target, consumer, page, again=again)
                page = []
        count += await _hand_over(target, consumer, page, again=again)
    return count


async def _hand_over(target: Database, consumer: Consumer, events: list[dict[str, Any]], *, again: bool) -> int:
    if events:
        async with target.transaction() as session:
            if again:
                ids = [event["id"] for event in events]
                await session.execute(_HANDLE_AGAIN, {"consumer": consumer.name, "ids": ids})
            await accept(session, consumer, events)
    return len(events)
