"""Runs sagas: asks the stored saga what is next, does it, stores what came of it, until nothing is left.

A step's remote call happens between transactions. What it brought, the saga's new state and the step's local
effect are then stored in one transaction, so after a crash the last call may be made again (under the same
key) but never skipped, and no effect happens twice. A saga has one runner at a time: whoever takes it up
raises its attempt, and an earlier runner fails at its next write (`LeaseLostError`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, Protocol

from sqlalchemy import CTE
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import telemetry
from kernel.calls import CallError, CallRefusedError, CallUnavailableError
from kernel.clock import Clock
from kernel.database import Database, constraint_name
from kernel.errors import DomainError
from subgraphs.orders.domain.errors import LeaseLostError, OrderBusyError
from subgraphs.orders.domain.saga import (
    End,
    Failure,
    Run,
    Saga,
    StepName,
    StepStatus,
    Undo,
    gives_up_when_unreachable,
    next_action,
    turn_round,
)
from subgraphs.orders.domain.status import SagaStatus
from subgraphs.orders.storage import sagas as store

_BATCH: Final = 10
_INHERITED: Final = 1000
_ANOTHER_IS_LIVE: Final = "sagas_one_live"
_log = telemetry.get_logger("sagas")

Effect = Callable[[AsyncSession], Awaitable[Sequence[CTE]]]
"""Local changes that belong to a step: runs in the transaction that stores it, and may leave statements to it."""


@dataclass(frozen=True, slots=True)
class Done:
    """The step was done; `effect` is what it changes here."""

    result: Mapping[str, Any] = field(default_factory=dict)
    effect: Effect | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Whether the step was done is not known yet: ask again later."""

    reason: str


Outcome = Done | Failure | Unknown


class StepHandler(Protocol):
    """How one kind of step is done and undone; both may be repeated under the saga's keys."""

    async def run(self, saga: Saga) -> Outcome:
        """Do the step; a domain error is a refusal, a call that was not answered is an unknown outcome."""
        ...

    async def undo(self, saga: Saga) -> None:
        """Compensate the step; raises when that is not done yet."""
        ...


class SagaEnds(Protocol):
    """What changes here when a saga ends."""

    async def compensated(self, session: AsyncSession, saga: Saga) -> Sequence[CTE]:
        """Close a saga that went back, in the transaction that stores its end."""
        ...


class SagaRunner:
    """Carries sagas on, inline or from the job."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        steps: Mapping[StepName, StepHandler],
        ends: SagaEnds,
        *,
        lease: float = 15.0,
        retry: float = 1.0,
        retry_longest: float = 60.0,
        alone: bool = False,
    ) -> None:
        self.database = database
        self._clock = clock
        self._steps = steps
        self._ends = ends
        self.lease = timedelta(seconds=lease)
        self._retry = retry
        self._retry_longest = retry_longest
        self._inherits = alone

    async def begin(self, session: AsyncSession, saga: Saga, key: str, fingerprint: str = "") -> None:
        """Store a saga that this runner carries on as soon as the caller's transaction has committed.

        Raises:
            OrderBusyError: another saga works on the order.
        """
        now = self._clock.now()
        try:
            await store.add(session, saga, key, now + self.lease, now, fingerprint=fingerprint)
        except IntegrityError as error:
            if constraint_name(error) != _ANOTHER_IS_LIVE:
                raise
            raise OrderBusyError from error

    async def run_due(self) -> int:
        """Carry on every saga whose time has come; tell how many.

        Where no other process runs sagas, the first look takes up all that are unfinished: their runner is gone.
        """
        now = self._clock.now()
        due_by, limit = (now + self.lease, _INHERITED) if self._inherits else (now, _BATCH)
        self._inherits = False
        async with self.database.transaction() as session:
            due = await store.take_due(session, due_by, now + self.lease, limit)
        for at in range(0, len(due), _BATCH):
            await asyncio.gather(*map(self._run_alone, due[at : at + _BATCH]))
        return len(due)

    async def run(self, saga: Saga) -> Saga:
        """Carry a saga on as far as it goes now; what this runner knows last of it is returned."""
        try:
            while not saga.ended:
                after = await self.advance(saga)
                if after.tries > saga.tries:
                    return after
                saga = after
        except LeaseLostError:
            _log.info("saga taken over", saga=saga.id)
        return saga

    async def _run_alone(self, saga: Saga) -> None:
        try:
            await self.run(saga)
        except Exception as error:  # the others must go on; this one is due again after its lease
            _log.error("saga failed", saga=saga.id, error=repr(error))

    async def advance(self, saga: Saga) -> Saga:
        """Do what is next, and store it."""
        action = next_action(saga)
        match action:
            case Run(step):
                return await self._run_step(saga, step)
            case Undo(step):
                return await self._undo_step(saga, step)
            case End(status):
                return await self._end(saga.to(status))

    async def _run_step(self, saga: Saga, step: StepName) -> Saga:
        outcome = await self._outcome(saga, step)
        match outcome:
            case Done(result, effect):
                done = replace(saga.with_step(step, StepStatus.DONE, result).to(SagaStatus.RUNNING), tries=0)
                if isinstance(next_action(done), End):
                    done = done.to(SagaStatus.COMPLETED)
                return await self._store(done, step, effect)
            case Failure():
                return await self._store(replace(turn_round(saga, step, outcome), tries=0), step)
            case Unknown(reason):
                _log.warning("saga waits", saga=saga.id, step=step, reason=reason)
                return await self._wait(saga.to(SagaStatus.WAITING))

    async def _outcome(self, saga: Saga, step: StepName) -> Outcome:
        try:
            return await self._steps[step].run(saga)
        except DomainError as error:
            return Unknown(error.message) if saga.past_its_pivot else Failure(error.code, error.message)
        except CallError as error:
            return _unanswered(saga, step, error)

    async def _undo_step(self, saga: Saga, step: StepName) -> Saga:
        try:
            await self._steps[step].undo(saga)
        except (DomainError, CallError) as error:
            _log.warning("saga cannot undo yet", saga=saga.id, step=step, error=error.message)
            return await self._wait(saga)
        return await self._store(replace(saga.with_step(step, StepStatus.UNDONE), tries=0), step)

    async def _end(self, saga: Saga) -> Saga:
        async def effect(session: AsyncSession) -> Sequence[CTE]:
            return await self._ends.compensated(session, saga)

        return await self._store(saga, None, effect if saga.status == SagaStatus.COMPENSATED else None)

    async def _store(self, saga: Saga, step: StepName | None, effect: Effect | None = None) -> Saga:
        now = self._clock.now()
        async with self.database.transaction() as session:
            together = await effect(session) if effect else ()
            await store.store(session, saga, at=now, due_at=now + self.lease, step=step, together=together)
        return saga

    async def _wait(self, saga: Saga) -> Saga:
        waiting = replace(saga, tries=saga.tries + 1)
        now = self._clock.now()
        pause = min(self._retry * 2.0 ** min(saga.tries, 20), self._retry_longest)
        async with self.database.transaction() as session:
            await store.store(session, waiting, at=now, due_at=now + timedelta(seconds=pause))
        return waiting


def _unanswered(saga: Saga, step: StepName, error: CallError) -> Outcome:
    """Tell what a call means that gave no answer: a refusal only where nothing can have been done."""
    refused = isinstance(error, CallRefusedError) and saga.first_try
    unreachable = isinstance(error, CallUnavailableError) and gives_up_when_unreachable(saga, step)
    if refused or unreachable:
        return Failure("SERVICE_UNAVAILABLE", "A part of the shop cannot do its work now; try again soon.")
    return Unknown(error.message)
