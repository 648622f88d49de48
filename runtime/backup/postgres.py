"""pg_dump and pg_restore: of Debian's packages where they are as new as the server, else those of the wheel."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import make_url

from runtime.embedded.postgres import wheel_binaries
from runtime.errors import StartError
from runtime.stack.debian import PackagesMissingError, program

_SAID: Final = 5


class DumpError(StartError):
    """PostgreSQL's own tool failed; the message ends with what it said."""


def dump(database_url: str, schemas: Sequence[str], target: Path) -> None:
    """Write these schemas, as they are at one moment, while others go on working.

    Raises:
        DumpError: it could not be done.
    """
    chosen = [f"--schema={name}" for name in schemas]
    _run("pg_dump", database_url, ["--format=custom", "--no-owner", f"--file={target}", *chosen])


def restore(database_url: str, source: Path) -> None:
    """Make what a dump holds, all of it or nothing.

    Raises:
        DumpError: it could not be done; the database is as it was.
    """
    _run("pg_restore", database_url, ["--single-transaction", "--exit-on-error", "--no-owner", str(source)])


def _run(tool: str, database_url: str, arguments: Sequence[str]) -> None:
    url = make_url(database_url)
    host = url.host or url.query.get("host") or ""
    login = {"PGHOST": str(host), "PGUSER": url.username or "", "PGDATABASE": url.database or ""}
    secret = {"PGPASSWORD": str(url.password or ""), "PGPORT": str(url.port or 5432), "LC_ALL": "C.UTF-8"}
    database = ["--dbname", login["PGDATABASE"]]
    said = ""
    for binaries in _candidates():
        command = [str(binaries / tool), *database, *arguments]
        done = subprocess.run(command, env={**login, **secret}, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        said = "\n".join(done.stderr.strip().splitlines()[-_SAID:])
        if "server version mismatch" not in done.stderr and "unsupported version" not in done.stderr:
            break
    raise DumpError(f"{tool} failed:\n{said}")


def _candidates() -> Sequence[Path]:
    """Give the folders of the tools; Debian's first, since an older server cannot read all that newer tools write."""
    try:
        return (program("postgresql").parent, wheel_binaries())
    except PackagesMissingError:
        return (wheel_binaries(),)
