"""This router beside others under the router-bench: CPU per request of each process tree, and what the ratios must be.

It runs `../shared/router-bench/bench.py`, which checks every answer, loads the routers in turns and measures them; here
is only which routers in which settings, and which of their figures are compared. What is not installed is left out and
named. `router-bench/peers.md` says how to install a peer.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.ports import free_port

HERE = Path(__file__).resolve().parents[1]
BENCH = HERE.parent / "shared" / "router-bench"
PEERS = Path(os.environ.get("PEERS_DIR") or Path.home() / ".cache" / "router-bench-peers")
WORKLOADS = ("same", "distinct", "small", "mixed")
SUBGRAPHS = "127.0.0.1:4210"
NO_SHARING = "sharing: {requests: false, fetches: false}\n"
WORKER_MEGABYTES = 150

HIVE_ROUTER_BOUNDS: Mapping[str, float] = {"same": 0.7, "distinct": 0.9, "small": 1.1, "mixed": 1.1}
UNSHARED_BOUNDS: Mapping[str, float] = {"same": 0.9, "distinct": 0.9}
APOLLO_ROUTER_COSTS: Mapping[str, float] = {"same": 70, "distinct": 9.1, "small": 4.3, "mixed": 5.4}
"""What Apollo Router takes, in units of what Hive Router takes in the same run."""
TIMES_CHEAPER: Mapping[str, float] = {"apollo-gateway": 8, "hive-gateway": 4}


class RouterBenchError(Exception):
    """The router-bench could not be run."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another router: its name in the tables, the folder it is installed in, and what its `run.sh` gets."""

    name: str
    folder: str
    proof: str
    variant: str = ""

    @property
    def installed(self) -> bool:
        """Whether it can be started."""
        return (PEERS / self.folder / self.proof).exists()

    @property
    def shares(self) -> bool:
        """Whether it shares what is in flight, if it can."""
        return self.variant != "nodedup"

    @property
    def command(self) -> str:
        """The command as `bench.py` takes it."""
        return f"{{here}}/peers/{self.folder}/run.sh {{supergraph}} {{port}} {self.variant}".strip()


HIVE_ROUTER = Peer("hive-router", "hive-router", "bin/hive_router", "dedup")
HIVE_ROUTER_UNSHARED = Peer("hive-router nodedup", "hive-router", "bin/hive_router", "nodedup")
HIVE_GATEWAY = Peer("hive-gateway", "hive-gateway", "node_modules", "dedup")
APOLLO_GATEWAY = Peer("apollo-gateway", "apollo-gateway", "node_modules")


@dataclass(frozen=True, slots=True)
class Bound:
    """A figure and what it must not pass."""

    text: str
    figure: float | None
    bound: float
    unit: str
    reason: str = ""

    @property
    def holds(self) -> bool:
        """Whether there is a figure, and it keeps within the bound."""
        return self.figure is not None and self.figure <= self.bound


@dataclass(frozen=True, slots=True)
class Pace:
    """How long each load lasts."""

    seconds: int = 8
    rounds: int = 3
    warmup: int = 8
    connections: int = 50


Results = dict[str, dict[str, Any]]
"""For each workload, for each router, the figures of `bench.py`; a router that answered wrongly has a `fault`."""


def measure(python: str, router: str, workloads: Sequence[str], peers: Sequence[Peer], pace: Pace) -> Results:
    """Run the router-bench with this router beside those peers that are installed.

    Without sharing only those workloads are measured in which there is something to share.
    """
    results: Results = {}
    for group, unshared in ((tuple(UNSHARED_BOUNDS), True), (tuple(set(WORKLOADS) - set(UNSHARED_BOUNDS)), False)):
        wanted = [workload for workload in workloads if workload in group]
        if wanted:
            taking_part = [peer for peer in peers if peer.installed and (unshared or peer.shares)]
            results |= _run_bench(python, router, wanted, taking_part, pace, unshared=unshared)
    return results


def _run_bench(
    python: str, router: str, workloads: Sequence[str], peers: Sequence[Peer], pace: Pace, *, unshared: bool
) -> Results:
    with tempfile.TemporaryDirectory(prefix="storegraph-peers-") as name:
        folder = Path(name)
        (folder / "unshared.yaml").write_text(NO_SHARING)
        subgraphs, base = free_port(), free_run(2 + len(peers))
        sdl = (BENCH / "supergraph.graphql").read_text().replace(SUBGRAPHS, f"127.0.0.1:{subgraphs}")
        (folder / "supergraph.graphql").write_text(sdl)
        own = f"{router} router --supergraph {{supergraph}} --port {{port}}"
        routers = {"storegraph": own}
        if unshared:
            routers["storegraph unshared"] = f"{own} --config {folder / 'unshared.yaml'}"
        routers |= {peer.name: peer.command for peer in peers}
        report = folder / "report.json"
        command = [python, str(BENCH / "bench.py"), "--workload", ",".join(workloads)]
        command += ["--supergraph", str(folder / "supergraph.graphql"), "--json", str(report)]
        command += ["--subgraphs-port", str(subgraphs), "--base-port", str(base)]
        command += ["--seconds", str(pace.seconds), "--rounds", str(pace.rounds), "--warmup", str(pace.warmup)]
        command += ["--connections", str(pace.connections)]
        command += [word for title, text in routers.items() for word in ("--router", f"{title}={text}")]
        done = subprocess.run(command, cwd=folder, check=False)
        if not report.exists():
            raise RouterBenchError(f"the router-bench ended with {done.returncode} and without figures")
        found: Results = json.loads(report.read_text())["workloads"]
        return found


def compare(results: Results, gateways: Sequence[str] = tuple(TIMES_CHEAPER)) -> Iterator[Bound]:
    """Set the figures beside what they must be; `gateways` are those that were to be measured."""
    for workload, figures in results.items():
        own = figures["storegraph"]
        yield from _beside_hive_router(workload, figures)
        for name in gateways:
            yield _ratio(f"{workload}: beside {name}", own, figures.get(name), 1 / TIMES_CHEAPER[name], name)
        yield Bound(f"{workload}: peak memory of a worker", own.get("peak_rss_mb"), WORKER_MEGABYTES, "MB", _fault(own))


def _beside_hive_router(workload: str, figures: Mapping[str, Any]) -> Iterator[Bound]:
    own, hive = figures["storegraph"], figures.get("hive-router")
    yield _ratio(f"{workload}: beside hive-router", own, hive, HIVE_ROUTER_BOUNDS[workload], "hive-router")
    yield _ratio(
        f"{workload}: beside apollo-router (by its cost beside hive-router)",
        own,
        hive,
        APOLLO_ROUTER_COSTS[workload],
        "hive-router",
    )
    if workload in UNSHARED_BOUNDS:
        unshared, alike = figures["storegraph unshared"], figures.get("hive-router nodedup")
        text = f"{workload}: beside hive-router, both without sharing"
        yield _ratio(text, unshared, alike, UNSHARED_BOUNDS[workload], "hive-router")


def _ratio(text: str, own: Mapping[str, Any], other: Mapping[str, Any] | None, bound: float, name: str) -> Bound:
    if other is None:
        return Bound(text, None, bound, "x", f"{name} is not installed")
    if "fault" in own or "fault" in other:
        return Bound(text, None, bound, "x", _fault(own) or _fault(other))
    return Bound(text, own["cpu_ms"] / other["cpu_ms"], bound, "x")


def _fault(figures: Mapping[str, Any]) -> str:
    return str(figures.get("fault", ""))


def missing(peers: Sequence[Peer]) -> list[str]:
    """Name what a comparison would need and is not there."""
    if not BENCH.is_dir():
        return [f"{BENCH}: the router-bench is not beside this checkout"]
    return [f"{PEERS / peer.folder}: {peer.name} is not installed" for peer in peers if not peer.installed]


def markdown(results: Results) -> Iterator[str]:
    """Write the table of `README.md`."""
    yield "| workload | router | CPU ms/request (low - high) | rps | p99 ms | RSS MB | subgraph requests |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for workload, figures in results.items():
        for name, each in figures.items():
            yield f"| {workload} | {name} | {_cells(each)} |"


def _cells(each: Mapping[str, Any]) -> str:
    if "fault" in each:
        return f"failed: {str(each['fault'])[:80]} | | | |"
    low, high = each["cpu_ms_low"], each["cpu_ms_high"]
    return (
        f"{each['cpu_ms']:.3f} ({low:.3f} - {high:.3f}) | {each['rps']:.0f} | {each['p99_ms']:.1f} "
        f"| {each['peak_rss_mb']:.0f} | {each['subgraph_requests']:.2f}"
    )


def free_run(count: int) -> int:
    """Return the first of several ports in a row that nobody listens on."""
    for first in range(4400, 9000, 50):
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    raise RouterBenchError("no ports are free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def main() -> int:
    """Measure, print the tables and what they must hold; 1 where something falls short."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", default=",".join(WORKLOADS))
    parser.add_argument("--seconds", type=int, default=Pace().seconds)
    parser.add_argument("--rounds", type=int, default=Pace().rounds)
    parser.add_argument("--warmup", type=int, default=Pace().warmup)
    parser.add_argument("--only-hive-router", action="store_true", help="leave the slow gateways out")
    parser.add_argument("--markdown", action="store_true", help="print the table of benchmarks/README.md too")
    options = parser.parse_args()
    peers = [HIVE_ROUTER, HIVE_ROUTER_UNSHARED]
    if not options.only_hive_router:
        peers += [HIVE_GATEWAY, APOLLO_GATEWAY]
    for line in missing(peers):
        print(line)
    if not BENCH.is_dir():
        return 1
    pace = Pace(options.seconds, options.rounds, options.warmup)
    router = f"{sys.executable} -m router.cli"
    results = measure(sys.executable, router, options.workload.split(","), peers, pace)
    if options.markdown:
        print("\n".join(markdown(results)))
    bounds = list(compare(results, () if options.only_hive_router else tuple(TIMES_CHEAPER)))
    for bound in bounds:
        figure = bound.reason if bound.figure is None else f"{bound.figure:.3f} {bound.unit}"
        print(f"{'holds      ' if bound.holds else 'FALLS SHORT'}  {bound.text}: {figure} (bound: {bound.bound:g})")
    return int(not all(bound.holds for bound in bounds))


if __name__ == "__main__":
    sys.exit(main())
