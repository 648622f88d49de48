"""Alembic without its ceremony: each subgraph's revisions applied to its own schema, in one transaction.

A subgraph only keeps `migrations/versions/*.py`; no `env.py` nor `alembic.ini`. Its version table lives in its
own schema, so subgraphs move independently. An advisory lock lets any number of processes start at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from alembic import op
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, column, inspect, pool, select, table, text
from sqlalchemy.ext.asyncio import create_async_engine

from kernel.database import async_url
from kernel.errors import InfrastructureError
from kernel.events.outbox import inbox_table, outbox_table

_SCHEMA_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class MigrationError(InfrastructureError):
    """A schema is not as the code needs it."""


async def upgrade(database_url: str, schema: str, script_location: Path) -> str:
    """Bring a schema to its newest revision, creating it first if need be; return that revision.

    Running it again changes nothing. When a revision fails, none of its statements remain.

    Raises:
        MigrationError: the schema was made by a newer version.
    """
    return (await upgrade_all(database_url, {schema: script_location}))[schema]


async def upgrade_all(database_url: str, locations: dict[str, Path]) -> dict[str, str]:
    """Bring several schemas of one database to their newest revisions over one connection."""
    engine = create_async_engine(async_url(database_url), poolclass=pool.NullPool)
    try:
        revisions: dict[str, str] = {}
        async with engine.connect() as connection:
            for schema, location in locations.items():
                async with connection.begin():
                    revisions[schema] = await connection.run_sync(_upgrade, schema, location)
        return revisions
    finally:
        await engine.dispose()


async def read_revisions(database_url: str, schemas: Iterable[str]) -> dict[str, str]:
    """Tell the revision of each of these schemas.

    Raises:
        MigrationError: one of them is not there.
    """
    found = await _read_all(database_url, schemas)
    if lacking := [schema for schema, revision in found.items() if revision is None]:
        raise MigrationError(f"Tables are missing in: {', '.join(lacking)}. Run `storegraph migrate`.")
    return {schema: revision for schema, revision in found.items() if revision is not None}


async def check_current(database_url: str, locations: dict[str, Path]) -> None:
    """Refuse to go on when a schema is behind its code.

    Raises:
        MigrationError: names the schemas and the command that mends them.
    """
    found = await _read_all(database_url, locations)
    behind = [schema for schema, location in locations.items() if found[schema] != newest_revision(location)]
    if behind:
        raise MigrationError(f"Tables are missing or old in: {', '.join(behind)}. Run `storegraph migrate`.")


def newest_revision(script_location: Path) -> str:
    """Name the newest revision that is kept in a folder of migrations."""
    head = _scripts(script_location).get_current_head()
    if head is None:
        raise MigrationError(f"No revisions in {script_location}.")
    return head


def create_event_tables() -> None:
    """Create the outbox and the inbox; for a subgraph's first revision."""
    create_tables((outbox_table(MetaData()), inbox_table(MetaData())))


def create_tables(tables: Iterable[Table]) -> None:
    """Create tables and their indexes from their descriptions; inside a revision."""
    bind = op.get_bind()
    for each in tables:
        each.create(bind)


async def _read_all(database_url: str, schemas: Iterable[str]) -> dict[str, str | None]:
    """Read the revision of each of these schemas over one connection; None where there are no tables."""
    engine = create_async_engine(async_url(database_url), poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            return {schema: await connection.run_sync(_current, schema) for schema in schemas}
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, schema: str, location: Path) -> str:
    if not _SCHEMA_NAME.fullmatch(schema):
        raise MigrationError(f"{schema!r} cannot name a schema.")
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"migrate:{schema}"})
    connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
    connection.execute(text(f'SET LOCAL search_path TO "{schema}"'))
    scripts = _scripts(location)
    _refuse_newer(connection, schema, scripts)

    def to_head(revision: Any, _context: MigrationContext) -> Any:
        return scripts._upgrade_revs("head", revision)  # as alembic's own command does

    with EnvironmentContext(Config(), scripts, fn=to_head) as environment:
        environment.configure(connection=connection, version_table_schema=schema)
        environment.run_migrations()
    return newest_revision(location)


def _refuse_newer(connection: Connection, schema: str, scripts: ScriptDirectory) -> None:
    revision = _current(connection, schema)
    if revision is not None and revision not in {script.revision for script in scripts.walk_revisions()}:
        raise MigrationError(
            f"The tables of {schema} are of a newer version (revision {revision}) than this code. Run that version."
        )


def _current(connection: Connection, schema: str) -> str | None:
    if not inspect(connection).has_table("alembic_version", schema=schema):
        return None
    versions = table("alembic_version", column("version_num"), schema=schema)
    return connection.execute(select(versions.c.version_num)).scalar()


def _scripts(location: Path) -> ScriptDirectory:
    return ScriptDirectory(str(location), version_locations=[str(location / "versions")])
