"""Messages as their readers and as the staff see them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import strawberry
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from kernel.graphql import Connection, connection
from kernel.identity import require_owner
from kernel.pagination import Page, Slice
from subgraphs.notifications.api.context import Info, NotificationsLoaders
from subgraphs.notifications.domain.messages import Channel, Message, State, Topic

strawberry.enum(Topic, name="NotificationTopic", description="What a message is about.")
strawberry.enum(Channel, name="NotificationChannel", description="The way a message takes.")
strawberry.enum(State, name="NotificationState", description="How far a message got.")

_WAITING: Final = frozenset({State.QUEUED, State.COLLECTED})


@strawberry.federation.type(keys=[Key(fields=FieldSet("id"), resolvable=False)])
class Order:
    """The order that a message is about, by its key."""

    id: strawberry.ID


@strawberry.type(description="A message in somebody's inbox.")
class Notification:
    """A message in somebody's inbox."""

    id: strawberry.ID
    topic: Topic
    subject: str
    text: str
    order: Order | None
    created_at: datetime
    read_at: datetime | None

    @classmethod
    def of(cls, message: Message) -> Notification:
        """Show a message to its reader."""
        return cls(
            id=strawberry.ID(message.id),
            topic=message.topic,
            subject=message.words.subject,
            text=message.words.text,
            order=Order(id=strawberry.ID(message.order_id)) if message.order_id else None,
            created_at=message.created_at,
            read_at=message.read_at,
        )


@strawberry.type(description="One page of an inbox, newest first.")
class NotificationConnection(Connection[Notification]):
    """One page of an inbox."""

    unread: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="How many messages of the whole inbox are unread.")
    async def unread_count(self) -> int:
        """Count the unread messages."""
        return await self.unread()


@strawberry.type(description="One try of delivering a message.")
class NotificationAttempt:
    """One try of delivering a message."""

    number: int
    at: datetime
    error: str | None = strawberry.field(description="What went wrong, if anything.")


@strawberry.type(description="A message on its way, over any channel.")
class NotificationDelivery:
    """A message as the staff sees it."""

    id: strawberry.ID
    event_id: strawberry.ID
    topic: Topic
    channel: Channel
    recipient: str
    subject: str
    state: State
    attempts: int
    last_error: str | None
    created_at: datetime
    due_at: datetime | None = strawberry.field(description="When it is tried next, while it waits.")
    settled_at: datetime | None = strawberry.field(description="When it was delivered or given up.")

    @classmethod
    def of(cls, message: Message) -> NotificationDelivery:
        """Show a message to the staff."""
        return cls(
            id=strawberry.ID(message.id),
            event_id=strawberry.ID(message.event_id),
            topic=message.topic,
            channel=message.channel,
            recipient=message.recipient,
            subject=message.words.subject,
            state=message.state,
            attempts=message.attempts,
            last_error=message.last_error,
            created_at=message.created_at,
            due_at=message.due_at if message.state in _WAITING else None,
            settled_at=message.settled_at,
        )

    @strawberry.field(description="Every try, in their order.")
    async def log(self, info: Info) -> list[NotificationAttempt]:
        """Give the tries."""
        tries = await info.context.loaders.tries.load(self.id) or ()
        return [NotificationAttempt(number=each.number, at=each.at, error=each.error) for each in tries]


@strawberry.federation.type(keys=["id"])
class User:
    """A user, by the key."""

    id: strawberry.ID

    @strawberry.field(description="The inbox, newest first; for that user and the staff.")
    async def notifications(
        self,
        info: Info,
        *,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> NotificationConnection | None:
        """Give one page of the inbox."""
        require_owner(info.context.caller, self.id)
        loaders = info.context.loaders
        found = await loaders.pages.load((self.id, Page(first, after, last, before)))
        return None if found is None else _inbox(found, self.id, loaders)


def _inbox(found: Slice[Message], user_id: str, loaders: NotificationsLoaders) -> NotificationConnection:
    async def count() -> int:
        return await loaders.counts.load(user_id) or 0

    async def unread() -> int:
        return await loaders.unread_counts.load(user_id) or 0

    page = connection(found.map(Notification.of))
    return NotificationConnection(edges=page.edges, page_info=page.page_info, count=count, unread=unread)
