"""Counts who used which published operation, so that it is known which can be retired.

Requests only add to a counter in memory; what has gathered is written a few seconds later, on a thread, into an SQLite
file that all workers of a machine and the command line share.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

_LOG: Final = structlog.get_logger("router.operations")
_WRITE_SECONDS: Final = 5.0
_BUSY_SECONDS: Final = 5.0
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS usage (
    operation TEXT NOT NULL, client TEXT NOT NULL, count INTEGER NOT NULL, first_used TEXT NOT NULL,
    last_used TEXT NOT NULL, PRIMARY KEY (operation, client)
) WITHOUT ROWID
"""
_ADD: Final = """
INSERT INTO usage VALUES (?, ?, ?, ?, ?) ON CONFLICT (operation, client)
DO UPDATE SET count = count + excluded.count, last_used = max(last_used, excluded.last_used)
"""

Key = tuple[str, str]
"""The id of an operation and the name of a client; an empty name stands for clients that name themselves not."""


@dataclass(frozen=True, slots=True)
class Use:
    """How much one client used one operation."""

    count: int
    first: datetime
    last: datetime


class UsageCounter:
    """Counts in memory and writes into a file now and then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counts: Counter[Key] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def count(self, operation_id: str, client: str | None) -> None:
        """Count one use."""
        self._counts[operation_id, client or ""] += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_WRITE_SECONDS, self._write_aside)

    def _write_aside(self) -> None:
        self._timer = None
        counts, self._counts = self._counts, Counter()
        asyncio.get_running_loop().run_in_executor(None, self._write, counts)

    def _write(self, counts: Counter[Key]) -> None:
        try:
            add_usage(self._path, counts, datetime.now(UTC))
        except sqlite3.Error as error:
            _LOG.warning("usage of operations was not written", file=str(self._path), reason=str(error))

    def close(self) -> None:
        """Write what is left."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._counts:
            counts, self._counts = self._counts, Counter()
            self._write(counts)


def add_usage(path: Path, counts: Mapping[Key, int], now: datetime) -> None:
    """Add counts to a file, which is made if it is not there."""
    moment = now.isoformat(timespec="seconds")
    with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as database, database:
        database.execute(_TABLE)
        database.executemany(_ADD, [(*key, count, moment, moment) for key, count in counts.items()])


def read_usage(path: Path | None) -> dict[Key, Use]:
    """Return what was counted; nothing, where there is no file."""
    if path is None or not path.exists():
        return {}
    with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as database:
        database.execute(_TABLE)
        rows = database.execute("SELECT operation, client, count, first_used, last_used FROM usage").fetchall()
    return {
        (operation, client): Use(count, datetime.fromisoformat(first), datetime.fromisoformat(last))
        for operation, client, count, first, last in rows
    }
