"""Redis from Debian's package (`apt-get install redis-server`), or Valkey, on a port of its own on loopback."""

from __future__ import annotations

import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from runtime.embedded.child import Child, start_child
from runtime.stack.debian import program


@dataclass(frozen=True, slots=True)
class Redis:
    """Where a server keeps its data, where it listens, and the password that it wants."""

    folder: Path
    port: int
    password: str

    @property
    def url(self) -> str:
        """How it is reached."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> Child:
        """Start the server, without waiting until it answers.

        Raises:
            StartError: the package is missing.
        """
        self.folder.mkdir(exist_ok=True, parents=True, mode=0o700)
        config = self.folder / "redis.conf"
        config.touch(mode=0o600)
        config.write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\ndir {self.folder}\n"
            'save ""\nappendonly yes\nappendfsync everysec\nmaxmemory 512mb\nmaxmemory-policy allkeys-lru\n'
        )
        log = self.folder / "server.log"
        return start_child("Redis", [program("redis-server"), config], log=log, stop_signal=signal.SIGTERM)

    def answers(self) -> bool:
        """Whether it takes commands."""
        return _ask(self.port, f"AUTH {self.password}\r\nPING\r\n".encode(), b"+PONG")


def _ask(port: int, words: bytes, wanted: bytes) -> bool:
    heard = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as probe:
            probe.sendall(words)
            while wanted not in heard and (more := probe.recv(256)):
                heard += more
    except OSError:
        return False
    return wanted in heard
