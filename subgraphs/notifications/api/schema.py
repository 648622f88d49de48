"""Inboxes for people, the delivery log for the staff."""

from __future__ import annotations

import strawberry
from strawberry.tools import merge_types

from kernel.errors import DomainError
from kernel.graphql import Connection, Schema, UserError, build_schema, connection, user_errors
from kernel.identity import require
from kernel.pagination import Page
from subgraphs.notifications.api.context import Info
from subgraphs.notifications.api.staff import StaffMutation, StaffQuery
from subgraphs.notifications.api.subscriptions import Subscription
from subgraphs.notifications.api.types import Notification, NotificationDelivery, User
from subgraphs.notifications.api.webhooks import WebhookMutation, WebhookQuery
from subgraphs.notifications.api.wishes import PEOPLE, WishesMutation, WishesQuery
from subgraphs.notifications.domain.messages import Channel, State, Topic
from subgraphs.notifications.storage.messages import LogFilter


@strawberry.input(description="Which messages are wanted; all conditions must hold.")
class NotificationDeliveryWhere:
    """Which messages are wanted."""

    channel: Channel | None = None
    topic: Topic | None = None
    state: State | None = None
    recipient: str | None = None

    def to_filter(self) -> LogFilter:
        """Read the conditions."""
        return LogFilter(channel=self.channel, topic=self.topic, state=self.state, recipient=self.recipient)


@strawberry.type
class Query:
    """Reads of the notifications subgraph."""

    @strawberry.field(description="All messages over all channels, newest first; for the staff.")
    async def notification_deliveries(
        self,
        info: Info,
        *,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        where: NotificationDeliveryWhere | None = None,
    ) -> Connection[NotificationDelivery]:
        """Give one page of the delivery log."""
        require(info.context.caller, kinds={"staff", "admin"})
        inbox, wanted = info.context.service.inbox, (where or NotificationDeliveryWhere()).to_filter()
        page = await inbox.log(Page(first, after, last, before), wanted)
        return connection(page.map(NotificationDelivery.of), count=lambda: inbox.count_log(wanted))


@strawberry.type
class NotificationPayload:
    """A notification, or why nothing was done."""

    notification: Notification | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class NotificationsReadPayload:
    """How many messages were unread, or why nothing was done."""

    count: int = 0
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class Mutation:
    """Writes of the notifications subgraph."""

    @strawberry.mutation(description="Mark a message in one's own inbox as read; the first time counts.")
    async def notification_mark_read(self, info: Info, id: strawberry.ID) -> NotificationPayload:
        """Mark a message as read."""
        try:
            reader = require(info.context.caller, kinds=PEOPLE)
            message = await info.context.service.inbox.mark_read(reader, id)
        except DomainError as error:
            return NotificationPayload(errors=user_errors(error))
        return NotificationPayload(notification=Notification.of(message))

    @strawberry.mutation(description="Mark all messages in one's own inbox as read.")
    async def notifications_mark_all_read(self, info: Info) -> NotificationsReadPayload:
        """Mark all messages as read."""
        try:
            reader = require(info.context.caller, kinds=PEOPLE)
        except DomainError as error:
            return NotificationsReadPayload(errors=user_errors(error))
        return NotificationsReadPayload(count=await info.context.service.inbox.mark_all_read(reader))


SCHEMA: Schema = build_schema(
    merge_types("Query", (Query, WishesQuery, StaffQuery, WebhookQuery)),
    merge_types("Mutation", (Mutation, WishesMutation, StaffMutation, WebhookMutation)),
    Subscription,
    types=(User,),
)
