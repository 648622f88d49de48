"""Delivery inside one PostgreSQL database: relays copy events straight into the inboxes of those who subscribed.

A relay's round is one statement: it claims what is in the outbox, puts it into every inbox and marks it as published.
Events never leave the database on this way, so nothing here waits for the disk: what a crash undoes is undone as a
whole, as if it had not happened yet.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final

from sqlalchemy import TextClause, bindparam, text
from typing_extensions import override

from kernel.database import Database
from kernel.errors import InfrastructureError
from kernel.events.delivery import Room
from kernel.events.inbox import wanted
from kernel.events.loops import DeliveryLoops
from kernel.events.outbox import CHANNEL
from kernel.events.relay import Relay

_PUBLISH: Final = """
    WITH hurried AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
    held AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 0)) AS alone FROM hurried),
    claimed AS MATERIALIZED (
        SELECT position, event_id, type, subject, event FROM outbox, held
        WHERE held.alone AND published_at IS NULL ORDER BY position LIMIT :batch
    ), published AS (
        UPDATE outbox SET published_at = now() FROM claimed WHERE outbox.position = claimed.position RETURNING 1
    ){copied}
    SELECT (SELECT count(*) FROM published), ARRAY({reached})
"""
_COPY: Final = """, routes_{number} (consumer, type) AS (VALUES {routes}), copied_{number} AS (
        INSERT INTO "{schema}".inbox (consumer, event_id, type, subject, event)
        SELECT consumer, event_id, type, subject, event FROM claimed JOIN routes_{number} USING (type)
        WHERE {wanted} ORDER BY position
        ON CONFLICT DO NOTHING RETURNING consumer
    )"""
_REACHED: Final = "SELECT consumer FROM copied_{number}"
_NOTIFY: Final = text("SELECT pg_notify(:channel, notice) FROM unnest(CAST(:notices AS text[])) AS notice").bindparams(
    bindparam("channel", CHANNEL)
)


class EmbeddedDelivery(DeliveryLoops):
    """Delivers between rooms in one database.

    With `only`, it works for the room of that name alone: relays its outbox to all, handles what reaches it.
    """

    def __init__(
        self, rooms: Sequence[Room], *, only: str | None = None, poll_every: float = 15.0, patience: float = 5.0
    ) -> None:
        if len({room.database.url for room in rooms}) > 1:
            raise InfrastructureError("Between several databases events need a broker.")
        served = [room for room in rooms if only in {None, room.database.schema}]
        elsewhere = {
            consumer.name: room.database.schema for room in rooms if room not in served for consumer in room.consumers
        }
        publish = _publish_statement(rooms)

        def reach(names: Collection[str]) -> Sequence[str]:
            """Wake whom events have reached here; tell whom to notify elsewhere."""
            self._wake_consumers(names)
            return [f"inbox:{elsewhere[name]}:{name}" for name in names if name in elsewhere]

        relays = {room.database.schema: _DirectRelay(room.database, publish, reach) for room in served}
        super().__init__(served, relays, poll_every=poll_every, patience=patience, hurried=True)


class _DirectRelay(Relay):
    """Copies what one outbox holds into the inboxes."""

    def __init__(
        self, database: Database, publish: TextClause, reach: Callable[[Collection[str]], Sequence[str]]
    ) -> None:
        super().__init__(database)
        self._publish = publish
        self._reach = reach

    @override
    async def publish_batch(self) -> int:
        async with self.database.session() as session:
            count, reached = (await session.execute(self._publish, self.claim)).one()
            notices = self._reach(set(reached))
            if notices:
                await session.execute(_NOTIFY, {"notices": list(notices)})
        return count


def _publish_statement(rooms: Sequence[Room]) -> TextClause:
    """Spell the statement that copies an outbox of the session's schema into the inboxes of all rooms."""
    listening = [(number, room) for number, room in enumerate(rooms) if room.consumers]
    copied = "".join(_copy(number, room) for number, room in listening)
    reached = " UNION ".join(_REACHED.format(number=number) for number, _ in listening)
    return text(_PUBLISH.format(copied=copied, reached=reached or "SELECT ''::text WHERE false"))


def _copy(number: int, room: Room) -> str:
    schema = room.database.schema
    routes = ", ".join(f"('{each.name}', '{type_}')" for each in room.consumers for type_ in each.subscriptions)
    rare = [each for each in room.consumers if each.only_with]
    conditions = [f"(consumer <> '{each.name}' OR {wanted(each, schema)})" for each in rare]
    return _COPY.format(number=number, routes=routes, schema=schema, wanted=" AND ".join(conditions) or "true")
