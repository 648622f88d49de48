"""What resolvers of this subgraph have at hand during one request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import strawberry
from aiodataloader import DataLoader

from kernel.graphql import Context
from kernel.loaders import by_key
from kernel.pagination import Page, Slice
from subgraphs.notifications.domain.messages import Message
from subgraphs.notifications.domain.webhooks import Attempt
from subgraphs.notifications.service import NotificationsService
from subgraphs.notifications.service.inbox import Inbox

InboxPage = tuple[str, Page]
"""Whose inbox, and which part of it."""


@dataclass(frozen=True, slots=True)
class NotificationsLoaders:
    """Batches the reads of one request."""

    pages: DataLoader[InboxPage, Slice[Message] | None]
    counts: DataLoader[str, int | None]
    unread_counts: DataLoader[str, int | None]
    attempts: DataLoader[str, list[Attempt] | None]

    @classmethod
    def of(cls, service: NotificationsService) -> NotificationsLoaders:
        """Make fresh loaders for a request."""
        inbox = service.inbox

        async def pages(wanted: Sequence[InboxPage]) -> dict[InboxPage, Slice[Message]]:
            return await _pages(inbox, wanted)

        return cls(
            by_key(pages), by_key(inbox.count), by_key(inbox.count_unread), by_key(service.webhooks.endpoints.attempts)
        )


Info = strawberry.Info[Context[NotificationsService, NotificationsLoaders], None]


async def _pages(inbox: Inbox, wanted: Sequence[InboxPage]) -> dict[InboxPage, Slice[Message]]:
    """Read inboxes, in one statement for all that want the same page."""
    alike: dict[Page, list[str]] = defaultdict(list)
    for user_id, page in wanted:
        alike[page].append(user_id)
    found: dict[InboxPage, Slice[Message]] = {}
    for page, user_ids in alike.items():
        slices = await inbox.pages(user_ids, page)
        found.update({(user_id, page): each for user_id, each in slices.items()})
    return found
