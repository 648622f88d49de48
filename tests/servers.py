"""Real servers for tests: the embedded PostgreSQL and Valkey, started once per test process.

A test database is cloned from a template that has the migrations of the wanted subgraphs, which takes some tens of
milliseconds. The server forgets safety (no fsync) because nothing in it outlives the tests.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Final

import asyncpg

from kernel.database import plain_url
from kernel.migrations import upgrade_all
from runtime.embedded.data_directory import DataDirectory
from runtime.embedded.postgres import start_postgres
from runtime.embedded.valkey import start_valkey

_UNSAFE_AND_FAST: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Servers:
    """The data directory of a test process and what runs on it; `stop` removes all of it."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="storegraph-test-"))
        self._ended = ExitStack()
        self._ended.callback(shutil.rmtree, self._folder, ignore_errors=True)
        self.directory = self._ended.enter_context(DataDirectory(self._folder / "data"))

    def postgres(self) -> PostgresForTests:
        """Start PostgreSQL."""
        server = start_postgres(self.directory, _UNSAFE_AND_FAST)
        server.child.stop_signal = signal.SIGQUIT  # at once: nothing in it is to be kept
        self._ended.callback(server.stop)
        return PostgresForTests(plain_url(server.url))

    def valkey(self) -> ValkeyForTests:
        """Start Valkey."""
        server = start_valkey(self.directory)
        self._ended.callback(server.stop)
        return ValkeyForTests(server.url)

    def stop(self) -> None:
        """Stop what runs and remove its data."""
        self._ended.close()


class ValkeyForTests:
    """A Valkey server."""

    def __init__(self, url: str) -> None:
        self.url = url


class PostgresForTests:
    """A PostgreSQL server with as many fresh databases as tests want."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = count(1)
        self._templates: dict[tuple[str, ...], str] = {}
        self._lock = asyncio.Lock()

    def url(self, database: str = "postgres") -> str:
        """Give the URL of one of its databases."""
        return self._url.replace("/postgres?", f"/{database}?")

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
