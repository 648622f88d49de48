"""What the machine has of the servers, and how Debian and its relatives install the rest."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from runtime.errors import StartError

PROGRAMS: Final = {
    "postgresql": ("lib/postgresql/*/bin/postgres",),
    "redis-server": ("bin/redis-server", "bin/valkey-server"),
    "rabbitmq-server": ("lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server",),
    "nginx": ("sbin/nginx", "bin/nginx"),
    "default-jre-headless": ("bin/java",),
    "maven": ("bin/mvn",),
}
"""Debian's packages and where each puts its program, below `_USR`; the last two are for Elasticsearch."""
_USR: Final = Path("/usr")
_POLICY: Final = Path("/usr/sbin/policy-rc.d")


class PackagesMissingError(StartError):
    """The machine lacks servers; the message says how to get them."""


def program(package: str) -> Path:
    """Find the newest server of a package.

    Raises:
        PackagesMissingError: the machine has none.
    """
    found = _find(package)
    if found is None:
        raise PackagesMissingError(_how_to_install([package]))
    return found


def missing(packages: Iterable[str]) -> list[str]:
    """Name the packages that the machine lacks."""
    return [package for package in packages if _find(package) is None]


def install(packages: Sequence[str]) -> None:
    """Install packages without letting them start servers of their own.

    Raises:
        PackagesMissingError: we are not root, there is no apt, or it failed; with what it said.
    """
    if not packages:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise PackagesMissingError(_how_to_install(packages))
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _nothing_starts():
        for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
            done = subprocess.run(
                ["apt-get", "--quiet", "--quiet", *command],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise PackagesMissingError(f"apt-get {' '.join(command)} failed:\n{done.stderr.strip()[-2000:]}")


def _find(package: str) -> Path | None:
    found = [path for pattern in PROGRAMS[package] for path in _USR.glob(pattern)]
    return max(found, key=_version, default=None)


def _version(path: Path) -> tuple[list[int], str]:
    words = path.as_posix().replace("-", "/").replace(".", "/").split("/")
    return [int(word) for word in words if word.isdigit()], str(path)


def _how_to_install(packages: Sequence[str]) -> str:
    return f"The machine lacks {', '.join(packages)}. Install with: sudo apt-get install {' '.join(packages)}"


@contextmanager
def _nothing_starts() -> Iterator[None]:
    """Have Debian's packages ask before they start a server, and be told no (invoke-rc.d(8), policy-rc.d)."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
