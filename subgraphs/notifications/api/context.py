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
from subgraphs.notifications.storage.messages import Try

InboxPage = tuple[str, Page]
"""Whose inbox, and which part of it."""


@dataclass(frozen=True, slots=True)
class NotificationsLoaders:
    """Batches the reads of one request."""

    pages: DataLoader[InboxPage, Slice[Message] | None]
    counts: DataLoader[str, int | None]
    unread_counts: DataLoader[str, int | None]
    attempts: DataLoader[str, list[Attempt] | None]
    tries: DataLoader[str, list[Try] | None]

    @classmethod
    def of(cls, service: NotificationsService) -> NotificationsLoaders:
        """Make fresh loaders for a request."""
        inbox = service.inbox

        async def pages(wanted: Sequence[InboxPage]) -> dict[InboxPage, Slice[Message]]:
            return await _pages(inbox, wanted)

        return cls(
            pages=by_key(pages),
            counts=by_key(inbox.count),
            unread_counts=by_key(inbox.count_unread),
            attempts=by_key(service.webhooks.endpoints.attempts),
            tries=by_key(inbox.attempts),
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
