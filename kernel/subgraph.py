"""What a subgraph is to whoever runs it: a schema, its consumers, its jobs, its tables.

Each `subgraphs/<name>/app.py` exports `build(settings, parts) -> Subgraph`. Building opens no connection, so
the same description serves for printing the schema, for the embedded stack and for a process of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import text
from starlette.routing import BaseRoute

from kernel.calls import SubgraphCalls
from kernel.clock import Clock, SystemClock
from kernel.database import Database
from kernel.events.consumers import Consumer
from kernel.events.delivery import Room
from kernel.events.replay_links import ReplayLinks, replay_routes
from kernel.events.retention import retention_job
from kernel.graphql.context import Context
from kernel.graphql.execution import Executor
from kernel.graphql.schema import Schema
from kernel.identity import Caller
from kernel.impersonation import Trace
from kernel.jobs import Job
from kernel.supergraph import NoSupergraph, Supergraph


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the world gives a subgraph when it is built."""

    database: Database
    calls: SubgraphCalls
    clock: Clock = field(default_factory=SystemClock)
    supergraph: Supergraph = field(default_factory=NoSupergraph)


@dataclass(frozen=True, kw_only=True)
class Subgraph:
    """One subgraph, ready to be served, migrated, printed or tested."""

    name: str
    schema: Schema
    make_context: Callable[[Caller], Context[Any, Any]]
    database: Database
    migrations: Path
    consumers: Sequence[Consumer] = ()
    jobs: Sequence[Job] = ()
    routes: Sequence[BaseRoute] = ()
    """HTTP routes beside /graphql and /health, such as the public keys of the users."""
    on_close: Sequence[Callable[[], Awaitable[None]]] = ()

    @cached_property
    def executor(self) -> Executor:
        """Runs operations against the schema, in this process."""
        return Executor(self.name, self.schema, self.make_context, Trace(self.database, self.name))

    @property
    def room(self) -> Room:
        """The subgraph as event delivery sees it."""
        return Room(self.database, tuple(self.consumers))

    @property
    def background(self) -> tuple[Job, ...]:
        """What runs beside the serving: the subgraph's own jobs, and the one that every subgraph has."""
        return *self.jobs, retention_job(self.database)

    def pages(self, internal_key: str) -> tuple[BaseRoute, ...]:
        """Tell what is served beside /graphql and /health: the subgraph's own routes, and what every subgraph has."""
        if not internal_key:  # nobody's link could be told from another's
            return tuple(self.routes)
        return *self.routes, *replay_routes(self.database, ReplayLinks(self.name, internal_key))

    async def check_health(self) -> None:
        """Raise when the subgraph cannot do its work."""
        async with self.database.session() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Give back what the subgraph holds open."""
        for close in self.on_close:
            await close()
        await self.database.close()


def export_sdl(subgraph: Subgraph) -> str:
    """Print the subgraph's schema for composition; needs no database and is the same every time."""
    return subgraph.schema.as_str().strip() + "\n"
