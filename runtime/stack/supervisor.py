"""Processes that are kept running: started in their order, started again when one ends, stopped in reverse order."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Final, Protocol

from runtime.embedded.child import last_lines
from runtime.errors import StartError

_LOOK_EVERY: Final = 0.2
_LONGEST_PAUSE: Final = 15.0
_CALM: Final = 30.0
"""Seconds after which a process that was started again counts as well."""


class Server(Protocol):
    """Something that runs until it is stopped."""

    @property
    def pid(self) -> int:
        """The process id."""
        ...

    def running(self) -> bool:
        """Whether it has not ended."""
        ...

    def stop(self) -> None:
        """Let it end in order."""
        ...


@dataclass(frozen=True, slots=True)
class Program:
    """What is to run: its name, how it is started (without waiting for long), and when it is ready."""

    name: str
    start: Callable[[], Server]
    ready: Callable[[], bool] = field(default=lambda: True)
    patience: float = 120.0
    log: Path | None = None
    """What its end is looked up in when it does not become ready."""

    def failed(self, how: str) -> StartError:
        """Say that it did not start, with the end of its log."""
        said = "" if self.log is None else f" Its log, {self.log}, ends with:\n{last_lines(self.log)}"
        return StartError(f"{self.name} {how}.{said}")


@dataclass(slots=True)
class _Kept:
    program: Program
    server: Server
    started: float
    restarts: int = 0
    """How often it was started again in a row."""


class Supervisor:
    """Keeps programs running; `say` is told of each that ends or comes back."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._kept: list[_Kept] = []

    def start(self, programs: Sequence[Program]) -> None:
        """Start all of these at once, and return when every one is ready.

        Raises:
            StartError: one did not become ready; all that was started runs on until `stop`.
        """
        before = len(self._kept)
        for program in programs:
            self._kept.append(_Kept(program, program.start(), time.monotonic()))
        for kept in self._kept[before:]:
            self._wait_until_ready(kept)

    def watch(self, stop: Event) -> None:
        """Start again what ends, each time after a longer pause, until `stop` is set."""
        while not stop.wait(_LOOK_EVERY):
            for kept in self._kept:
                if not kept.server.running():
                    self._start_again(kept)

    def pids(self) -> dict[str, int]:
        """Tell the process id of each program by its name."""
        return {kept.program.name: kept.server.pid for kept in self._kept}

    def stop(self) -> None:
        """Stop all, the last first."""
        for kept in reversed(self._kept):
            kept.server.stop()
        self._kept.clear()

    def _start_again(self, kept: _Kept) -> None:
        now = time.monotonic()
        if now - kept.started > _CALM:
            kept.restarts = 0
        if now - kept.started < min(_LONGEST_PAUSE, 0.25 * 2**kept.restarts) and kept.restarts:
            return
        kept.restarts += 1
        kept.started = now
        self._say(f"{kept.program.name} has ended; it is started again")
        kept.server.stop()
        try:
            kept.server = kept.program.start()
        except StartError as error:
            self._say(f"{kept.program.name}: {error}")

    def _wait_until_ready(self, kept: _Kept) -> None:
        deadline = time.monotonic() + kept.program.patience
        while not kept.program.ready():
            if not kept.server.running():
                raise kept.program.failed("ended at once")
            if time.monotonic() > deadline:
                raise kept.program.failed(f"was not ready after {kept.program.patience:.0f} s")
            time.sleep(0.02)
