"""Messages in PostgreSQL: written once, claimed for delivery by one worker at a time, settled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, Text, delete, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, array, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.expression import cast, true

from kernel.pagination import Page, Slice, SortKey, apply_page, slice_rows
from subgraphs.notifications.domain.messages import Channel, Message, State, Topic, Words
from subgraphs.notifications.storage.tables import forgotten_messages, messages

_NEWEST_FIRST: Final = (
    SortKey("created_at", messages.c.created_at, datetime, descending=True),
    SortKey("id", messages.c.id, str, descending=True),
)
_IN_INBOX: Final = messages.c.channel == Channel.INBOX


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """Which messages of the delivery log are wanted."""

    channel: Channel | None = None
    topic: Topic | None = None
    state: State | None = None
    recipient: str | None = None


async def insert_messages(session: AsyncSession, written: Sequence[Message]) -> None:
    """Store new messages, leaving out those that are there already."""
    if written:
        rows = [_values(message) for message in written]
        await session.execute(insert(messages).values(rows).on_conflict_do_nothing(constraint="messages_once"))


async def claim_due(session: AsyncSession, now: datetime, *, until: datetime, at_most: int) -> list[Message]:
    """Take queued messages for delivery, oldest first; nobody else takes them before `until`."""
    due = (
        select(messages.c.id)
        .where(messages.c.state == State.QUEUED, messages.c.due_at <= now)
        .order_by(messages.c.due_at, messages.c.id)
        .limit(at_most)
        .with_for_update(skip_locked=True)
    )
    claimed = await session.execute(
        update(messages)
        .where(messages.c.id.in_(due))
        .values(attempts=messages.c.attempts + 1, due_at=until)
        .returning(messages)
    )
    return sorted((message_of(row) for row in claimed), key=lambda message: message.id)


async def settle(
    session: AsyncSession, message_id: str, state: State, *, now: datetime, error: str | None = None
) -> None:
    """Note that a message was delivered or given up."""
    await session.execute(
        update(messages)
        .where(messages.c.id == message_id)
        .values(state=state, settled_at=now, last_error=error, sealed_secret=None)
    )


async def take_forgotten(session: AsyncSession, *, at_most: int) -> list[str]:
    """Take the ids of erased messages that may still lie at the provider; nobody else takes them."""
    some = select(forgotten_messages.c.id).limit(at_most).with_for_update(skip_locked=True)
    taken = delete(forgotten_messages).where(forgotten_messages.c.id.in_(some)).returning(forgotten_messages.c.id)
    return list((await session.execute(taken)).scalars())


async def postpone(session: AsyncSession, message_id: str, due_at: datetime, *, error: str) -> None:
    """Note that a message was not taken, and when to try again."""
    await session.execute(update(messages).where(messages.c.id == message_id).values(due_at=due_at, last_error=error))


async def mark_read(session: AsyncSession, message_id: str, *, user_id: str, now: datetime) -> Message | None:
    """Mark a message in this user's inbox as read; the first time counts."""
    marked = await session.execute(
        update(messages)
        .where(messages.c.id == message_id, messages.c.user_id == user_id, _IN_INBOX)
        .values(read_at=func.coalesce(messages.c.read_at, now))
        .returning(messages)
    )
    row = marked.one_or_none()
    return message_of(row) if row else None


async def inboxes(session: AsyncSession, user_ids: Sequence[str], page: Page) -> dict[str, Slice[Message]]:
    """Read the same page of many inboxes in one statement."""
    wanted = select(func.unnest(cast(array(user_ids), ARRAY(Text))).label("id")).subquery("wanted")
    inbox = apply_page(
        select(messages).where(messages.c.user_id == wanted.c.id, _IN_INBOX), page, _NEWEST_FIRST
    ).lateral("inbox")
    rows: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in await session.execute(select(inbox).select_from(wanted.join(inbox, true()))):
        rows[row.user_id].append(row)
    return {user_id: _slice(rows[user_id], page) for user_id in user_ids}


async def count_inboxes(session: AsyncSession, user_ids: Sequence[str], *, unread: bool) -> dict[str, int]:
    """Count the messages in many inboxes in one statement; all of them, or the unread."""
    query = (
        select(messages.c.user_id, func.count().label("messages"))
        .where(messages.c.user_id.in_(user_ids), _IN_INBOX)
        .group_by(messages.c.user_id)
    )
    if unread:
        query = query.where(messages.c.read_at.is_(None))
    return {row.user_id: row.messages for row in await session.execute(query)}


async def page_of_log(session: AsyncSession, page: Page, wanted: LogFilter) -> Slice[Message]:
    """Read one page of all messages that fit, newest first."""
    rows = (await session.execute(apply_page(_fitting(select(messages), wanted), page, _NEWEST_FIRST))).all()
    return slice_rows(rows, page, _NEWEST_FIRST, _sort_values).map(message_of)


async def count_log(session: AsyncSession, wanted: LogFilter) -> int:
    """Count all messages that fit."""
    query = _fitting(select(func.count()).select_from(messages), wanted)
    return (await session.execute(query)).scalar_one()


def message_of(row: Row[Any]) -> Message:
    """Read a message out of a row."""
    return Message(
        id=row.id,
        event_id=row.event_id,
        channel=Channel(row.channel),
        recipient=row.recipient,
        topic=Topic(row.topic),
        user_id=row.user_id,
        order_id=row.order_id,
        words=Words(row.subject, row.text, row.html),
        state=State(row.state),
        attempts=row.attempts,
        created_at=row.created_at,
        settled_at=row.settled_at,
        read_at=row.read_at,
        sealed_secret=row.sealed_secret,
        last_error=row.last_error,
    )


def _slice(rows: list[Row[Any]], page: Page) -> Slice[Message]:
    ordered = sorted(rows, key=_sort_values, reverse=not page.backwards)
    return slice_rows(ordered, page, _NEWEST_FIRST, _sort_values).map(message_of)


def _sort_values(row: Row[Any]) -> tuple[datetime, str]:
    return row.created_at, row.id


def _fitting(query: Select[Any], wanted: LogFilter) -> Select[Any]:
    conditions = {name: value for name, value in asdict(wanted).items() if value is not None}
    return query.where(*(messages.c[name] == value for name, value in conditions.items()))


def _values(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "event_id": message.event_id,
        "channel": message.channel,
        "recipient": message.recipient,
        "topic": message.topic,
        "user_id": message.user_id,
        "order_id": message.order_id,
        "subject": message.words.subject,
        "text": message.words.text,
        "html": message.words.html,
        "state": message.state,
        "attempts": message.attempts,
        "due_at": message.created_at,
        "created_at": message.created_at,
        "settled_at": message.settled_at,
        "sealed_secret": message.sealed_secret,
    }
