"""From an inbox to the handlers: each event once in effect, in the order of its subject.

A worker takes the oldest due events whose subjects have no older one waiting, and runs their handlers in the
transaction that marks them as done; SKIP LOCKED lets workers share a queue. An event that fails waits longer each time
and holds up its own subject only; when its attempts are spent it becomes a dead letter with its reason, and its subject
goes on. A consumer whose handlers lock nothing that requests lock too may take events in batches, many in one
transaction; a batch that fails is undone, and each of it is handled alone.

Events are taken in two ways:

- *Swiftly*, in one statement that claims and marks them: those that have never been tried, once the worker has seen to
  what was there when it came.
- *Carefully*: each attempt is counted before the handler begins, in a statement of its own, so that an event that kills
  its process uses up attempts as well. So is taken what a process finds when it starts (it may be what killed the one
  before), what has failed, and now and then everything. Until its handler has begun such an event is kept from other
  workers by a short lease, afterwards by the lock of its row; both end by themselves when a process dies. One that was
  under way when a process died is taken alone ever after: it must not take others of a batch with it.

So an event that kills whoever handles it does so once more for each process that it met on the swift way.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Text, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import telemetry, tracing
from kernel.database import Database
from kernel.events.consumers import Consumer
from kernel.events.envelope import Event, UnknownEventError
from kernel.events.outbox import CHANNEL, FEED
from kernel.events.signals import Signal

_log = telemetry.get_logger("delivery")

_ACCEPT: Final = """
    WITH arrived AS (
        INSERT INTO inbox (consumer, event_id, type, subject, event)
        SELECT :consumer, event ->> 'id', event ->> 'type', event ->> 'subject', event
        FROM jsonb_array_elements(:events) WITH ORDINALITY AS given (event, place)
        WHERE {wanted} ORDER BY place
        ON CONFLICT DO NOTHING
    )
    SELECT pg_notify(:channel, 'inbox:' || current_schema() || ':' || :consumer)
"""


async def accept(session: AsyncSession, consumer: Consumer, events: Sequence[dict[str, Any]]) -> None:
    """Put events into a consumer's inbox in this order; one that is known is refused."""
    statement = text(_ACCEPT.format(wanted=wanted(consumer))).bindparams(
        bindparam("consumer", consumer.name, Text),
        bindparam("events", list(events), JSONB),
        bindparam("channel", CHANNEL),
    )
    await session.execute(statement)


def wanted(consumer: Consumer, schema: str = "") -> str:
    """Spell the condition under which what comes is for a consumer, whose tables are in this schema."""
    table = f'"{schema}".{consumer.only_with}' if schema else consumer.only_with
    return f"EXISTS (SELECT FROM {table})" if consumer.only_with else "true"


# The oldest event of a subject is found by a subquery that PostgreSQL cannot turn into a join: after a burst its
# statistics still say that nothing is pending, and the join that it would then choose reads the whole backlog.
_NEXT: Final = """
    SELECT event_id FROM inbox AS next
    WHERE consumer = :consumer AND state = 'pending' AND due_at <= now()
      AND (SELECT min(older.position) FROM inbox AS older
           WHERE older.consumer = next.consumer AND older.subject = next.subject
             AND older.state = 'pending' AND older.position < next.position) IS NULL
    ORDER BY position LIMIT 1 FOR UPDATE SKIP LOCKED
"""
# Of a subject only an unbroken run from its oldest event on may be taken: what another worker holds is passed over by
# SKIP LOCKED, and so must be what comes after it.
_LINKED: Final = """
    linked AS (
        SELECT each.*, bool_and(before IS NULL OR before IN (SELECT position FROM seen))
            OVER (PARTITION BY subject ORDER BY position) AS unbroken
        FROM (
            SELECT seen.*, (SELECT max(older.position) FROM inbox AS older
                            WHERE older.consumer = :consumer AND older.subject = seen.subject
                              AND older.state = 'pending' AND older.position < seen.position) AS before
            FROM seen
        ) AS each
    )"""
_NEXT_MANY: Final = """
    WITH seen AS MATERIALIZED (
        SELECT event_id, subject, position, attempts FROM inbox
        WHERE consumer = :consumer AND state = 'pending' AND due_at <= now()
        ORDER BY position LIMIT :batch FOR UPDATE SKIP LOCKED
    ), {linked}, tried AS (
        SELECT min(position) AS first FROM linked WHERE unbroken AND attempts > 0
    )
    SELECT event_id FROM linked, tried WHERE unbroken AND (tried.first IS NULL OR position = tried.first)
"""
# Swiftly: what was never tried, claimed and marked at once. An event that another worker holds, or that waits for its
# next try, is not among those seen, and so keeps back what comes after it.
_TAKE: Final = """
    WITH hurried AS MATERIALIZED (SELECT {hurry}),
    seen AS MATERIALIZED (
        SELECT event_id, subject, position FROM inbox, hurried
        WHERE consumer = :consumer AND state = 'pending' AND attempts = 0 AND due_at <= now()
        ORDER BY position LIMIT :batch FOR UPDATE OF inbox SKIP LOCKED
    ), {linked}
    UPDATE inbox SET state = 'done', settled_at = now(), reason = NULL
    WHERE consumer = :consumer AND event_id IN (SELECT event_id FROM linked WHERE unbroken)
    RETURNING event_id, event, attempts, position,
              pg_notify(:feed, current_schema() || ' ' || type || ' ' || left(subject, 200))::text
"""
_HURRY: Final = "set_config('synchronous_commit', 'off', true)"
_TAKE_SAFELY: Final = text(_TAKE.format(hurry="true", linked=_LINKED)).bindparams(bindparam("feed", FEED))
_TAKE_HURRIEDLY: Final = text(_TAKE.format(hurry=_HURRY, linked=_LINKED)).bindparams(bindparam("feed", FEED))
# What the loss of this note would cost is one attempt, so its commit does not wait for the disk.
_BEGIN: Final = """
    WITH hurried AS MATERIALIZED (SELECT {hurry}),
    chosen AS MATERIALIZED ({next})
    UPDATE inbox SET
        attempts = CASE WHEN attempts < :most THEN attempts + 1 ELSE attempts END,
        due_at = now() + make_interval(secs => least(:lease * power(2, attempts), :longest)),
        state = CASE WHEN attempts < :most THEN state ELSE 'dead' END,
        settled_at = CASE WHEN attempts < :most THEN settled_at ELSE now() END,
        reason = CASE WHEN attempts < :most THEN reason ELSE
            'The process ended while it handled this, the last of ' || attempts || ' times. ' || coalesce(reason, '')
            END
    FROM hurried
    WHERE consumer = :consumer AND event_id IN (SELECT event_id FROM chosen)
    RETURNING event_id, attempts, state
"""
_BEGIN_ONE: Final = text(_BEGIN.format(hurry=_HURRY, next=_NEXT))
_BEGIN_MANY: Final = text(_BEGIN.format(hurry=_HURRY, next=_NEXT_MANY.format(linked=_LINKED)))
_COMPLETE: Final = text(
    """
    UPDATE inbox SET state = 'done', settled_at = now(), reason = NULL
    FROM jsonb_to_recordset(:begun) AS begun (event_id text, attempts integer)
    WHERE consumer = :consumer AND inbox.event_id = begun.event_id AND inbox.attempts = begun.attempts
      AND state = 'pending'
    RETURNING inbox.event_id, event, inbox.attempts, position,
              pg_notify(:feed, current_schema() || ' ' || type || ' ' || left(subject, 200))::text
    """
).bindparams(bindparam("begun", type_=JSONB), bindparam("feed", FEED))
_TAKE_BACK: Final = text(
    """
    UPDATE inbox SET attempts = inbox.attempts - 1, due_at = now()
    FROM jsonb_to_recordset(:begun) AS begun (event_id text, attempts integer)
    WHERE consumer = :consumer AND inbox.event_id = begun.event_id AND inbox.attempts = begun.attempts
      AND state = 'pending'
    """
).bindparams(bindparam("begun", type_=JSONB))
_FAIL: Final = text(
    """
    UPDATE inbox SET reason = :reason, attempts = :attempts,
        state = CASE WHEN :dead THEN 'dead' ELSE 'pending' END,
        settled_at = CASE WHEN :dead THEN now() END,
        due_at = now() + make_interval(secs => :wait)
    WHERE consumer = :consumer AND event_id = :event_id AND attempts = :counted AND state = 'pending'
    """
)
_LONGEST_LEASE: Final = 30.0
_LEAST_LIVES: Final = 2
"""However few attempts a consumer allows, one may be lost as a bystander in a batch."""


class _Failure(Exception):  # noqa: N818 # carries a handler's error out of its transaction
    def __init__(self, event_id: str, attempts: int, cause: Exception) -> None:
        super().__init__(event_id)
        self.event_id = event_id
        self.attempts = attempts
        self.cause = cause


class _Superseded(Exception):  # noqa: N818 # ends a transaction without an effect
    """The lease ran out before the work began, and another worker took the events."""


class InboxWorker:
    """Runs one consumer's handlers over its inbox.

    Args:
        consumer: whose events to handle.
        database: the subgraph's.
        look_every: seconds after which everything is looked at, also what another process may have left behind.
        hurried: commit without waiting for the disk. What is lost then is lost as a whole, mark and effect, and done
            again; allowed where nothing leaves this database before it is safe.
    """

    def __init__(
        self, consumer: Consumer, database: Database, *, look_every: float = 15.0, hurried: bool = False
    ) -> None:
        self.consumer = consumer
        self.signal = Signal()
        self._database = database
        self._look_every = look_every
        self._take = _TAKE_HURRIEDLY if hurried else _TAKE_SAFELY
        self._careful_from = 0.0
        """From this time of the loop on, what comes next is taken carefully."""
        self._singly = 0
        """How many events are to be handled each alone, because a batch had one that failed."""

    async def handle_due(self) -> int:
        """Handle what is due now; tell how many events were settled or tried."""
        handled = 0
        while self.signal.running:
            careful = asyncio.get_running_loop().time() >= self._careful_from
            count = await (self._handle_carefully() if careful else self._handle_swiftly())
            handled += count
            if not count or (not careful and count < self.consumer.batch):
                break
        return handled

    async def _handle_swiftly(self) -> int:
        """Handle a batch of events that were never tried."""
        facts = {"consumer": self.consumer.name, "batch": self.consumer.batch}
        rows: list[Any] = []
        try:
            async with self._database.transaction() as session:
                rows = sorted((await session.execute(self._take, facts)).all(), key=lambda row: row.position)
                for row in rows:
                    await self._try(row, session)
        except _Failure as failure:
            self._careful_from = 0.0
            if len(rows) == 1:
                await self._fail(failure, attempts=1)
            else:
                self._singly = self.consumer.batch
        except Exception:
            self._careful_from = 0.0
            raise
        return len(rows)

    async def _handle_carefully(self) -> int:
        """Handle one event, or a batch where the consumer takes batches, and count the attempt before."""
        alone = self.consumer.batch == 1 or self._singly > 0
        self._singly = max(0, self._singly - 1)
        begun, buried = await self._begin(alone=alone)
        if begun:
            await self._work(begun)
        elif not buried:
            self._careful_from = asyncio.get_running_loop().time() + self._look_every
        return len(begun) + buried

    async def _begin(self, *, alone: bool) -> tuple[list[dict[str, Any]], int]:
        """Choose what comes next and count the attempts; tell what may be handled, and how many were given up."""
        facts = {
            "consumer": self.consumer.name,
            "lease": self.consumer.lease,
            "longest": _LONGEST_LEASE,
            "most": max(self.consumer.max_attempts, _LEAST_LIVES),
            **({} if alone else {"batch": self.consumer.batch}),
        }
        async with self._database.session() as session:
            rows = (await session.execute(_BEGIN_ONE if alone else _BEGIN_MANY, facts)).all()
        buried = [row for row in rows if row.state == "dead"]
        for row in buried:
            _log.error("dead letter", consumer=self.consumer.name, event_id=row.event_id, error="its process ended")
        begun = [{"event_id": row.event_id, "attempts": row.attempts} for row in rows if row.state != "dead"]
        return begun, len(buried)

    async def _work(self, begun: list[dict[str, Any]]) -> None:
        """Handle events in one transaction; where one of several fails all are undone, and each is handled alone."""
        claim = {"consumer": self.consumer.name, "begun": begun}
        try:
            async with self._database.transaction() as session:
                for row in await self._taken(session, claim):
                    await self._try(row, session)
        except _Superseded:
            self._wake_after(self.consumer.lease)
        except _Failure as failure:
            if len(begun) == 1:
                await self._fail(failure, attempts=failure.attempts)
            else:
                self._singly = self.consumer.batch
                async with self._database.transaction() as session:
                    await session.execute(_TAKE_BACK, claim)

    async def _taken(self, session: AsyncSession, claim: dict[str, Any]) -> list[Any]:
        """Mark events as done, and give them in their order; all of them or none."""
        rows = (await session.execute(_COMPLETE, claim)).all()
        if len(rows) != len(claim["begun"]):
            raise _Superseded
        return sorted(rows, key=lambda row: row.position)

    async def _try(self, row: Any, session: AsyncSession) -> None:
        try:
            await self._handle(Event.from_builtins(row.event), session)
        except Exception as error:
            raise _Failure(row.event_id, row.attempts, error) from error

    async def _handle(self, event: Event, session: AsyncSession) -> None:
        handler = self.consumer.subscriptions.get(event.type)
        if handler is None:
            raise UnknownEventError(f"{self.consumer.name} no longer subscribes to {event.type}")
        with (
            telemetry.correlated(event.correlation_id, causation=event.id, trace=event.traceparent),
            tracing.span(f"handle {event.type}", of=self._database.schema, kind="consumer"),
        ):
            await handler(event, session)

    async def _fail(self, failure: _Failure, *, attempts: int) -> None:
        """Note why an event failed the last of so many times, and when it is due again, if ever."""
        error = failure.cause
        dead = attempts >= self.consumer.max_attempts or isinstance(error, UnknownEventError)
        wait = self.consumer.backoff(attempts)
        reason = "".join(traceback.format_exception(error, limit=-8))[-4000:]
        report = _log.error if dead else _log.warning
        report(
            "dead letter" if dead else "event failed",
            consumer=self.consumer.name,
            event_id=failure.event_id,
            attempts=attempts,
            error=repr(error),
        )
        async with self._database.transaction() as session:
            facts = {"consumer": self.consumer.name, "event_id": failure.event_id, "counted": failure.attempts}
            await session.execute(_FAIL, {**facts, "attempts": attempts, "reason": reason, "dead": dead, "wait": wait})
        if not dead:
            self._wake_after(wait)

    def _wake_after(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds + 0.01, self._look_again)

    def _look_again(self) -> None:
        self._careful_from = 0.0
        self.signal.set()
