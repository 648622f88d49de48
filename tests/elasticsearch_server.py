"""One real Elasticsearch for all processes of a test run: it takes a gigabyte and ten seconds of a processor."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from runtime.stack.elasticsearch import start_elasticsearch


@contextmanager
def shared_elasticsearch(meeting_point: Path, at_end: ExitStack) -> Iterator[str]:
    """Give the URL of the server of this run; who comes first starts it, and it ends with that one's `at_end`.

    Args:
        meeting_point: a folder of this run; everybody holds a lock on a file in it while using the server.
        at_end: closed when this process has no more tests; it waits then until nobody uses the server any more.
    """
    with (meeting_point / "elasticsearch").open("a+") as users:
        with _alone(meeting_point):
            fcntl.flock(users, fcntl.LOCK_SH)
            users.seek(0)
            url = users.read()
            if not url:
                url = at_end.enter_context(_server(meeting_point))
                users.write(url)
                users.flush()
        yield url


@contextmanager
def _server(meeting_point: Path) -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="storegraph-test-"))
    folder.chmod(0o755)
    try:
        server = start_elasticsearch(folder / "elasticsearch", heap="384m", quick_start=True)
        yield server.url
        with _alone(meeting_point), (meeting_point / "elasticsearch").open("w") as users:
            fcntl.flock(users, fcntl.LOCK_EX)
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _alone(meeting_point: Path) -> Iterator[None]:
    """Nobody else looks for the server meanwhile."""
    with (meeting_point / "elasticsearch-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
