"""The data directory: everything that the embedded stack keeps, in one folder with one owner at a time.

.storegraph/
  lock           held while a process runs on this directory; the kernel releases it, however that process ends
  owner.json     pid and URL of that process, for messages
  secrets.json   generated once, readable by its owner only
  postgres/  valkey/  logs/  mailbox/  keys/  sockets/
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from runtime.errors import AlreadyRunningError, DataDirectoryUnusableError

_MARK = "storegraph-data"
_LONGEST_SOCKET_PATH = 90
"""unix(7) allows 107 bytes; PostgreSQL's and Valkey's file names take up to 17 of them."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the parts of one installation share and nobody else knows."""

    database_password: str
    internal_key: str


class DataDirectory:
    """The folder and the lock on it.

    Usable as a context manager: entering takes the lock and makes the folder, leaving gives the lock back.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().resolve()
        self._lock: IO[str] | None = None

    def __enter__(self) -> DataDirectory:
        self._make_root()
        self._take_lock()
        for name in ("logs", "mailbox", "keys"):
            (self.root / name).mkdir(exist_ok=True, mode=0o700)
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            (self.root / "owner.json").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def held(self) -> bool:
        """Whether a process, this one or another, holds the lock."""
        try:
            with (self.root / "lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def log(self, name: str) -> Path:
        """The log file of a child server."""
        return self.root / "logs" / f"{name}.log"

    def socket_directory(self) -> Path:
        """A folder for Unix sockets: ours, unless its path is too long for one (unix(7))."""
        own = self.root / "sockets"
        if len(os.fsencode(own)) > _LONGEST_SOCKET_PATH:
            digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
            own = Path(tempfile.gettempdir()) / f"storegraph-{os.getuid()}-{digest}"
        own.mkdir(exist_ok=True, mode=0o700)
        if own.stat().st_uid not in {os.getuid(), 0}:
            raise DataDirectoryUnusableError(
                f"{own} belongs to somebody else. Remove it, or choose another --data-dir."
            )
        return own

    def announce(self, **facts: Any) -> None:
        """Tell later starts who runs here."""
        (self.root / "owner.json").write_text(json.dumps({"pid": os.getpid(), **facts}))

    def secrets(self) -> Secrets:
        """The secrets of this installation, made at the first call and kept with mode 0600."""
        path = self.root / "secrets.json"
        if not path.exists():
            made = Secrets(secrets.token_urlsafe(24), secrets.token_urlsafe(48))
            fresh = path.with_suffix(".new")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump({"database_password": made.database_password, "internal_key": made.internal_key}, file)
            fresh.rename(path)
        return Secrets(**json.loads(path.read_text()))

    def reset(self) -> None:
        """Delete all that is kept here, apart from the lock that we hold."""
        for entry in self.root.iterdir():
            if entry.name in {"lock", _MARK}:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        for name in ("logs", "mailbox", "keys"):
            (self.root / name).mkdir(exist_ok=True, mode=0o700)

    def _make_root(self) -> None:
        try:
            foreign = self.root.exists() and any(self.root.iterdir()) and not (self.root / _MARK).exists()
            if foreign:
                raise DataDirectoryUnusableError(
                    f"{self.root} holds something else than Storegraph's data. Choose an empty or new --data-dir."
                )
            self.root.mkdir(parents=True, exist_ok=True, mode=0o755)
            (self.root / _MARK).touch()
        except OSError as error:
            raise DataDirectoryUnusableError(
                f"Cannot write to the data directory {self.root}: {error.strerror}. "
                "Choose another with --data-dir, or mend its permissions."
            ) from error

    def _take_lock(self) -> None:
        lock = (self.root / "lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise AlreadyRunningError(self._who_runs()) from error
        self._lock = lock

    def _who_runs(self) -> str:
        try:
            owner = json.loads((self.root / "owner.json").read_text())
        except (OSError, ValueError):
            owner = dict[str, Any]()
        who = f"process {owner['pid']}" if "pid" in owner else "another process"
        where = f" at {owner['url']}" if "url" in owner else ""
        return (
            f"Storegraph already runs{where} ({who}) on the data directory {self.root}. "
            "Stop it with Ctrl-C, or start a second store with --data-dir and --port."
        )
