"""Brings the facts of analytics to the store that answers reports where it is not PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from kernel.clock import Clock
from kernel.database import Database
from subgraphs.recommendations.storage import changed_facts
from subgraphs.recommendations.storage.changed_facts import ChangedFact
from subgraphs.recommendations.storage.facts_index import FactsIndex

_PORTION: Final = 2_000
_LONGEST: Final = timedelta(minutes=1)
"""After this a process that copies is taken for dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copying:
    """Copies what changed; any number of processes may try, one at a time does."""

    database: Database
    clock: Clock
    index: FactsIndex

    async def copy(self) -> int:
        """Copy a portion of what changed, from the beginning where the index is a new one; tell how much."""
        target, now = await self.index.make(), self.clock.now()
        async with self.database.transaction() as session:
            await changed_facts.follow(session, target)
            if not await changed_facts.claim(session, target, now, now + _LONGEST):
                return 0
            facts = await changed_facts.portion(session, _PORTION)
        written: Sequence[ChangedFact] = ()
        try:
            await self.index.write(facts)
            written = facts
        finally:
            async with self.database.transaction() as session:
                await changed_facts.forget_notes(session, written)
                await changed_facts.release(session, target)
        return len(facts)
