"""What people read of their messages, and the staff of all messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import NotFoundError
from kernel.pagination import Page, Slice
from subgraphs.notifications.domain.messages import Message
from subgraphs.notifications.storage import messages as stored
from subgraphs.notifications.storage.messages import LogFilter


@dataclass(frozen=True, slots=True)
class Inbox:
    """Reads messages and marks them as read."""

    database: Database
    clock: Clock

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

    async def log(self, page: Page, wanted: LogFilter) -> Slice[Message]:
        """Read one page of all messages, newest first."""
        async with self.database.session() as session:
            return await stored.page_of_log(session, page, wanted)

    async def count_log(self, wanted: LogFilter) -> int:
        """Count all messages that fit."""
        async with self.database.session() as session:
            return await stored.count_log(session, wanted)
