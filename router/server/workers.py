"""Several processes that serve one port, and the one that looks after them.

The first process only opens the sockets and watches: it starts a worker for each, starts another where one ends
unasked, and passes orders on: to stop, and by SIGHUP to read again what is served. Workers are forked, so what was read
before the fork, above all the supergraph, is in memory once. A worker ends by itself when the first process is gone: it
hears that by a pipe that closes.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Final, Protocol

_WATCHED: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP)
_YOUNG_SECONDS: Final = 2.0
_MOST_YOUNG_DEATHS: Final = 5

Work = Callable[[socket.socket, int], None]
"""Serves one socket until it is told to stop, or until the pipe whose reading end is given closes."""


class Renewal(Protocol):
    """Keeps what a worker that is started later begins with up to date."""

    def __call__(self, *, asked: bool) -> bool:
        """Look for something new to serve, and tell whether what there is is good; `asked` by a person, say why not."""
        ...


class Workers:
    """Runs `work` in one process for each socket.

    Args:
        listeners: the sockets.
        work: what each process does.
        renew: looks for something new to serve.
        interval: seconds between two looks.
    """

    def __init__(self, listeners: Sequence[socket.socket], work: Work, renew: Renewal, interval: float) -> None:
        self._listeners = listeners
        self._work = work
        self._renew = renew
        self._interval = interval
        self._pipe, self._lifeline = os.pipe()
        self._workers: dict[int, tuple[socket.socket, float]] = {}
        self._young_deaths = 0
        self._stopping = False

    def run(self) -> int:
        """Serve until a signal comes; return the exit code."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
        for listener in self._listeners:
            self._start(listener)
        while self._workers:
            found = signal.sigtimedwait(_WATCHED, self._interval)
            if found is None or found.si_signo == signal.SIGHUP:
                self._look_for_news(asked=found is not None)
            elif found.si_signo == signal.SIGCHLD:
                self._replace_ended()
            else:
                self._stop()
        return 1 if self._young_deaths >= _MOST_YOUNG_DEATHS else 0

    def _start(self, listener: socket.socket) -> None:
        process = os.fork()
        if process == 0:
            self._become_worker(listener)
        self._workers[process] = (listener, time.monotonic())

    def _become_worker(self, listener: socket.socket) -> None:
        """Do the work and end, whatever happens, without returning into the first process's code."""
        code = 1
        try:
            os.close(self._lifeline)
            for other in self._listeners:
                if other is not listener:
                    other.close()
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
            self._work(listener, self._pipe)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _stop(self) -> None:
        """Pass the order to stop on; a second one is final."""
        number = signal.SIGKILL if self._stopping else signal.SIGTERM
        self._stopping = True
        for process in self._workers:
            os.kill(process, number)

    def _look_for_news(self, *, asked: bool) -> None:
        if not self._stopping and self._renew(asked=asked) and asked:
            for process in self._workers:
                os.kill(process, signal.SIGHUP)

    def _replace_ended(self) -> None:
        while self._workers:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            if process not in self._workers:
                continue
            listener, started = self._workers.pop(process)
            if not self._stopping:
                self._replace(process, status, listener, time.monotonic() - started)

    def _replace(self, process: int, status: int, listener: socket.socket, age: float) -> None:
        self._young_deaths = self._young_deaths + 1 if age < _YOUNG_SECONDS else 0
        reason = os.waitstatus_to_exitcode(status)
        sys.stderr.write(f"router: worker {process} ended with {reason} after {age:.0f} s\n")
        if self._young_deaths >= _MOST_YOUNG_DEATHS:
            sys.stderr.write("router: workers end as soon as they start; giving up\n")
            self._stop()
        else:
            self._start(listener)
