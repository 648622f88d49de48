"""Servers that an earlier run left behind. On Linux they end with their parent, so that there are none for long."""

from __future__ import annotations

import signal
from pathlib import Path

from runtime.embedded.child import stop_left_over
from runtime.embedded.data_directory import DataDirectory


def stop_left_over_servers(directory: DataDirectory) -> None:
    """End PostgreSQL and Valkey of an earlier run on this directory, which we own now, and wait until they are gone."""
    data = directory.root / "postgres"
    stop_left_over(_pid(data / "postmaster.pid"), str(data), signal.SIGINT)
    sockets = directory.socket_directory()
    stop_left_over(_pid(directory.root / "valkey" / "valkey.pid"), str(sockets), signal.SIGTERM)
    (sockets / "valkey.sock").unlink(missing_ok=True)


def _pid(file: Path) -> int | None:
    try:
        return int(file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
