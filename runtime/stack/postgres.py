"""PostgreSQL from Debian's package (`apt-get install postgresql`), on a port of its own on loopback."""

from __future__ import annotations

from typing import Final

from runtime.embedded.data_directory import DataDirectory
from runtime.embedded.postgres import Build, Postgres, start_postgres
from runtime.stack.debian import program

_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "400",
    "wal_level": "replica",
    "max_wal_senders": "4",
}
"""What differs from the embedded server: many processes connect, and backups of a running server read its WAL."""


def start_debian_postgres(directory: DataDirectory, port: int) -> Postgres:
    """Start the server; it is reached over TCP, as one on another machine would be.

    Raises:
        StartError: the package is missing, or the server did not come up.
    """
    build = Build(program("postgresql").parent, {})
    server = start_postgres(directory, {**_SETTINGS, "port": str(port)}, build=build)
    server.url = url_of(directory, port)
    return server


def url_of(directory: DataDirectory, port: int) -> str:
    """Where the server of a data directory is reached."""
    return f"postgresql+asyncpg://storegraph:{directory.secrets().database_password}@127.0.0.1:{port}/postgres"
