"""Child servers that never outlive us.

A child runs in a session of its own, so that Ctrl-C in the terminal reaches only us and we stop the children in order.
Should we be killed with SIGKILL, the Linux kernel sends the child its stop signal (prctl(2), PR_SET_PDEATHSIG).
Elsewhere a left-over is found by its pid file and stopped at the next start.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runtime.embedded.accounts import Account
from runtime.errors import ServerNotStartedError

_PR_SET_PDEATHSIG = 1
_LOG_TAIL = 5


@dataclass(slots=True)
class Child:
    """A running child server: its name for messages, its process, its log and the signal that stops it."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    stop_signal: signal.Signals

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def stop(self, patience: float = 10.0) -> None:
        """Ask it to end, wait for `patience` seconds, then kill it. A child that has ended is left alone."""
        if not self.running():
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def wait_until(self, ready: Callable[[], bool], patience: float = 20.0) -> None:
        """Return when `ready` holds.

        Raises:
            ServerNotStartedError: it ended or took longer than `patience` seconds; the child is stopped then.
        """
        deadline = time.monotonic() + patience
        while not ready():
            if not self.running() or time.monotonic() > deadline:
                how = f"stayed silent for {patience:.0f} s" if self.running() else "ended at once"
                self.stop(2.0)
                raise ServerNotStartedError(
                    f"{self.name} {how}. Its log, {self.log}, ends with:\n{last_lines(self.log)}"
                )
            time.sleep(0.01)


def start_child(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    stop_signal: signal.Signals,
    account: Account | None = None,
    environment: Mapping[str, str] | None = None,
) -> Child:
    """Start a server; call from the main thread, since its death is what ends the child.

    Raises:
        ServerNotStartedError: the program is missing or may not be run.
    """
    with log.open("ab") as output:
        try:
            process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                env={**os.environ, **(environment or {})},
                preexec_fn=_end_with_parent(stop_signal),  # noqa: PLW1509 - one prctl call, no locks taken
            )
        except OSError as error:
            raise ServerNotStartedError(f"{name} could not be started: {error.strerror}: {command[0]}") from error
    return Child(name, process, log, stop_signal)


def stop_left_over(pid: int | None, program: str, stop_signal: signal.Signals, patience: float = 15.0) -> None:
    """End a server that an earlier run of ours left behind; a pid that is now another program's is left alone."""
    if pid is None or not _is_program(pid, program):
        return
    os.kill(pid, stop_signal)
    deadline = time.monotonic() + patience
    while _is_program(pid, program):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _is_program(pid: int, program: str) -> bool:
    listing = subprocess.run(
        ["ps", "-ww", "-o", "stat=,args=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, arguments = listing.stdout.strip().partition(" ")
    return program in arguments and not state.startswith("Z")


def _end_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def in_child() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(stop_signal))
        if os.getppid() != parent:
            os._exit(1)

    return in_child


def last_lines(log: Path) -> str:
    """Give the end of a server's log, for a message."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(f"  {line}" for line in lines[-_LOG_TAIL:]) or "  (empty)"
