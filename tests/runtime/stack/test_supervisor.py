"""What ends is started again, in order and without haste."""

import signal
import sys
from pathlib import Path
from threading import Event

import pytest

from runtime.embedded.child import start_child
from runtime.errors import StartError
from runtime.stack.supervisor import Program, Supervisor

FOREVER = "import time; time.sleep(600)"


@pytest.fixture
def supervisor():
    said = []
    supervisor = Supervisor(said.append)
    supervisor.said = said
    yield supervisor
    supervisor.stop()


class Counted:
    """A program that counts its starts; `code` is what it runs."""

    def __init__(self, folder: Path, code: str = FOREVER) -> None:
        self.log = folder / "log"
        self.code = code
        self.servers = []
        self.again = Event()

    def start(self):
        child = start_child("x", [sys.executable, "-c", self.code], log=self.log, stop_signal=signal.SIGTERM)
        self.servers.append(child)
        if len(self.servers) > 1:
            self.again.set()
        return child


def test_who_ends_is_started_again(supervisor, tmp_path):
    counted = Counted(tmp_path)
    supervisor.start([Program("x", counted.start)])
    counted.servers[0].process.kill()
    counted.servers[0].process.wait()
    supervisor.watch(counted.again)
    assert len(counted.servers) == 2
    assert supervisor.said == ["x has ended; it is started again"]
    assert supervisor.pids() == {"x": counted.servers[1].pid}


def test_all_are_stopped(supervisor, tmp_path):
    counted = Counted(tmp_path)
    supervisor.start([Program("x", counted.start), Program("y", counted.start)])
    supervisor.stop()
    assert not any(server.running() for server in counted.servers)


def test_who_ends_at_once_is_told_with_its_last_words(supervisor, tmp_path):
    counted = Counted(tmp_path, "raise SystemExit('no such thing')")
    with pytest.raises(StartError, match=r"(?s)x ended at once.*no such thing"):
        supervisor.start([Program("x", counted.start, lambda: False, log=counted.log)])


def test_who_never_gets_ready_is_not_waited_for_without_end(supervisor, tmp_path):
    with pytest.raises(StartError, match="was not ready after 0 s"):
        supervisor.start([Program("x", Counted(tmp_path).start, lambda: False, patience=0.1)])
