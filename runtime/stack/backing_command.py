"""`storegraph services`: install, start, look at and stop the servers that the shop needs in services mode."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.table import Table

from runtime.embedded.data_directory import DataDirectory
from runtime.errors import StartError
from runtime.ports import preferred_port
from runtime.progress import Steps
from runtime.stack import elasticsearch
from runtime.stack.backing import PREFERRED_PORTS, Backing
from runtime.stack.debian import PROGRAMS, install, missing
from runtime.stack.supervisor import Supervisor
from runtime.stopping import stop_flag_on_signals

_ENVIRONMENT: Final = "services.env"
_PIDS: Final = "pids.json"
_PATIENCE: Final = 180.0


class ServicesNotRunningError(StartError):
    """Nobody runs the servers of this folder."""


def run_install() -> None:
    """Install what the machine lacks."""
    steps, wanted = Steps(), missing(PROGRAMS)
    if not wanted and elasticsearch.installed():
        steps.console.print(f"The machine has all of {', '.join(PROGRAMS)} and Elasticsearch.")
        return
    if wanted:
        with steps.step(f"Installed {', '.join(wanted)}"):
            install(wanted)
    with steps.step(f"Installed Elasticsearch {elasticsearch.VERSION}"):
        elasticsearch.install()


def run_up(folder: Path, *, detach: bool) -> None:
    """Run the servers until Ctrl-C or SIGTERM; detached, return when they are ready. Running ones are left alone."""
    directory = DataDirectory(folder)
    if detach:
        _up_detached(directory)
    else:
        _up(directory)


def run_down(folder: Path) -> None:
    """Stop the servers; fine if they do not run."""
    directory, steps = DataDirectory(folder), Steps()
    owner = owner_of(directory)
    if owner is None:
        steps.console.print(f"No servers run in {directory.root}.")
        return
    with steps.step("Stopped"):
        os.kill(owner, signal.SIGTERM)
        _wait(lambda: owner_of(directory) is None, "The servers did not stop")


def run_status(folder: Path) -> int:
    """Tell what runs; the exit code is 3 if nothing does, as service managers have it (LSB 3.0, 20.2)."""
    directory = DataDirectory(folder)
    owner = owner_of(directory)
    console = Steps().console
    if owner is None:
        console.print(f"No servers run in {directory.root}. Start them with `storegraph services up`.")
        return 3
    console.print(f"Servers in {directory.root}, kept by process {owner}:", soft_wrap=True)
    ports = _ports(directory).values()
    table = Table("server", "address", "pid")
    for (name, pid), port in zip(json.loads((directory.root / _PIDS).read_text()).items(), ports, strict=True):
        table.add_row(name, f"127.0.0.1:{port}", str(pid))
    console.print(table)
    console.print(f"Settings for the shop: {directory.root / _ENVIRONMENT}", soft_wrap=True)
    return 0


def environment_of(folder: Path) -> dict[str, str]:
    """Give the settings that lead to the running servers of a folder.

    Raises:
        ServicesNotRunningError: none run there.
    """
    directory = DataDirectory(folder)
    path = directory.root / _ENVIRONMENT
    if owner_of(directory) is None or not path.exists():
        raise ServicesNotRunningError(f"No servers run in {directory.root}. Start them with `make services`.")
    pairs = (line.partition("=") for line in path.read_text().splitlines())
    return {name: shlex.split(value)[0] for name, _, value in pairs}


def owner_of(directory: DataDirectory) -> int | None:
    """Tell which process runs the servers of a folder."""
    try:
        owner = json.loads((directory.root / "owner.json").read_text())["pid"]
    except (OSError, ValueError, KeyError):
        return None
    return owner if directory.held() else None


@contextmanager
def backing_services(directory: DataDirectory, steps: Steps) -> Iterator[tuple[Backing, Supervisor]]:
    """Run the servers in a folder that we own while the caller works.

    Raises:
        StartError: one did not start; all are stopped then.
    """
    backing = Backing(directory, _ports(directory))
    supervisor = Supervisor(steps.console.print)
    try:
        for program in backing.programs():
            with steps.step(program.name):
                supervisor.start([program])
        yield backing, supervisor
    finally:
        supervisor.stop()


def _up(directory: DataDirectory) -> None:
    steps, stop = Steps(), stop_flag_on_signals()
    with directory:
        directory.announce(url="services")
        with backing_services(directory, steps) as (backing, supervisor):
            _write_private(directory.root / _PIDS, json.dumps(supervisor.pids()))
            _write_private(directory.root / _ENVIRONMENT, _lines(backing.environment()))
            steps.console.print(f"Settings for the shop: {directory.root / _ENVIRONMENT}    Stop: Ctrl-C")
            try:
                supervisor.watch(stop)
            finally:
                (directory.root / _ENVIRONMENT).unlink(missing_ok=True)


def _up_detached(directory: DataDirectory) -> None:
    steps, ready = Steps(), directory.root / _ENVIRONMENT
    if owner_of(directory) is not None:
        steps.console.print(f"The servers of {directory.root} run already.")
        return
    ready.unlink(missing_ok=True)
    directory.root.mkdir(parents=True, exist_ok=True)
    log = directory.root.with_name(f"{directory.root.name}.log")
    command = [sys.executable, "-m", "runtime.cli", "services", "up", "--data-dir", str(directory.root)]
    with steps.step("Servers"), log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        _wait(lambda: ready.exists() or process.poll() is not None, "The servers were not ready")
        if process.poll() is not None:
            raise StartError(f"The servers did not start:\n{log.read_text()[-2000:]}")
    run_status(directory.root)


def _ports(directory: DataDirectory) -> Mapping[str, int]:
    """Choose ports at the first start; they stay, since brokers and settings know them."""
    path = directory.root / "ports.json"
    known: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    ports = {name: known.get(name) or preferred_port(port) for name, port in PREFERRED_PORTS.items()}
    path.write_text(json.dumps(ports))
    return ports


def _lines(environment: Mapping[str, str]) -> str:
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in environment.items())


def _write_private(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.rename(path)


def _wait(done: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise StartError(f"{otherwise} within {_PATIENCE:.0f} s.")
        time.sleep(0.05)
