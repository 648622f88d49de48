"""One command runs the store, from an empty folder; a crash loses nothing and blocks nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runtime.ports import free_port
from tests.e2e import catalogue_journey, live_journey, rest_journey
from tests.prove.checkout import HERE, Checkout, Running, descendants_of, graphql, log_in, running

STOREGRAPH = str(Path(sys.executable).with_name("storegraph"))
pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("one-command")]


@pytest.fixture(scope="module")
def data_dir(server_folder: Path) -> Path:
    return server_folder / "data"


def up(data_dir: Path, port: int):
    return running(Checkout(HERE), [STOREGRAPH, "up", "--port", str(port), "--data-dir", str(data_dir)], port)


def storegraph(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([STOREGRAPH, *arguments], capture_output=True, text=True, timeout=120, check=False)


def newest_orders(store: Running) -> list[str]:
    answer = graphql(store.url, "{ orders(first: 20) { nodes { number } } }", token=log_in(store.url, "admin"))
    return [node["number"] for node in answer["data"]["orders"]["nodes"]]


def test_a_store_is_up_takes_an_order_survives_a_crash_and_stops(data_dir: Path) -> None:
    port = free_port()
    with up(data_dir, port) as store:
        journey = storegraph("demo", "--url", store.url)
        assert journey.returncode == 0, journey.stdout + journey.stderr
        second = storegraph("up", "--port", str(free_port()), "--data-dir", str(data_dir))
        assert second.returncode == 1
        assert "already runs" in second.stderr
        assert "Traceback" not in second.stderr
        before = newest_orders(store)
        store.kill()

    with up(data_dir, port) as store:
        assert newest_orders(store) == before
        rest_journey.walk(store.url)
        live_journey.walk(store.url)
        catalogue_journey.walk(store.url)
        journey = storegraph("demo", "--url", store.url)
        assert journey.returncode == 0, journey.stdout + journey.stderr
        assert store.interrupt() == 0

    assert descendants_of(data_dir) == []


def test_a_busy_port_is_told_before_anything_is_started(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = storegraph("up", "--port", port, "--data-dir", str(tmp_path / "data"))

    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"storegraph: Port {port} on 127.0.0.1 cannot be used: Address already in use. Choose another with --port."
    )
    assert not (tmp_path / "data").exists()
