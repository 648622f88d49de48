"""What has just happened, told to whoever is there: the source of subscriptions.

Unlike delivery, which brings every event to every consumer once and in order, a feed only says that something happened
to a subject: its events were recorded, or their effects here are committed. Who follows a subject then reads how it
stands. So nothing piles up for a slow follower, who is told once however much happened meanwhile, and nothing has to be
kept for one who was away.

The feed of a subgraph tells of its own tables only: of the events that it records and of those that its consumers have
handled, whatever carries events between subgraphs.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection
from typing import Final, Protocol

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.database import Database, plain_url
from kernel.events.listening import Listener
from kernel.events.outbox import FEED


class EventFeed(Protocol):
    """Tells what happens to subjects."""

    def follow(self, subject: str, types: Collection[str]) -> AsyncGenerator[None]:
        """Yield once when all that follows is heard, and then whenever events of these types happen to a subject.

        It also yields when some may have been missed.
        """
        ...


async def tell(session: AsyncSession, what: str, subject: str) -> None:
    """Tell followers, when this transaction commits, what happened to a subject beside the events that are recorded."""
    await session.execute(_TELL, {"notice": f" {what} {subject[:200]}"})


_TELL: Final = text("SELECT pg_notify(:feed, current_schema() || :notice)").bindparams(bindparam("feed", FEED))


class PostgresFeed:
    """Hears of commits by PostgreSQL's notifications, on one connection that is open while anybody follows."""

    def __init__(self, database: Database) -> None:
        self._schema = database.schema
        self._url = plain_url(database.url)
        self._followers: dict[str, set[_Follower]] = defaultdict(set)
        self._listening: asyncio.Task[None] | None = None
        self._listener: Listener

    async def follow(self, subject: str, types: Collection[str]) -> AsyncGenerator[None]:
        """Yield once when all that follows is heard, and then whenever events of these types happen to a subject."""
        follower = _Follower(frozenset(types))
        self._followers[subject].add(follower)
        try:
            await self._listen()
            follower.news.set()
            while True:
                await follower.news.wait()
                follower.news.clear()
                yield
        finally:
            self._leave(subject, follower)

    async def _listen(self) -> None:
        """Begin to listen unless somebody has; returns when notifications arrive."""
        if self._listening is None:
            self._listener = Listener(self._url, self._hear, self._hear_anything, channel=FEED)
            self._listening = asyncio.create_task(self._listener.listen())
        await self._listener.ready.wait()

    def _leave(self, subject: str, follower: _Follower) -> None:
        self._followers[subject].discard(follower)
        if not self._followers[subject]:
            del self._followers[subject]
        if not self._followers and self._listening is not None:
            self._listening.cancel()
            self._listening = None

    def _hear(self, notice: str) -> None:
        schema, type_, subject = notice.split(" ", 2)
        if schema != self._schema:
            return
        for follower in self._followers.get(subject, ()):
            if type_ in follower.types:
                follower.news.set()

    def _hear_anything(self) -> None:
        """After a time of not hearing, anything may have happened."""
        for followers in self._followers.values():
            for follower in followers:
                follower.news.set()


class _Follower:
    """Somebody who follows a subject."""

    __slots__ = ("news", "types")

    def __init__(self, types: frozenset[str]) -> None:
        self.types = types
        self.news = asyncio.Event()
