"""Availability for buyers: from the cache where it is fresh enough, else from the books in one statement.

Nothing is decided by these figures. A reservation locks and reads the levels themselves, so a buyer who saw a figure
that is some seconds old is told so, not sold what is gone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from subgraphs.inventory.domain.availability import Availability, Reading
from subgraphs.inventory.storage import availability
from subgraphs.inventory.storage.availability_cache import AvailabilityCache

_AT_ONCE: Final = 1000
_LONGEST_WAIT: Final = 1.0
_NOTHING: Final = Availability()

Read = Callable[[AsyncSession, Collection[str], datetime], Awaitable[Mapping[str, Reading]]]


class AvailabilityBoard:
    """Tells what can be bought of things of one kind, and keeps its cache as new as the events it hears."""

    def __init__(self, database: Database, clock: Clock, read: Read, cache: AvailabilityCache | None) -> None:
        self._database = database
        self._clock = clock
        self._read = read
        self._cache = cache
        self._touched: dict[str, None] = {}
        self._heard = asyncio.Event()

    @classmethod
    def of_skus(cls, database: Database, clock: Clock, cache: AvailabilityCache | None = None) -> AvailabilityBoard:
        """Make the board of SKUs."""
        return cls(database, clock, availability.read_skus, cache)

    @classmethod
    def of_products(cls, database: Database, clock: Clock, cache: AvailabilityCache | None = None) -> AvailabilityBoard:
        """Make the board of products."""
        return cls(database, clock, availability.read_products, cache)

    async def look(self, wanted: Collection[str]) -> Mapping[str, Availability]:
        """Tell what can be bought of each of these; what is unknown cannot be bought."""
        kept = {} if self._cache is None else await self._cache.get(wanted)
        missing = [name for name in dict.fromkeys(wanted) if name not in kept]
        fresh = await self._fetch(missing) if missing else {}
        found = {**kept, **{name: reading.availability for name, reading in fresh.items()}}
        return {name: found.get(name, _NOTHING) for name in wanted}

    async def refresh(self, wanted: Collection[str]) -> None:
        """Read these from the books now, for who was just told that they changed."""
        await self._fetch(wanted)

    def touch(self, name: str) -> None:
        """Note that something changed; what is kept of it is renewed by `renew`."""
        if self._cache is not None:
            self._touched[name] = None
            self._heard.set()

    async def renew(self) -> int:
        """Wait a moment for changes and renew what is kept of them; tell how many there were.

        A change that is lost with the process leaves an entry that ends within its bound.
        """
        if not self._touched:
            self._heard.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LONGEST_WAIT):
                    await self._heard.wait()
        names = list(self._touched)[:_AT_ONCE]
        for name in names:
            del self._touched[name]
        if names:
            await self._fetch(names)
        return len(names)

    async def _fetch(self, wanted: Collection[str]) -> Mapping[str, Reading]:
        began, now = time.monotonic(), self._clock.now()
        async with self._database.session() as session:
            found = await self._read(session, wanted, now)
        if self._cache is not None:
            await self._cache.put(found, now=now, elapsed=time.monotonic() - began)
        return found
