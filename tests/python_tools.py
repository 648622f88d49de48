"""Servers from PyPI that only tests talk to: each in an environment of its own, made on first use.

They would pull the product's own libraries back to older versions, or need a newer Python than it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

HOME: Final = Path(__file__).parent.parent


def python_tool(package: str, *, python: str = "3.11") -> Path:
    """Return the folder of the commands of a package of one version; where it is not to be had, skip the test."""
    folder = HOME / ".tools" / package.replace("==", "-").replace("[", "-").replace("]", "").replace(",", "-")
    ready = folder / "ready"
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / "lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not ready.exists():
            _install(folder, package, python)
            ready.touch()
    return folder / "bin"


@contextmanager
def serving(command: Sequence[str | Path], log: Path, reach: Callable[[], object]) -> Iterator[None]:
    """Run a server, once `reach` gets through to it instead of raising an OSError."""
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=out) as server:
        try:
            _wait_until_reached(reach, log)
            yield
        finally:
            server.kill()


def _wait_until_reached(reach: Callable[[], object], log: Path) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            reach()
        except OSError:
            if time.monotonic() > until:
                raise TimeoutError(log.read_text()) from None
            time.sleep(0.05)
        else:
            return


def _install(folder: Path, package: str, python: str) -> None:
    uv = shutil.which("uv", path=os.pathsep.join((str(HOME / ".uv" / "bin"), os.environ.get("PATH", os.defpath))))
    if uv is None:
        pytest.skip(f"needs uv to install {package}")
    shutil.rmtree(folder, ignore_errors=True)
    steps = (
        ["venv", "--python", _interpreter(python), str(folder)],
        ["pip", "install", "--python", str(folder), package],
    )
    for step in steps:
        done = subprocess.run([uv, "--quiet", *step], capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            pytest.skip(f"{package} cannot be installed: {done.stderr.strip()[-200:]}")


def _interpreter(version: str) -> str:
    """Name an interpreter as uv finds it, also where pyenv keeps it out of the path."""
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    return str(kept[-1]) if kept else version
