"""Looking after sagas: which wait and why, trying one at once, and deciding by hand what no service can tell.

An operator's word is stored like a runner's: under an attempt of its own, so that a runner which is at work on the
saga writes nothing any more, and with a line in the order's timeline that names who decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import NotFoundError
from kernel.ids import new_id
from kernel.pagination import Page, Slice
from subgraphs.orders.domain.order import EntryKind, TimelineEntry
from subgraphs.orders.domain.resolution import Verdict, resolve
from subgraphs.orders.domain.saga import Saga, StepName
from subgraphs.orders.domain.status import SagaStatus
from subgraphs.orders.storage import orders as order_store
from subgraphs.orders.storage import sagas as store

_WHILE_WE_WRITE: Final = timedelta(seconds=30)


class SagaOversight:
    """What operators do with sagas."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self._clock = clock

    async def page(self, page: Page, statuses: Sequence[SagaStatus] = ()) -> Slice[Saga]:
        """Read a page of all sagas, the newest first."""
        async with self.database.session() as session:
            return await store.page_of(session, page, statuses)

    async def get(self, saga_id: str) -> Saga | None:
        """Read a saga."""
        async with self.database.session() as session:
            return await store.by_id(session, saga_id)

    async def retry(self, saga_id: str) -> Saga:
        """Let a saga that waits be carried on now.

        Raises:
            NotFoundError: there is no such saga.
        """
        async with self.database.transaction() as session:
            saga = _insist(await store.by_id(session, saga_id))
            await store.wake(session, saga.order_id, self._clock.now())
        return saga

    async def resolve(
        self, saga_id: str, step: StepName, verdict: Verdict, *, by: str, result: Mapping[str, Any] | None = None
    ) -> Saga:
        """Say what became of the step that a saga waits for; it is carried on from there at once.

        Raises:
            NotFoundError: there is no such saga.
            SagaNotResolvableError: this cannot be decided about it now.
        """
        now = self._clock.now()
        async with self.database.transaction() as session:
            saga = _insist(await store.take(session, saga_id, now + _WHILE_WE_WRITE))
            resolved = resolve(saga, step, verdict, result or {})
            await store.store(session, resolved, at=now, due_at=now, step=step)
            await order_store.tell(session, _entry(resolved, step, verdict, by, self._clock))
        return resolved


def _insist(saga: Saga | None) -> Saga:
    if saga is None:
        raise NotFoundError("No such saga.", path=("id",))
    return saga


def _entry(saga: Saga, step: StepName, verdict: Verdict, by: str, clock: Clock) -> TimelineEntry:
    what = step.lower().replace("_", " ")
    return TimelineEntry(
        id=new_id("evt"),
        order_id=saga.order_id,
        kind=EntryKind.RESOLVED,
        message=f"Decided by hand: {what} is {verdict.lower()}.",
        at=clock.now(),
        actor=by,
    )
