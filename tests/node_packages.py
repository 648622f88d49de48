"""npm packages that only tests use: locked in a folder beside the test, installed there on first use."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from router.server.explorer.build import machine_node, wheel_node

NodePackages = Callable[[Path, str], Mapping[str, str]]


def installed(folder: Path, package: str) -> Mapping[str, str]:
    """Return the environment in which `node` runs and `NODE_MODULES` names a folder that has the package.

    The packages are installed in their own folder unless the `NODE_MODULES` of the machine has them. Node is the
    machine's or that of PyPI's wheel; without either the test is skipped.
    """
    commands = machine_node() or wheel_node()
    if commands is None:
        pytest.skip("needs Node and npm")
    (node,), npm = commands
    environment = {**os.environ, "PATH": f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    packages = Path(os.environ.get("NODE_MODULES", folder)).resolve()
    with (folder / "package.json").open() as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not (packages / "node_modules" / package).is_dir():
            command = [*npm, "ci", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=folder, env=environment, check=True, timeout=300)
            packages = folder
    return {**environment, "NODE_MODULES": str(packages)}
