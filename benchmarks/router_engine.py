"""What the engine itself costs: CPU time of this process per request, without a server in front of it.

    python benchmarks/router_engine.py ../shared/router-bench [--workload same,distinct] [--no-sharing] [--profile]

The subgraphs of the router bench run as a child process; this process holds the engine and keeps a number of requests
under way. `bench.py` of the router bench measures whole routers; this tells where their time goes.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, cycle
from pathlib import Path
from urllib.request import urlopen

import uvloop

from router.execution import Engine, EngineSettings, GraphQLRequest
from router.execution.transports.http import HttpNetwork, HttpSettings
from router.supergraph import load_supergraph
from runtime.ports import free_port

SUBGRAPHS = "127.0.0.1:4210"
WORKLOADS = ("same", "distinct", "small", "mixed")


def load_requests(folder: Path, workload: str) -> list[tuple[GraphQLRequest, object]]:
    """Read the requests of a workload and the answers that they must get."""
    lines = (folder / "expected" / f"{workload}.jsonl").read_text().splitlines()
    made = []
    for line in lines:
        entry = json.loads(line)
        body = entry["request"]
        request = GraphQLRequest(body["query"], body.get("variables"), body.get("operationName"))
        made.append((request, entry["data"]))
    return made


async def check(engine: Engine, requests: list[tuple[GraphQLRequest, object]]) -> None:
    """Make sure that what is measured is right."""
    for request, expected in requests:
        answer = json.loads((await engine.execute(request)).body)
        if answer.get("data") != expected or "errors" in answer:
            raise SystemExit(f"wrong answer to {request}: {answer.get('errors')}")


def endless(requests: list[GraphQLRequest]) -> Iterator[GraphQLRequest]:
    """Repeat some requests; a variable `n` is another number each time, as in the router bench."""
    numbers = count(1_000_000_000)
    for request in cycle(requests):
        counted = request.variables is not None and "n" in request.variables
        yield replace(request, variables={"n": next(numbers)}) if counted else request


async def load(engine: Engine, requests: list[GraphQLRequest], seconds: float, connections: int) -> tuple[int, float]:
    """Keep requests under way for some time; return how many were answered and the CPU seconds they took."""
    pending = endless(requests)
    done = 0
    end = time.monotonic() + seconds

    async def client() -> None:
        nonlocal done
        while time.monotonic() < end:
            response = await engine.execute(next(pending))
            _ = response.body
            done += 1

    begin = time.process_time()
    await asyncio.gather(*(client() for _ in range(connections)))
    return done, time.process_time() - begin


async def run(options: argparse.Namespace, port: int) -> None:
    """Measure each workload."""
    folder = options.folder
    sdl = (folder / "supergraph.graphql").read_text()
    supergraph = load_supergraph(sdl.replace(SUBGRAPHS, f"127.0.0.1:{port}"))
    share = not options.no_sharing
    settings = EngineSettings(share_requests=share, recall=share)
    async with HttpNetwork(supergraph.subgraphs, HttpSettings(share=share)) as network:
        for workload in options.workload.split(","):
            engine = Engine(supergraph, network.transports, settings)
            requests = load_requests(folder, workload)
            await check(engine, requests)
            only = [request for request, _ in requests]
            await load(engine, only, 1.0, options.connections)
            profile = cProfile.Profile() if options.profile else None
            if profile:
                profile.enable()
            done, spent = await load(engine, only, options.seconds, options.connections)
            print(f"{workload:10} {spent / done * 1000:7.4f} ms CPU per request, {done} requests")
            if profile:
                profile.disable()
                pstats.Stats(profile).sort_stats("tottime").print_stats(options.lines)


def main() -> None:
    """Run the subgraphs and the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workload", default=",".join(WORKLOADS))
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--no-sharing", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--lines", type=int, default=30)
    options = parser.parse_args()
    port = free_port()
    command = [sys.executable, str(options.folder / "subgraphs.py"), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as subgraphs:
        try:
            wait_for(f"http://127.0.0.1:{port}/health")
            uvloop.run(run(options, port))
        finally:
            subgraphs.terminate()


def wait_for(url: str) -> None:
    """Wait until something answers."""
    for _ in range(100):
        try:
            with urlopen(url):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nothing answers at {url}")


if __name__ == "__main__":
    main()
