"""Background work that a subgraph repeats for as long as it runs: expiring reservations, driving a carrier.

A job keeps its progress in the database, so that it may be stopped anywhere, run in several processes and
started again. It is not a scheduler: a job looks for due work and does some of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from kernel import telemetry

_LONGEST_PAUSE: Final = 30.0
_log = telemetry.get_logger("jobs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work that is looked for again and again.

    `run` does one portion and tells how much it did; after some it is run again at once, after none it waits
    `every` seconds.
    """

    name: str
    run: Callable[[], Awaitable[int]]
    every: float


class JobRunner:
    """Keeps jobs running; one that fails is tried again after a pause that grows."""

    def __init__(self, jobs: Sequence[Job], *, patience: float = 5.0) -> None:
        self._jobs = tuple(jobs)
        self._patience = patience
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to run the jobs."""
        self._stopping.clear()
        self._tasks = [asyncio.create_task(self._keep(job), name=job.name) for job in self._jobs]

    async def stop(self) -> None:
        """Let each job finish its portion, then stop."""
        self._stopping.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _keep(self, job: Job) -> None:
        failures = 0
        while not self._stopping.is_set():
            pause = await self._run(job)
            failures = failures + 1 if pause is None else 0
            if pause is None:
                pause = min(job.every * 2.0**failures, _LONGEST_PAUSE)
            if pause:
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._stopping.wait()

    async def _run(self, job: Job) -> float | None:
        """Run a portion; tell how long to wait, or None when it failed."""
        try:
            with telemetry.correlated():
                return 0.0 if await job.run() else job.every
        except Exception as error:  # a job outlives whatever goes wrong once
            _log.warning("job failed", job=job.name, error=repr(error))
            return None
