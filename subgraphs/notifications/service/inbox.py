"""What people read of their messages, and what the staff reads and does about all messages."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import ConflictError, NotFoundError
from kernel.events.feed import EventFeed
from kernel.ids import new_id
from kernel.pagination import Page, Slice
from subgraphs.notifications.domain.messages import SECRET_PLACE, Channel, Message, State
from subgraphs.notifications.storage import messages as stored
from subgraphs.notifications.storage.messages import INBOX_CHANGED, LogFilter, Try

_LOOK_BACK: Final = 100
"""How many messages of an inbox are compared when something came; more at once are seen when it is read."""


@dataclass(frozen=True, slots=True)
class Inbox:
    """Reads messages and marks them as read."""

    database: Database
    clock: Clock
    feed: EventFeed

    async def received(self, user_id: str) -> AsyncGenerator[Message]:
        """Yield each message that comes into somebody's inbox from now on."""
        async with aclosing(self.feed.follow(user_id, {INBOX_CHANGED})) as news:
            await anext(news)
            seen = {message.id for message in await self._newest(user_id)}
            async for _ in news:
                for message in reversed(await self._newest(user_id)):
                    if message.id not in seen:
                        seen.add(message.id)
                        yield message

    async def _newest(self, user_id: str) -> tuple[Message, ...]:
        return (await self.pages([user_id], Page(first=_LOOK_BACK)))[user_id].items

    async def pages(self, user_ids: Sequence[str], page: Page) -> dict[str, Slice[Message]]:
        """Read the same page of many inboxes."""
        async with self.database.session() as session:
            return await stored.inboxes(session, user_ids, page)

    async def count(self, user_ids: Sequence[str]) -> dict[str, int]:
        """Count the messages in many inboxes."""
        async with self.database.session() as session:
            return await stored.count_inboxes(session, user_ids, unread=False)

    async def count_unread(self, user_ids: Sequence[str]) -> dict[str, int]:
        """Count the unread messages in many inboxes."""
        async with self.database.session() as session:
            return await stored.count_inboxes(session, user_ids, unread=True)

    async def mark_read(self, user_id: str, message_id: str) -> Message:
        """Mark a message as read.

        Raises:
            NotFoundError: it is not in this user's inbox.
        """
        async with self.database.transaction() as session:
            message = await stored.mark_read(session, message_id, user_id=user_id, now=self.clock.now())
        if message is None:
            raise NotFoundError("There is no such notification in your inbox.", path=("id",))
        return message

    async def mark_all_read(self, user_id: str) -> int:
        """Mark everything in somebody's inbox as read; tell how many messages."""
        async with self.database.transaction() as session:
            return await stored.mark_all_read(session, user_id, self.clock.now())

    async def resend(self, message_id: str) -> Message:
        """Send a message again as a new one; the log keeps both.

        Raises:
            NotFoundError: there is none.
            ConflictError: this one cannot be sent again.
        """
        now = self.clock.now()
        async with self.database.transaction() as session:
            message = await stored.message_by_id(session, message_id)
            if message is None:
                raise NotFoundError("There is no such message.", path=("id",))
            if message.channel is Channel.INBOX or SECRET_PLACE in message.words.text:
                raise ConflictError("Only what went out can be sent again, and nothing that carried a secret.")
            again_id = new_id("ntf")
            again = replace(
                message,
                id=again_id,
                event_id=f"{message.event_id}/{again_id}",
                state=State.QUEUED,
                attempts=0,
                created_at=now,
                due_at=now,
                settled_at=None,
                last_error=None,
            )
            await stored.insert_messages(session, [again])
        return again

    async def note_bounce(self, message_id: str, reason: str) -> Message:
        """Note that a provider gave a message back.

        Raises:
            NotFoundError: no such message was delivered.
        """
        async with self.database.transaction() as session:
            message = await stored.note_bounce(session, message_id, reason[:500], now=self.clock.now())
        if message is None:
            raise NotFoundError("No such message was delivered.", path=("id",))
        return message

    async def attempts(self, message_ids: Sequence[str]) -> dict[str, list[Try]]:
        """Read the tries of many messages."""
        async with self.database.session() as session:
            return await stored.attempts_of(session, message_ids)

    async def log(self, page: Page, wanted: LogFilter) -> Slice[Message]:
        """Read one page of all messages, newest first."""
        async with self.database.session() as session:
            return await stored.page_of_log(session, page, wanted)

    async def count_log(self, wanted: LogFilter) -> int:
        """Count all messages that fit."""
        async with self.database.session() as session:
            return await stored.count_log(session, wanted)
