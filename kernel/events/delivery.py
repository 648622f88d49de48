"""Delivery inside one PostgreSQL world: from each outbox to the inboxes of its consumers, and on to handlers.

Two kinds of loop, woken by LISTEN/NOTIFY right after a commit and by a slow clock in case a wake-up is lost:

- A *relay* per outbox copies unpublished events into the inbox of every subscribed consumer, then marks them
  published. If it dies in between, the copies are made again and the inbox refuses what it has. An advisory
  lock keeps one relay at work per outbox, in whatever process, because two could overtake each other.
- A *worker* per consumer takes the oldest due event whose subject has no older one waiting, and runs the
  handler in the transaction that marks it done. SKIP LOCKED lets workers share a queue. An event that fails
  waits longer each time and holds up its own subject only; when its attempts are spent it becomes a dead
  letter with its reason, and its subject goes on.

Nothing is kept in memory but the wake-ups, so a process may be killed at any instant. A broker takes the
relay's place by publishing instead of copying; the inbox and the handlers stay what they are.
"""

from __future__ import annotations

import asyncio
import traceback
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import asyncpg
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from kernel import telemetry
from kernel.database import Database, plain_url
from kernel.events.consumers import Consumer
from kernel.events.envelope import Event, UnknownEventError
from kernel.events.outbox import CHANNEL

_BATCH: Final = 100
_log = telemetry.get_logger("delivery")


class Delivery(Protocol):
    """Whatever carries recorded events to their consumers."""

    async def start(self) -> None:
        """Begin to deliver."""
        ...

    async def stop(self) -> None:
        """Finish what is at work and deliver no more."""
        ...


@dataclass(frozen=True, slots=True)
class Room:
    """A subgraph as delivery sees it: where its outbox and inbox are, and who listens in it."""

    database: Database
    consumers: tuple[Consumer, ...] = ()


class EmbeddedDelivery:
    """Delivers between rooms whose databases are all reachable from this process.

    With `only`, it works for the room of that name alone: relays its outbox to all, handles what reaches it.
    """

    def __init__(
        self, rooms: Sequence[Room], *, only: str | None = None, poll_every: float = 5.0, patience: float = 5.0
    ) -> None:
        served = [room for room in rooms if only in {None, room.database.schema}]
        self._relays = {room.database.schema: _Relay(room, rooms) for room in served}
        self._workers: dict[str, list[_Worker]] = defaultdict(list)
        for room in served:
            for consumer in room.consumers:
                self._workers[room.database.schema].append(_Worker(consumer, room.database))
        self._urls = {plain_url(room.database.url) for room in served}
        self._poll_every = poll_every
        self._patience = patience
        self._loops: list[asyncio.Task[None]] = []
        self._listeners: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to deliver, first of all what an earlier process left."""
        for relay in self._relays.values():
            self._loops.append(asyncio.create_task(_keep(relay.signal, relay.publish, self._poll_every)))
        for worker in self._all_workers():
            self._loops.extend(
                asyncio.create_task(_keep(worker.signal, worker.handle_next, self._poll_every))
                for _ in range(worker.consumer.concurrency)
            )
        ready = [asyncio.Event() for _ in self._urls]
        self._listeners = [
            asyncio.create_task(self._listen(url, up)) for url, up in zip(self._urls, ready, strict=True)
        ]
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                await asyncio.gather(*(up.wait() for up in ready))

    async def stop(self) -> None:
        """Let handlers that are at work finish, then stop."""
        for signal in (*(relay.signal for relay in self._relays.values()), *(w.signal for w in self._all_workers())):
            signal.stop()
        for task in self._listeners:
            task.cancel()
        if self._loops:
            _, late = await asyncio.wait(self._loops, timeout=self._patience)
            for task in late:
                task.cancel()
        await asyncio.gather(*self._loops, *self._listeners, return_exceptions=True)
        self._loops.clear()
        self._listeners.clear()

    async def drain(self) -> int:
        """Deliver all that is due now, without the loops; tell how many events were handled."""
        handled = 0
        while True:
            moved = sum([await relay.publish() for relay in self._relays.values()])
            done = 0
            for worker in self._all_workers():
                while await worker.handle_next():
                    done += 1
            handled += done
            if not moved and not done:
                return handled

    def _all_workers(self) -> list[_Worker]:
        return [worker for workers in self._workers.values() for worker in workers]

    async def _listen(self, url: str, ready: asyncio.Event) -> None:
        """Turn notifications of one database into wake-ups, and connect again whenever the line is cut."""
        while True:
            try:
                connection = await asyncpg.connect(url)
                try:
                    await self._listen_on(connection, ready)
                finally:
                    connection.terminate()
            except (OSError, asyncpg.PostgresError) as error:
                _log.warning("listener lost", error=type(error).__name__)
            await asyncio.sleep(0.5)

    async def _listen_on(self, connection: asyncpg.Connection, ready: asyncio.Event) -> None:
        lost = asyncio.Event()

        def on_loss(_connection: Any) -> None:
            lost.set()

        def on_notice(_connection: Any, _pid: int, _channel: str, payload: Any) -> None:
            self._wake(str(payload))

        connection.add_termination_listener(on_loss)
        await connection.add_listener(CHANNEL, on_notice)
        ready.set()
        self._wake_all()
        await lost.wait()

    def _wake(self, payload: str) -> None:
        kind, _, schema = payload.partition(":")
        if kind == "outbox" and schema in self._relays:
            self._relays[schema].signal.set()
        elif kind == "inbox":
            for worker in self._workers.get(schema, ()):
                worker.signal.set()

    def _wake_all(self) -> None:
        for schema in self._relays:
            self._wake(f"outbox:{schema}")
            self._wake(f"inbox:{schema}")


@dataclass(slots=True)
class _Signal:
    """Wakes the loops that wait on it; says when they should end."""

    running: bool = True
    _events: list[asyncio.Event] = field(default_factory=list)

    def subscribe(self) -> asyncio.Event:
        event = asyncio.Event()
        self._events.append(event)
        return event

    def set(self) -> None:
        for event in self._events:
            event.set()

    def stop(self) -> None:
        self.running = False
        self.set()


async def _keep(signal: _Signal, work: Callable[[], Awaitable[int | bool]], poll_every: float) -> None:
    """Do the work until there is none, sleep until woken, and survive whatever it raises."""
    wake = signal.subscribe()
    while signal.running:
        wake.clear()
        try:
            while signal.running and await work():
                pass
        except Exception as error:  # the loop outlives a database that is away
            _log.warning("delivery paused", error=repr(error))
            await asyncio.sleep(0.5)
            continue
        with suppress(TimeoutError):
            async with asyncio.timeout(poll_every):
                await wake.wait()


_CLAIM_OUTBOX: Final = text(
    """
    WITH held AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 0)) AS alone)
    SELECT position, type, event FROM outbox, held
    WHERE held.alone AND published_at IS NULL ORDER BY position LIMIT :batch
    """
)
_MARK_PUBLISHED: Final = text("UPDATE outbox SET published_at = now() WHERE position = ANY(:positions)")
_INTO_INBOX: Final = text(
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


class _Relay:
    """Copies what one outbox holds into the inboxes of those who subscribed to it."""

    def __init__(self, room: Room, targets: Sequence[Room]) -> None:
        self.signal = _Signal()
        self._database = room.database
        self._targets = [target for target in targets if target.consumers]

    async def publish(self) -> int:
        """Publish one batch; tell how many events it had."""
        async with self._database.transaction() as session:
            claim = {"key": f"outbox:{self._database.schema}", "batch": _BATCH}
            rows = (await session.execute(_CLAIM_OUTBOX, claim)).all()
            if not rows:
                return 0
            for target in self._targets:
                copies = [
                    {"consumer": consumer.name, "event": row.event}
                    for row in rows
                    for consumer in target.consumers
                    if row.type in consumer.subscriptions
                ]
                if copies:
                    async with target.database.transaction() as far:
                        await far.execute(_INTO_INBOX, {"copies": copies})
            await session.execute(_MARK_PUBLISHED, {"positions": [row.position for row in rows]})
        return len(rows)


# The oldest event of a subject is found by a subquery that PostgreSQL cannot turn into a join: after a burst its
# statistics still say that nothing is pending, and the join that it would then choose reads the whole backlog.
_CLAIM_INBOX: Final = text(
    """
    UPDATE inbox SET state = 'done', attempts = attempts + 1, settled_at = now(), reason = NULL
    WHERE (consumer, event_id) = (
        SELECT consumer, event_id FROM inbox AS next
        WHERE consumer = :consumer AND state = 'pending' AND due_at <= now()
          AND (SELECT min(older.position) FROM inbox AS older
               WHERE older.consumer = next.consumer AND older.subject = next.subject
                 AND older.state = 'pending' AND older.position < next.position) IS NULL
        ORDER BY position LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING event_id, event, attempts
    """
)
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


class _Worker:
    """Runs one consumer's handlers over its inbox."""

    def __init__(self, consumer: Consumer, database: Database) -> None:
        self.consumer = consumer
        self.signal = _Signal()
        self._database = database

    async def handle_next(self) -> bool:
        """Handle one event; tell whether there was one."""
        try:
            async with self._database.transaction() as session:
                row = (await session.execute(_CLAIM_INBOX, {"consumer": self.consumer.name})).one_or_none()
                if row is None:
                    return False
                try:
                    await self._handle(Event.from_builtins(row.event), session)
                    await session.flush()
                except Exception as error:
                    raise _Failure(row.event_id, row.attempts, error) from error
        except _Failure as failure:
            await self._fail(failure)
        return True

    async def _handle(self, event: Event, session: Any) -> None:
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
