"""What a subgraph says about the events it listens to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.catalogue import CATALOGUE
from kernel.events.envelope import Event

Handler = Callable[[Event, AsyncSession], Awaitable[Any]]
"""Handles one event inside the transaction that also marks it as done; what it raises is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """One durable subscription of a subgraph: its own queue, its own retries, its own dead letters.

    `name` is unique in the whole shop and never changes, because what was already consumed is remembered
    under it. Subscriptions map event types to handlers. A handler makes no network call: it writes rows, and
    a background job or another consumer acts on them.

    `batch` events may share one transaction: much cheaper, but their locks are held together until all are handled.
    `only_with` names a table of the subgraph: while that is empty, what comes is not for this consumer and leaves no
    trace. Whoever writes the first row gets all that is recorded after its commit.
    `lease` is how many seconds pass before an event is taken up again whose process died; twice as long each time.
    """

    name: str
    subscriptions: Mapping[str, Handler]
    max_attempts: int = 8
    concurrency: int = 1
    batch: int = 1
    only_with: str = ""
    first_backoff: float = 0.1
    longest_backoff: float = 300.0
    lease: float = 1.0

    def __post_init__(self) -> None:
        unknown = sorted(set(self.subscriptions) - set(CATALOGUE))
        if unknown:
            raise ValueError(f"consumer {self.name} subscribes to unknown events: {', '.join(unknown)}")

    def backoff(self, attempts: int) -> float:
        """Tell how many seconds to wait after this many failed attempts."""
        return min(self.first_backoff * 2.0 ** (attempts - 1), self.longest_backoff)
