"""The work in the background: training, and forgetting what was viewed and searched for long ago."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from kernel.clock import Clock
from kernel.database import Database
from subgraphs.recommendations.storage import counting, facts, picks, training, viewing


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Keeps what was learnt up to date; any number of processes may try, one at a time trains."""

    database: Database
    clock: Clock
    every: timedelta
    guests_kept: timedelta
    behaviour_kept: timedelta

    async def train_due(self) -> int:
        """Train unless that was done lately or nothing is new; tell how often it was done."""
        now = self.clock.now()
        async with self.database.transaction() as session:
            return int(await training.train_if_due(session, now, now - self.every))

    async def make_picks(self) -> int:
        """Remake a portion of the lists that are out of date; tell how many."""
        async with self.database.transaction() as session:
            return await picks.make_due(session, self.clock.now())

    async def forget_behaviour(self) -> int:
        """Forget a portion of the views and searches that analytics has kept for long enough; tell how many."""
        async with self.database.transaction() as session:
            return await facts.forget(session, self.clock.now() - self.behaviour_kept)

    async def forget_guests(self) -> int:
        """Forget a portion of what guests viewed too long ago; tell how much. What users viewed as guests is theirs."""
        async with self.database.transaction() as session:
            await viewing.merge_late(session)
            return await counting.forget_guests(session, self.clock.now(), self.guests_kept)
