"""PostgreSQL and Valkey as children: they keep their data, stop when told, and never outlive a killed parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio

from runtime.embedded.child import start_child
from runtime.embedded.data_directory import DataDirectory
from runtime.embedded.left_over import stop_left_over_servers
from runtime.embedded.postgres import start_postgres
from runtime.embedded.valkey import start_valkey
from runtime.errors import ServerNotStartedError

_START_BOTH = """
import sys, time
from pathlib import Path
from runtime.embedded.data_directory import DataDirectory
from runtime.embedded.postgres import start_postgres
from runtime.embedded.valkey import start_valkey
with DataDirectory(Path(sys.argv[1])) as directory:
    postgres, valkey = start_postgres(directory), start_valkey(directory)
    print(postgres.child.pid, valkey.child.pid, flush=True)
    time.sleep(600)
"""


def _plain(url: str) -> str:
    return url.replace("+asyncpg", "")


def _alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def _wait_until_gone(pids: list[int], patience: float = 20) -> None:
    deadline = time.monotonic() + patience
    while any(_alive(pid) for pid in pids):
        assert time.monotonic() < deadline, f"still alive: {[pid for pid in pids if _alive(pid)]}"
        time.sleep(0.02)


async def test_postgres_keeps_what_was_committed_over_a_restart(server_folder: Path) -> None:
    with DataDirectory(server_folder / "data") as directory:
        first = start_postgres(directory)
        connection = await asyncpg.connect(_plain(first.url))
        await connection.execute("CREATE TABLE kept (value int); INSERT INTO kept VALUES (42)")
        await connection.close()
        first.stop()
        second = start_postgres(directory)
        connection = await asyncpg.connect(_plain(second.url))

        assert await connection.fetchval("SELECT value FROM kept") == 42

        await connection.close()
        second.stop()
        assert not second.child.running()


async def test_postgres_refuses_a_wrong_password(server_folder: Path) -> None:
    with DataDirectory(server_folder / "data") as directory:
        server = start_postgres(directory)
        wrong = _plain(server.url).replace(directory.secrets().database_password, "guess")
        try:
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(wrong)
        finally:
            server.stop()


async def test_valkey_answers_and_stops(server_folder: Path) -> None:
    with DataDirectory(server_folder / "data") as directory:
        server = start_valkey(directory)
        client = redis.asyncio.from_url(server.url)

        assert await client.set("key", "value")
        assert await client.get("key") == b"value"

        await client.aclose()
        server.stop()
        assert not server.child.running()


@pytest.mark.skipif(sys.platform != "linux", reason="prctl(2) is Linux's")
def test_children_end_when_their_parent_is_killed_and_the_next_start_works(server_folder: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _START_BOTH, str(server_folder / "data")], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pids = [int(word) for word in parent.stdout.readline().split()]
    assert len(pids) == 2

    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    with DataDirectory(server_folder / "data") as directory:
        stop_left_over_servers(directory)
        again = start_postgres(directory)

        _wait_until_gone(pids)
        assert again.child.running()
        again.stop()


def test_a_server_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    child = start_child(
        "Example", ["/bin/sh", "-c", "echo no such setting; exit 3"], log=tmp_path / "log", stop_signal=signal.SIGTERM
    )

    with pytest.raises(ServerNotStartedError, match=r"Example ended at once(.|\n)*no such setting"):
        child.wait_until(lambda: False)


def test_a_missing_program_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ServerNotStartedError, match="No such file or directory"):
        start_child("Example", ["/nowhere/server"], log=tmp_path / "log", stop_signal=signal.SIGTERM)
