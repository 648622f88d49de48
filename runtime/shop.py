"""Puts the eight subgraphs together in one process: their databases, the calls between them, events and jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, text
from sqlalchemy.exc import SQLAlchemyError

from kernel.calls import InProcessCalls, SubgraphCalls
from kernel.database import Database
from kernel.errors import InfrastructureError
from kernel.events.embedded import EmbeddedDelivery
from kernel.graphql.execution import Executor
from kernel.jobs import JobRunner
from kernel.migrations import upgrade_all
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from kernel.supergraph import NoSupergraph, Supergraph
from runtime.errors import StoreNotReadyError
from runtime.supergraph import EngineBeside
from subgraphs.users.app import personal_keys
from subgraphs.users.storage.bulk import seal_older_rows

SUBGRAPHS = (
    "products",
    "inventory",
    "orders",
    "users",
    "payments",
    "shipping",
    "notifications",
    "recommendations",
)
"""The shop's subgraphs, in the order in which they are migrated, loaded and shown."""

_NO_DATABASE = "postgresql://nobody@127.0.0.1:1/none"
"""Enough to build a subgraph whose schema alone is wanted; nothing connects to it."""


def migrations_of(name: str) -> Path:
    """The folder of a subgraph's Alembic revisions."""
    module = import_module(f"subgraphs.{name}")
    return Path(str(module.__file__)).parent / "migrations"


def build_subgraph(
    name: str, settings: Settings, calls: SubgraphCalls, supergraph: Supergraph | None = None, *, pool_size: int = 8
) -> Subgraph:
    """Build one subgraph on the database of the settings; opens no connection."""
    database = Database(settings.database_url or _NO_DATABASE, schema=name, pool_size=pool_size, max_overflow=4)
    build: Any = import_module(f"subgraphs.{name}.app").build
    subgraph: Subgraph = build(settings, Parts(database=database, calls=calls, supergraph=supergraph or NoSupergraph()))
    return subgraph


@dataclass(frozen=True, slots=True)
class Shop:
    """All subgraphs in one process."""

    subgraphs: Mapping[str, Subgraph]
    delivery: EmbeddedDelivery
    jobs: JobRunner
    supergraph: EngineBeside
    """How subgraphs ask the whole API, once the storefront has connected it."""

    async def start(self) -> None:
        """Deliver events and run jobs, beginning with what an earlier process left undone."""
        await self.delivery.start()
        await self.jobs.start()

    async def stop(self) -> None:
        """End the background work and close every connection."""
        await self.jobs.stop()
        await self.delivery.stop()
        for subgraph in self.subgraphs.values():
            await subgraph.close()


def build_shop(settings: Settings) -> Shop:
    """Build all subgraphs so that they call each other in-process; opens no connection."""
    executors: dict[str, Executor] = {}
    supergraph = EngineBeside()
    subgraphs = {
        name: build_subgraph(name, settings, InProcessCalls(name, executors), supergraph) for name in SUBGRAPHS
    }
    executors.update({name: subgraph.executor for name, subgraph in subgraphs.items()})
    jobs = [job for subgraph in subgraphs.values() for job in subgraph.background]
    delivery = EmbeddedDelivery([subgraph.room for subgraph in subgraphs.values()])
    return Shop(subgraphs, delivery, JobRunner(jobs), supergraph)


async def migrate(settings: Settings) -> None:
    """Bring the tables of all subgraphs to this version, and seal the people whom an earlier one kept in the clear.

    Raises:
        StoreNotReadyError: a revision failed; nothing of it remains.
    """
    try:
        await upgrade_all(settings.database_url, {name: migrations_of(name) for name in SUBGRAPHS})
        await seal_older_rows(settings.database_url, personal_keys(settings))
    except (InfrastructureError, SQLAlchemyError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise StoreNotReadyError(f"The tables could not be brought to this version: {reason}") from error


async def check_tables(shop: Shop) -> None:
    """Compare the tables that the revisions made with those that are there.

    Raises:
        StoreNotReadyError: names the tables that are missing and how to get them back.
    """
    missing: list[str] = []
    for name, subgraph in shop.subgraphs.items():
        expected = _tables_of(name)
        async with subgraph.database.session() as session:
            statement = text("SELECT tablename FROM pg_tables WHERE schemaname = :name")
            present = set((await session.execute(statement, {"name": name})).scalars())
        missing += [f"{name}.{table}" for table in sorted(expected - present)]
    if missing:
        raise StoreNotReadyError(
            f"Tables are missing in the database: {', '.join(missing)}. "
            "Restore them from a backup, or start afresh with `storegraph up --reset`."
        )


def _tables_of(name: str) -> set[str]:
    """The tables that a subgraph's own module of tables describes, and the event tables that all have."""
    module = import_module(f"subgraphs.{name}.storage.tables")
    described = (value for value in vars(module).values() if isinstance(value, MetaData))
    return {table.name for metadata in described for table in metadata.tables.values()} | {"outbox", "inbox"}
