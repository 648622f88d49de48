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

from kernel.events.feed import tell
from kernel.pagination import Page, Slice, SortKey, apply_page, slice_rows
from subgraphs.notifications.domain.messages import Channel, Message, State, Topic, Words
from subgraphs.notifications.storage.tables import forgotten_messages, message_attempts, messages

_NEWEST_FIRST: Final = (
    SortKey("created_at", messages.c.created_at, datetime, descending=True),
    SortKey("id", messages.c.id, str, descending=True),
)
_IN_INBOX: Final = messages.c.channel == Channel.INBOX
INBOX_CHANGED: Final = "InboxChanged"
"""What the feed calls it when there is something new in somebody's inbox."""


@dataclass(frozen=True, slots=True)
class Try:
    """One try of delivering a message, and what went wrong, if anything."""

    number: int
    at: datetime
    error: str | None


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
    for reader in sorted({each.user_id for each in written if each.user_id and each.channel is Channel.INBOX}):
        await tell(session, INBOX_CHANGED, reader)


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
    session: AsyncSession, message: Message, state: State, *, now: datetime, error: str | None = None
) -> None:
    """Note that a message was delivered or given up."""
    await _note_attempt(session, message, now, error)
    await session.execute(
        update(messages)
        .where(messages.c.id == message.id)
        .values(state=state, settled_at=now, last_error=error, sealed_secret=None)
    )


async def note_bounce(session: AsyncSession, message_id: str, reason: str, *, now: datetime) -> Message | None:
    """Note that a provider gave a message back after it had taken it."""
    bounced = await session.execute(
        update(messages)
        .where(
            messages.c.id == message_id,
            messages.c.channel != Channel.INBOX,
            messages.c.state.in_((State.DELIVERED, State.BOUNCED)),
        )
        .values(state=State.BOUNCED, settled_at=now, last_error=reason)
        .returning(messages)
    )
    row = bounced.one_or_none()
    return message_of(row) if row else None


async def message_by_id(session: AsyncSession, message_id: str) -> Message | None:
    """Read a message."""
    row = (await session.execute(select(messages).where(messages.c.id == message_id))).one_or_none()
    return message_of(row) if row else None


async def recent_by_channel(session: AsyncSession, recipients: Sequence[str], since: datetime) -> dict[Channel, int]:
    """Count what went to these recipients since an instant, without what only waits for a digest."""
    query = (
        select(messages.c.channel, func.count().label("sent"))
        .where(
            messages.c.recipient.in_(recipients),
            messages.c.channel != Channel.INBOX,
            messages.c.created_at > since,
            messages.c.state.not_in((State.COLLECTED, State.BUNDLED)),
        )
        .group_by(messages.c.channel)
    )
    return {Channel(row.channel): row.sent for row in await session.execute(query)}


async def attempts_of(session: AsyncSession, message_ids: Sequence[str]) -> dict[str, list[Try]]:
    """Read the tries of many messages, each in their order."""
    rows = await session.execute(
        select(message_attempts)
        .where(message_attempts.c.message_id.in_(message_ids))
        .order_by(message_attempts.c.number)
    )
    found: dict[str, list[Try]] = defaultdict(list)
    for row in rows:
        found[row.message_id].append(Try(row.number, row.at, row.error))
    return found


async def take_collected(session: AsyncSession, now: datetime) -> list[Message]:
    """Take all that waits for one recipient's digest, if one is due; nobody else can take it meanwhile."""
    first = (
        select(messages.c.recipient)
        .where(messages.c.state == State.COLLECTED, messages.c.due_at <= now)
        .order_by(messages.c.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    recipient = (await session.execute(first)).scalar_one_or_none()
    if recipient is None:
        return []
    bundled = await session.execute(
        update(messages)
        .where(messages.c.recipient == recipient, messages.c.state == State.COLLECTED)
        .values(state=State.BUNDLED, settled_at=now)
        .returning(messages)
    )
    return sorted((message_of(row) for row in bundled), key=lambda message: message.id)


async def _note_attempt(session: AsyncSession, message: Message, now: datetime, error: str | None) -> None:
    values = {"message_id": message.id, "number": message.attempts, "at": now, "error": error}
    await session.execute(insert(message_attempts).values(values).on_conflict_do_nothing())


async def take_forgotten(session: AsyncSession, *, at_most: int) -> list[str]:
    """Take the ids of erased messages that may still lie at the provider; nobody else takes them."""
    some = select(forgotten_messages.c.id).limit(at_most).with_for_update(skip_locked=True)
    taken = delete(forgotten_messages).where(forgotten_messages.c.id.in_(some)).returning(forgotten_messages.c.id)
    return list((await session.execute(taken)).scalars())


async def postpone(session: AsyncSession, message: Message, due_at: datetime, *, now: datetime, error: str) -> None:
    """Note that a message was not taken, and when to try again."""
    await _note_attempt(session, message, now, error)
    await session.execute(update(messages).where(messages.c.id == message.id).values(due_at=due_at, last_error=error))


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


async def mark_all_read(session: AsyncSession, user_id: str, now: datetime) -> int:
    """Mark all unread messages in an inbox as read; tell how many."""
    marked = await session.execute(
        update(messages)
        .where(messages.c.user_id == user_id, _IN_INBOX, messages.c.read_at.is_(None))
        .values(read_at=now)
        .returning(messages.c.id)
    )
    return len(marked.all())


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
        due_at=row.due_at,
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
        "due_at": message.due_at or message.created_at,
        "created_at": message.created_at,
        "settled_at": message.settled_at,
        "sealed_secret": message.sealed_secret,
    }
