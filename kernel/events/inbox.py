"""From an inbox to the handlers: each event once in effect, in the order of its subject.

A worker takes the oldest due event whose subject has no older one waiting, and runs the handler in the transaction
that marks it done. SKIP LOCKED lets workers share a queue. An event that fails waits longer each time and holds up its
own subject only; when its attempts are spent it becomes a dead letter with its reason, and its subject goes on. A
consumer whose handlers lock nothing that requests lock too may take events in batches, many in one transaction.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import telemetry
from kernel.database import Database
from kernel.events.consumers import Consumer
from kernel.events.envelope import Event, UnknownEventError
from kernel.events.outbox import CHANNEL, FEED
from kernel.events.signals import Signal

_log = telemetry.get_logger("delivery")

_ACCEPT: Final = text(
    """
    WITH arrived AS (
        INSERT INTO inbox (consumer, event_id, type, subject, event)
        SELECT copy ->> 'consumer', copy #>> '{event,id}', copy #>> '{event,type}',
               copy #>> '{event,subject}', copy -> 'event'
        FROM jsonb_array_elements(:copies) WITH ORDINALITY AS given (copy, place) ORDER BY place
        ON CONFLICT DO NOTHING
    )
    SELECT pg_notify(:channel, 'inbox:' || current_schema())
    """
).bindparams(bindparam("copies", type_=JSONB), bindparam("channel", CHANNEL))


async def accept(session: AsyncSession, arrivals: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Put events, each beside its consumer's name, into the inbox in this order; one that is known is refused."""
    copies = [{"consumer": consumer, "event": event} for consumer, event in arrivals]
    await session.execute(_ACCEPT, {"copies": copies})


# The oldest event of a subject is found by a subquery that PostgreSQL cannot turn into a join: after a burst its
# statistics still say that nothing is pending, and the join that it would then choose reads the whole backlog.
_CLAIM: Final = text(
    """
    UPDATE inbox SET state = 'done', attempts = attempts + 1, settled_at = now(), reason = NULL
    WHERE (consumer, event_id) = (
        SELECT consumer, event_id FROM inbox AS next
        WHERE consumer = :consumer AND state = 'pending' AND due_at <= now()
          AND (SELECT min(older.position) FROM inbox AS older
               WHERE older.consumer = next.consumer AND older.subject = next.subject
                 AND older.state = 'pending' AND older.position < next.position) IS NULL
        ORDER BY position LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING event_id, event, attempts,
              pg_notify(:feed, current_schema() || ' ' || type || ' ' || left(subject, 200))::text
    """
).bindparams(bindparam("feed", FEED))
# Of a subject only an unbroken run from its oldest event on may be taken: what another worker holds is passed over by
# SKIP LOCKED, and so must be what comes after it.
_CLAIM_MANY: Final = text(
    """
    WITH seen AS MATERIALIZED (
        SELECT event_id, subject, position FROM inbox
        WHERE consumer = :consumer AND state = 'pending' AND due_at <= now()
        ORDER BY position LIMIT :batch FOR UPDATE SKIP LOCKED
    ), linked AS (
        SELECT event_id, bool_and(before IS NULL OR before IN (SELECT position FROM seen))
            OVER (PARTITION BY subject ORDER BY position) AS unbroken
        FROM (
            SELECT seen.*, (SELECT max(older.position) FROM inbox AS older
                            WHERE older.consumer = :consumer AND older.subject = seen.subject
                              AND older.state = 'pending' AND older.position < seen.position) AS before
            FROM seen
        ) AS each
    )
    UPDATE inbox SET state = 'done', attempts = attempts + 1, settled_at = now(), reason = NULL
    WHERE consumer = :consumer AND event_id IN (SELECT event_id FROM linked WHERE unbroken)
    RETURNING event_id, event, attempts, position,
              pg_notify(:feed, current_schema() || ' ' || type || ' ' || left(subject, 200))::text
    """
).bindparams(bindparam("feed", FEED))
_FAIL: Final = text(
    """
    UPDATE inbox SET attempts = :attempts, reason = :reason,
        state = CASE WHEN :dead THEN 'dead' ELSE 'pending' END,
        settled_at = CASE WHEN :dead THEN now() END,
        due_at = now() + make_interval(secs => :wait)
    WHERE consumer = :consumer AND event_id = :event_id AND state = 'pending'
    """
)


class _Failure(Exception):  # noqa: N818 # carries a handler's error out of its transaction
    def __init__(self, event_id: str, attempts: int, cause: Exception) -> None:
        super().__init__(event_id)
        self.event_id = event_id
        self.attempts = attempts
        self.cause = cause


class InboxWorker:
    """Runs one consumer's handlers over its inbox."""

    def __init__(self, consumer: Consumer, database: Database) -> None:
        self.consumer = consumer
        self.signal = Signal()
        self._database = database
        self._singly = 0
        """How many events are to be handled each alone, because a batch had one that failed."""

    async def handle_next(self) -> int:
        """Handle one event, or a batch where the consumer takes batches; tell how many there were."""
        if self.consumer.batch > 1 and not self._singly:
            handled = await self._handle_batch()
            if handled or self._singly:
                return handled or 1
        self._singly = max(0, self._singly - 1)
        return await self._handle_one()

    async def _handle_one(self) -> int:
        try:
            async with self._database.transaction() as session:
                row = (await session.execute(_CLAIM, {"consumer": self.consumer.name})).one_or_none()
                if row is None:
                    return 0
                await self._try(row, session)
        except _Failure as failure:
            await self._fail(failure)
        return 1

    async def _handle_batch(self) -> int:
        """Handle many events in one transaction; where one fails all are undone, and each is then handled alone."""
        try:
            async with self._database.transaction() as session:
                claim = {"consumer": self.consumer.name, "batch": self.consumer.batch}
                rows = sorted((await session.execute(_CLAIM_MANY, claim)).all(), key=lambda row: row.position)
                for row in rows:
                    await self._try(row, session)
        except _Failure:
            self._singly = self.consumer.batch
            return 0
        return len(rows)

    async def _try(self, row: Any, session: AsyncSession) -> None:
        try:
            await self._handle(Event.from_builtins(row.event), session)
            await session.flush()
        except Exception as error:
            raise _Failure(row.event_id, row.attempts, error) from error

    async def _handle(self, event: Event, session: AsyncSession) -> None:
        handler = self.consumer.subscriptions.get(event.type)
        if handler is None:
            raise UnknownEventError(f"{self.consumer.name} no longer subscribes to {event.type}")
        with telemetry.correlated(event.correlation_id, causation=event.id, trace=event.traceparent):
            await handler(event, session)

    async def _fail(self, failure: _Failure) -> None:
        error = failure.cause
        dead = failure.attempts >= self.consumer.max_attempts or isinstance(error, UnknownEventError)
        wait = self.consumer.backoff(failure.attempts)
        reason = "".join(traceback.format_exception(error, limit=-8))[-4000:]
        report = _log.error if dead else _log.warning
        report(
            "dead letter" if dead else "event failed",
            consumer=self.consumer.name,
            event_id=failure.event_id,
            attempts=failure.attempts,
            error=repr(error),
        )
        async with self._database.transaction() as session:
            facts = {"consumer": self.consumer.name, "event_id": failure.event_id, "attempts": failure.attempts}
            await session.execute(_FAIL, {**facts, "reason": reason, "dead": dead, "wait": wait})
        if not dead:
            asyncio.get_running_loop().call_later(wait + 0.01, self.signal.set)
