"""A router under everything at once for a long time: does it keep tasks, sockets or memory?

    python -m tests.router.robustness.soak [--seconds 600] [--json]

Clients ask for what is good, what is wrong, what is seldom asked and what takes too long; some leave before the answer,
and subgraphs misbehave. When the caches are full, after the first third of the time and after the last, everyone rests,
and what the router holds then is compared. In a long run there are more operations than the caches keep.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import random
import signal
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.router.robustness.answers import BROKEN, GOOD, SLOW
from tests.router.robustness.process import RouterProcess, router_process
from tests.router.robustness.requests import REQUESTS
from tests.router.robustness.subgraphs import Subgraphs

CLIENTS = 8
REST = 3.0
PATIENCE = 60.0
YAML = "subgraph_timeout: 1\n"
LONG_SECONDS = 300
SMALL = [hostile.body for hostile in REQUESTS.values() if len(hostile.body) < 20_000]


@dataclass(frozen=True, slots=True)
class State:
    """What a router holds when it rests."""

    tasks: int
    objects: int
    engines: int
    sockets: int
    memory: float
    cpu: float


@dataclass(slots=True)
class Counts:
    """What was done to it."""

    answers: int = 0
    left: int = 0
    faults: int = 0


def state(router: RouterProcess, log: Path) -> State:
    """Look at a router that rests."""
    time.sleep(REST)
    told = len(log.read_text().splitlines())
    router.process.send_signal(signal.SIGUSR1)
    end = time.monotonic() + PATIENCE
    while len(lines := log.read_text().splitlines()) == told:
        if time.monotonic() > end:
            raise TimeoutError("the router does not answer a signal")
        time.sleep(0.1)
    figures = json.loads(lines[-1])
    return State(
        figures["tasks"], figures["objects"], figures["engines"], router.sockets, router.memory, router.cpu_seconds
    )


def various(number: int) -> str:
    """Return one of many operations."""
    return f'{{ item(how: "ok") {{ n{number}: id score }} }}'


def sized(number: int) -> str:
    """Return an operation for a number of entities."""
    return f"{{ items(count: {number}) {{ id name score }} }}"


def fill(router: RouterProcess, variety: int) -> None:
    """Ask for every operation once, so that caches are as full as they get."""
    for query in [*map(various, range(variety)), *map(sized, range(200))]:
        router.ask(query)
    for body in SMALL:
        router.post(body)


def bodies(chance: random.Random, variety: int) -> bytes:
    """Make up one request."""
    kind = chance.random()
    if kind < 0.55:
        query = various(chance.randrange(50))
    elif kind < 0.65:
        query = various(chance.randrange(variety))
    elif kind < 0.75:
        query = sized(chance.randrange(200))
    elif kind < 0.85:
        name = chance.choice([*BROKEN, *(each for each in GOOD if each != "20 MB")])
        query = f'{{ item(how: "{name}") {{ id name }} }}'
    elif kind < 0.9:
        query = f'{{ item(how: "{chance.choice(list(SLOW))}") {{ id }} }}'
    else:
        return chance.choice(SMALL)
    return json.dumps({"query": query}).encode()


def client(router: RouterProcess, counts: Counts, until: float, number: int, variety: int) -> None:
    """Ask, and now and then leave, until the time is over."""
    chance = random.Random(number)
    while time.monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", router.port, timeout=30)
        with contextlib.closing(connection), contextlib.suppress(ConnectionError):
            for _ in range(chance.randrange(1, 60)):
                connection.request("POST", "/graphql", bodies(chance, variety), {"content-type": "application/json"})
                if chance.random() < 0.02:
                    counts.left += 1
                    break
                response = connection.getresponse()
                counts.faults += response.status >= 500 or not response.read()
                counts.answers += 1
                if time.monotonic() >= until:
                    break


def load(router: RouterProcess, counts: Counts, seconds: float, variety: int) -> None:
    """Let all clients ask for some time."""
    until = time.monotonic() + seconds
    threads = [
        threading.Thread(target=client, args=(router, counts, until, number, variety)) for number in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def soak(seconds: float) -> dict[str, object]:
    """Put a router under load, and return what it held before and after."""
    variety = 3_000 if seconds >= LONG_SECONDS else 200
    subgraphs, counts = Subgraphs({**BROKEN, **GOOD, **SLOW}), Counts()
    with subgraphs.running(), tempfile.TemporaryDirectory(prefix="storegraph-soak-") as folder:
        module = "tests.router.robustness.watched_router"
        with router_process(Path(folder), subgraphs.supergraph, YAML, module, ()) as router:
            fill(router, variety)
            load(router, counts, seconds * 0.3, variety)
            before = state(router, Path(folder) / "router.log")
            load(router, counts, seconds * 0.7, variety)
            after = state(router, Path(folder) / "router.log")
        return {"before": asdict(before), "after": asdict(after), **asdict(counts), "open": subgraphs.open}


def main() -> int:
    """Soak and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    options = parser.parse_args()
    print(json.dumps(soak(options.seconds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
