"""Notes what is searched for, and tells it in one event every few seconds: a search stays a read."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from kernel import telemetry
from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import InfrastructureError
from kernel.events.catalogue import ProductsSearched, SearchFacts
from kernel.events.outbox import record
from kernel.search_words import search_words

_EVERY: Final = 2.0
"""Seconds for which searches are gathered; so many are lost when the process is killed."""
_MOST: Final = 500
"""How many are gathered at most; beyond, they are not counted."""
_SUBJECT: Final = "searches"

_log = telemetry.get_logger("products")


class SearchLog:
    """The searches of this process that were not told yet; who searched is not noted."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._noted: list[SearchFacts] = []
        self._telling: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def note(self, text: str, found: int) -> None:
        """Note a search and how many products its first page had."""
        words = search_words(text)
        if not words or len(self._noted) >= _MOST:
            return
        self._noted.append(SearchFacts(words=words, found=found, searched_at=self._clock.now().isoformat()))
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_later(), name="products.searches")

    async def close(self) -> None:
        """Tell what is left; what is being told now is waited for, since cut short it would be lost."""
        self._closing.set()
        if self._telling is not None:
            await self._telling

    async def _tell_later(self) -> None:
        while self._noted:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _EVERY)
            await self._tell()

    async def _tell(self) -> None:
        noted = self._noted
        self._noted = []
        try:
            async with self._database.transaction() as session:
                await record(session, ProductsSearched(searches=tuple(noted)), subject=_SUBJECT)
        except (InfrastructureError, SQLAlchemyError) as error:
            _log.warning("searches not counted", count=len(noted), error=type(error).__name__)
