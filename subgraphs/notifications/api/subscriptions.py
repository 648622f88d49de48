"""What is told of messages as they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import strawberry

from kernel.identity import require
from subgraphs.notifications.api.context import Info
from subgraphs.notifications.api.types import Notification
from subgraphs.notifications.api.wishes import PEOPLE


@strawberry.type
class Subscription:
    """What is told as it happens."""

    @strawberry.subscription(description="Each message that comes into your inbox.")
    async def notification_received(self, info: Info) -> AsyncGenerator[Notification]:
        """Give each message as it comes."""
        user_id = require(info.context.caller, kinds=PEOPLE)
        async with aclosing(info.context.service.inbox.received(user_id)) as messages:
            async for message in messages:
                yield Notification.of(message)
