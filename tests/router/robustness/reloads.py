"""A router that gets new schemas and new settings again and again while clients ask: does any request notice?

    python -m tests.router.robustness.reloads [--reloads 100]

After a tenth of the reloads, when all that a reload makes was made a few times, and at the end everyone rests, and what
the router holds then is compared. Every third time what is laid down is of no use, and has to be refused.
"""

from __future__ import annotations

import argparse
import http.client
import json
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from router.composition.command import write_atomically
from tests.router.robustness.process import RouterProcess, router_process
from tests.router.robustness.soak import State, state
from tests.router.robustness.subgraphs import Subgraphs, item, sized

CLIENTS = 4
PATIENCE = 30.0
YAML = "subgraph_timeout: 5\nreload: {interval: 0.05}\n"
QUERIES = [f'query N{number} {{ item(how: "ok") {{ id name score }} }}' for number in range(20)]


@dataclass(slots=True)
class Load:
    """What the clients saw.

    Attributes:
        answers: how many answers came.
        failed: how many were not what was asked for, or did not come.
        example: one of these.
        slowest: seconds of the slowest answer.
        connections: how often a client had to connect; once each, if no connection was ever cut.
    """

    answers: int = 0
    failed: int = 0
    example: str = ""
    slowest: float = 0.0
    connections: int = 0

    def fail(self, example: str) -> None:
        """Note a request that failed."""
        self.failed += 1
        self.example = example


def client(port: int, load: Load, number: int, over: threading.Event) -> None:
    """Ask over one connection that is kept, until it is over."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.connect()
    load.connections += 1
    while not over.is_set():
        number += 1
        query = QUERIES[number % len(QUERIES)]
        begun = time.monotonic()
        try:
            connection.request(
                "POST", "/graphql", json.dumps({"query": query}).encode(), {"content-type": "application/json"}
            )
            response = connection.getresponse()
            body = json.loads(response.read())
            if response.status != 200 or "errors" in body or not body["data"]["item"]:
                load.fail(f"{response.status}: {body}"[:300])
        except (OSError, http.client.HTTPException, ValueError) as error:
            load.fail(repr(error))
            connection.close()
            load.connections += 1
        load.answers += 1
        load.slowest = max(load.slowest, time.monotonic() - begun)


class Reloads:
    """Lays down new files, and waits until the router serves them."""

    def __init__(self, router: RouterProcess, folder: Path, sdl: str) -> None:
        self._router = router
        self._schema, self._settings = folder / "supergraph.graphql", folder / "router.yaml"
        self._log = folder / "router.err"
        self._sdl = sdl
        self.done = self.refused = 0

    def run(self, count: int) -> None:
        """Reload so often, one way after the other."""
        for number in range(self.done, self.done + count):
            if number % 3 == 0:
                self._refuse(number)
            self._take(number)

    def _take(self, number: int) -> None:
        before = self._ids()
        if number % 2:
            write_atomically(self._settings, f"{YAML}# {number}\n")
        else:
            write_atomically(self._schema, f"{self._sdl}\n# {number}\n")
        self._wait(lambda: self._ids() != before, f"reload {number}")
        self.done += 1

    def _refuse(self, number: int) -> None:
        before = self._refusals()
        write_atomically(self._schema, f"type Query {{ # {number}")
        ids = self._ids()
        self._wait(lambda: self._refusals() > before, f"refusal {number}")
        write_atomically(self._schema, f"{self._sdl}\n# mended {number}\n")
        self._wait(lambda: self._ids() != ids, f"reload after refusal {number}")
        self.refused += 1

    def _ids(self) -> object:
        return self._router.request("GET", "/health", None, {}).json()

    def _refusals(self) -> int:
        return self._log.read_text().count("reload refused")

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(what)
            time.sleep(0.02)


def measure(reloads: int) -> dict[str, object]:
    """Reload under load, and return what the clients saw and what the router held before and after."""
    load = Load()
    subgraphs = Subgraphs({"ok": sized(item())})
    with subgraphs.running(), tempfile.TemporaryDirectory(prefix="storegraph-reloads-") as name:
        folder = Path(name)
        module = "tests.router.robustness.watched_router"
        with router_process(folder, subgraphs.supergraph, YAML, module, ()) as router:
            steps = Reloads(router, folder, subgraphs.supergraph)
            before = _round(router, steps, load, reloads // 10, folder)
            after = _round(router, steps, load, reloads - reloads // 10, folder)
            router.process.send_signal(signal.SIGTERM)
            code = router.process.wait(30)
    figures = {**asdict(load), "connections": load.connections // 2, "clients": CLIENTS, "exit_code": code}
    return {"reloads": steps.done, "refused": steps.refused, "before": asdict(before), "after": asdict(after)} | figures


def _round(router: RouterProcess, steps: Reloads, load: Load, count: int, folder: Path) -> State:
    over = threading.Event()
    threads = [threading.Thread(target=client, args=(router.port, load, n, over)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        steps.run(count)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    return state(router, folder / "router.log")


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reloads", type=int, default=100)
    options = parser.parse_args()
    print(json.dumps(measure(options.reloads)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
