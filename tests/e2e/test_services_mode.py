"""The same code as separate processes: each subgraph on its own port, a worker on a real broker, and the router."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from runtime.embedded.data_directory import DataDirectory
from runtime.embedded.postgres import start_postgres
from runtime.embedded.valkey import start_valkey
from runtime.ports import free_port
from runtime.shop import SUBGRAPHS
from tests.e2e import live_journey
from tests.prove.checkout import HERE, answers, graphql
from tests.prove.services import supergraph_with

STOREGRAPH = str(Path(sys.executable).with_name("storegraph"))
pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("one-command")]


class Processes:
    """Child processes of a test, all with one environment, ended with the test."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = {**os.environ, **environment}
        self._ended = ExitStack()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [STOREGRAPH, *arguments],
            cwd=HERE,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen([STOREGRAPH, *arguments], cwd=HERE, env=self.environment)
        self._ended.callback(end, child)
        return child

    def end(self) -> None:
        self._ended.close()


def end(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(20)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def wait_until_answered(url: str, patience: float = 120) -> None:
    deadline = time.monotonic() + patience
    while not answers(url):
        assert time.monotonic() < deadline, f"{url} did not come up"
        time.sleep(0.1)


@contextmanager
def servers(folder: Path) -> Iterator[dict[str, str]]:
    """PostgreSQL and Valkey, and the settings that lead to them."""
    with DataDirectory(folder) as directory:
        postgres, valkey = start_postgres(directory), start_valkey(directory)
        try:
            yield {
                "STOREGRAPH_MODE": "services",
                "STOREGRAPH_DATA_DIR": str(directory.root),
                "STOREGRAPH_DATABASE_URL": postgres.url,
                "STOREGRAPH_REDIS_URL": valkey.url,
                "STOREGRAPH_INTERNAL_KEY": directory.secrets().internal_key,
            }
        finally:
            valkey.stop()
            postgres.stop()


def test_a_buyers_journey_over_http_between_all_parts(server_folder: Path, rabbitmq: str) -> None:
    ports = {name: free_port() for name in SUBGRAPHS}
    port = free_port()
    urls = {f"STOREGRAPH_{name.upper()}_URL": f"http://127.0.0.1:{ports[name]}/graphql" for name in SUBGRAPHS}
    keys = {"STOREGRAPH_JWKS_URL": f"http://127.0.0.1:{ports['users']}/.well-known/jwks.json"}
    with servers(server_folder / "data") as environment:
        processes = Processes({**environment, **urls, **keys, "STOREGRAPH_BROKER_URL": rabbitmq})
        try:
            unready = processes.run("subgraph", "users", "--port", str(ports["users"]))
            assert unready.returncode == 1
            assert "storegraph migrate" in unready.stderr
            assert processes.run("migrate").returncode == 0
            for name in SUBGRAPHS:
                processes.start("subgraph", name, "--port", str(ports[name]))
            processes.start("worker")
            supergraph = supergraph_with(ports, server_folder)
            config = str(HERE / "deploy" / "router.yaml")
            processes.start("router", "--supergraph", str(supergraph), "--config", config, "--port", str(port))
            url = f"http://127.0.0.1:{port}/graphql"
            wait_until_answered(url)
            for each in ports.values():
                wait_until_listening(each)
            assert processes.run("load-demo-data").returncode == 0

            direct = graphql(f"http://127.0.0.1:{ports['products']}/graphql", "{ __typename }")
            journey = processes.run("demo", "--url", url)

            assert direct["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
            assert journey.returncode == 0, journey.stdout + journey.stderr
            live_journey.walk(url)
        finally:
            processes.end()


def wait_until_listening(port: int, patience: float = 120) -> None:
    import socket

    deadline = time.monotonic() + patience
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < deadline, f"nobody listens on {port}"
        time.sleep(0.1)
