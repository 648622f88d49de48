"""The same code as separate processes: real servers behind each subgraph, a worker, routers, nginx."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from runtime.ports import free_port
from runtime.stack import elasticsearch
from runtime.stack.debian import PROGRAMS, missing
from tests.e2e import live_journey
from tests.prove.checkout import HERE, answers, graphql, log_in, wait_until

STOREGRAPH = str(Path(sys.executable).with_name("storegraph"))
PATIENCE = 180.0
pytestmark = [pytest.mark.timeout(400), pytest.mark.xdist_group("one-command")]


class Machine:
    """A machine with servers in one folder; commands run as an operator would run them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        given = {name: value for name, value in os.environ.items() if not name.startswith("STOREGRAPH_")}
        own = {"STOREGRAPH_SERVICES_DIR": str(folder / "services"), "STOREGRAPH_SIGNED_REQUESTS": "true"}
        self.environment = {**given, **own}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [STOREGRAPH, *arguments],
            cwd=HERE,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / "up.log").open("ab") as log:
            return subprocess.Popen([STOREGRAPH, *arguments], cwd=HERE, env=self.environment, stdout=log, stderr=log)

    @property
    def said(self) -> str:
        return (self.folder / "up.log").read_text()


@pytest.fixture
def machine(server_folder: Path) -> Iterator[Machine]:
    lacking = missing(PROGRAMS)
    if lacking or not elasticsearch.installed():
        pytest.skip(f"not installed: {', '.join(lacking) or 'Elasticsearch'} (storegraph services install)")
    machine = Machine(server_folder)
    yield machine
    machine.run("services", "down")


def test_the_whole_shop_as_processes_on_real_servers(machine: Machine) -> None:
    port = free_port()
    refused = machine.run("up", "--mode", "services", "--port", str(port))
    assert refused.returncode == 1
    assert "make services" in refused.stderr

    started = machine.run("services", "up", "--detach")
    assert started.returncode == 0, started.stdout + started.stderr
    assert "run already" in machine.run("services", "up", "--detach").stdout
    shop = machine.start("up", "--mode", "services", "--port", str(port))
    url = f"http://127.0.0.1:{port}/graphql"
    try:
        wait_until(lambda: shop.poll() is not None or answers(url), PATIENCE)
        assert shop.poll() is None, machine.said
        journey = machine.run("demo", "--url", url)
        assert journey.returncode == 0, journey.stdout + journey.stderr
        live_journey.walk(url)
        what_is_sold_is_counted(machine, url)
        what_is_cached(url)
        what_ends_comes_back(machine, url)
    finally:
        shop.send_signal(signal.SIGTERM)
        shop.wait(60)
    assert machine.run("services", "status").returncode == 0
    assert machine.run("services", "down").returncode == 0
    assert machine.run("services", "status").returncode == 3


def what_is_sold_is_counted(machine: Machine, url: str) -> None:
    """Analytics are answered from Elasticsearch, where what was sold a moment ago arrives."""
    today = datetime.now(UTC).date()
    asked = {"since": str(today), "until": str(today + timedelta(days=1))}
    query = "query($span: SpanInput!) { analytics { sales(span: $span) { orders } } }"
    admin = log_in(url, "admin")

    def sold() -> int:
        data = graphql(url, query, {"span": asked}, token=admin).get("data")  # none before there are indices
        return sum(day["orders"] for day in data["analytics"]["sales"]) if data else 0

    wait_until(lambda: sold() > 0, PATIENCE)
    port = json.loads((machine.folder / "services" / "ports.json").read_text())["elasticsearch"]
    found = httpx2.get(f"http://127.0.0.1:{port}/storegraph-analytics-sales/_count").json()
    assert found["count"] >= sold()


def what_is_cached(url: str) -> None:
    """A GET is kept where the router says so, and never what somebody's token asked for."""
    asked = {"query": "{ __typename }"}
    headers = {"apollo-require-preflight": "true"}
    private = httpx2.get(url, params=asked, headers={**headers, "cookie": "a=b"})
    assert private.headers["x-cache"] == "BYPASS"
    assert httpx2.get(url, params=asked, headers=headers).headers["x-cache"] in {"MISS", "HIT"}


def what_ends_comes_back(machine: Machine, url: str) -> None:
    """A part or a server that is killed is started again, and the shop sells as before."""
    pids = json.loads((machine.folder / "services" / "pids.json").read_text())
    os.kill(pids["Redis"], signal.SIGKILL)
    orders = subprocess.run(["pgrep", "-f", "subgraph orders --port"], capture_output=True, text=True, check=True)
    children = [int(pid) for pid in orders.stdout.split() if environment_has(int(pid), str(machine.folder))]
    assert children
    os.kill(children[0], signal.SIGKILL)
    wait_until(lambda: "orders has ended; it is started again" in machine.said, PATIENCE)
    wait_until(lambda: machine.run("demo", "--url", url).returncode == 0, PATIENCE)


def environment_has(pid: int, text: str) -> bool:
    return text in Path(f"/proc/{pid}/environ").read_text(errors="replace")
