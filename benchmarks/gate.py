"""What each part of the router's gate costs: CPU per request on the router-bench, beside the router without any gate.

    python -m benchmarks gate [--workload same,distinct] [--only limits,rates] [--seconds 4] [--rounds 3]

All routers run in one run of `../shared/router-bench/bench.py`, which checks every answer and loads them in turns:
`bare`, the router as it was before it had a gate (taken out of the history; without a history it is left out), `off`,
with everything switched off, one for each part, and `all`. Figures of one run can be compared, those of two cannot.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks.peers import BENCH, HERE, SUBGRAPHS, Bound, RouterBenchError, free_run
from runtime.embedded.data_directory import DataDirectory
from runtime.embedded.valkey import start_valkey
from runtime.ports import free_port

BEFORE: Final = "430b894"
"""The last commit before the gate."""
OFF_BOUND: Final = 1.02
ALL_BOUND: Final = 1.5
WORKLOADS: Final = ("same", "distinct", "small")

_POLICY: Final = "async def decide(question):\n    return question.policies\n"
_DEMANDS: Final = (
    ("type Query\n", 'type Query @policy(policies: [["shop"]])\n'),
    ("    price: Int", '    price: Int @policy(policies: [["prices"], ["staff", "till"]])'),
    (
        "schema\n",
        (
            "directive @policy(policies: [[policy__Policy!]!]!)"
            " on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM\n"
            "scalar policy__Policy\n\nschema\n"
            '    @link(url: "https://specs.apollo.dev/policy/v0.1", for: SECURITY)\n'
        ),
    ),
)
"""What makes the benchmark's schema one with demands, all of which are met by whoever the policies hold for."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a benchmark keeps its files, and the store that it uses."""

    folder: Path
    redis: str


def parts(place: Place) -> dict[str, dict[str, Any]]:
    """Return the settings that switch each part on."""
    rules = [
        {"name": "each", "limit": 1_000_000_000, "seconds": 60, "per": "ip"},
        {"name": "login", "limit": 10, "seconds": 60, "per": "ip", "fields": ["userLogin"]},
    ]
    policies = {"function": f"{place.folder / 'policies.py'}:decide", "remember": 60}
    found: dict[str, dict[str, Any]] = {
        "authorisation": {"authorization": {"policies": policies}},
        "limits": {
            "limits": {"max_depth": 50, "max_height": 500, "max_aliases": 50, "max_root_fields": 20}
            | {"max_directives": 50, "max_list_items": 100, "max_variable_bytes": 10_000}
        },
        "demand control": {"demand_control": {"mode": "enforce", "max": 1e15, "list_size": 2}},
        "rates in memory": {"rate_limits": {"rules": rules}},
        "rates in redis": {"rate_limits": {"rules": rules, "redis": place.redis}},
        "header rules": {"headers": {"all": {"request": [{"propagate": {"named": "x-tenant", "default": "main"}}]}}},
    }
    return found | _others()


def _others() -> dict[str, dict[str, Any]]:
    """Return the settings of the parts that `gate_settings` knows: traffic, caches, sight and plugins."""
    if importlib.util.find_spec("benchmarks.gate_settings") is None:
        return {}
    overlays: Mapping[str, str] = importlib.import_module("benchmarks.gate_settings").OVERLAYS
    return {name: yaml.safe_load(text) for name, text in overlays.items()}


def merged(settings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Put settings together, section by section."""
    found: dict[str, Any] = {}
    for each in settings:
        for name, section in each.items():
            known = found.get(name)
            found[name] = {**known, **section} if isinstance(known, dict) and isinstance(section, dict) else section
    return found


Results = dict[str, dict[str, Any]]
"""For each workload, for each router, the figures of `bench.py`."""


def measure(workloads: Sequence[str], only: Sequence[str] | None, pace: Sequence[str], python: str) -> Results:
    """Run the router-bench.

    Args:
        workloads: of the router-bench.
        only: the parts to measure alone; all of them if None.
        pace: further words for the command line of `bench.py`.
        python: what runs everything.

    Raises:
        RouterBenchError: it could not be run.
    """
    with _place() as place:
        found = parts(place)
        chosen = {name: found[name] for name in found if only is None or name in only}
        subgraphs = free_port()
        routers = _routers(place, {"off": {}, **chosen, "all": merged(list(found.values()))}, subgraphs, python)
        report = place.folder / "report.json"
        command = [python, str(BENCH / "bench.py"), "--workload", ",".join(workloads), "--json", str(report), *pace]
        command += ["--supergraph", str(place.folder / "plain.graphql"), "--subgraphs-port", str(subgraphs)]
        command += ["--base-port", str(free_run(len(routers) + 1))]
        command += [word for name, text in routers.items() for word in ("--router", f"{name}={text}")]
        done = subprocess.run(command, cwd=place.folder, check=False)
        if not report.exists():
            raise RouterBenchError(f"the router-bench ended with {done.returncode} and without figures")
        results: Results = json.loads(report.read_text())["workloads"]
        return results


@contextmanager
def _place() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="storegraph-gate-") as name:
        folder = Path(name)
        (folder / "policies.py").write_text(_POLICY)
        with DataDirectory(folder / "data") as directory:
            valkey = start_valkey(directory)
            try:
                yield Place(folder, valkey.url)
            finally:
                valkey.stop()


def _routers(place: Place, settings: Mapping[str, Mapping[str, Any]], subgraphs: int, python: str) -> dict[str, str]:
    """Write what the routers read; return their commands."""
    plain = (BENCH / "supergraph.graphql").read_text().replace(SUBGRAPHS, f"127.0.0.1:{subgraphs}")
    demanding = plain
    for before, after in _DEMANDS:
        demanding = demanding.replace(before, after, 1)
    (place.folder / "plain.graphql").write_text(plain)
    (place.folder / "demanding.graphql").write_text(demanding)
    commands = {}
    if (before := _before(place.folder)) is not None:
        commands["bare"] = f"env PYTHONPATH={before} {python} -m router.cli router"
        commands["bare"] += f" --supergraph {place.folder / 'plain.graphql'} --port {{port}}"
    for name, each in settings.items():
        config = place.folder / f"{name.replace(' ', '-')}.yaml"
        config.write_text(yaml.safe_dump(dict(each)))
        schema = place.folder / ("demanding.graphql" if "authorization" in each else "plain.graphql")
        command = f"{python} -m router.cli router --supergraph {schema} --port {{port}} --config {config}"
        commands[name] = f"env PYTHONPATH={HERE} {command}"
    return commands


def _before(folder: Path) -> Path | None:
    """Take the router out of the history as it was before it had a gate; None where there is no such history."""
    command = ["git", "-C", str(HERE), "archive", BEFORE, "router"]
    archive = subprocess.run(command, capture_output=True, check=False)
    if archive.returncode:
        return None
    target = folder / "before"
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(target, filter="data")
    return target


def compare(results: Results) -> Iterator[Bound]:
    """Set the ratios beside their bounds."""
    for workload, figures in results.items():
        bare = figures.get("bare", figures["off"])
        for name, bound in (("off", OFF_BOUND), ("all", ALL_BOUND)):
            ratio, fault = _ratio(figures[name], bare)
            yield Bound(f"{workload}: everything {'off' if name == 'off' else 'on'}", ratio, bound, "x bare", fault)


def _ratio(own: Mapping[str, Any], bare: Mapping[str, Any]) -> tuple[float | None, str]:
    fault = str(own.get("fault", "") or bare.get("fault", ""))
    return (None, fault) if fault else (own["cpu_ms"] / bare["cpu_ms"], "")


def markdown(results: Results) -> Iterator[str]:
    """Write the table of `README.md`."""
    names = list(next(iter(results.values())))
    yield f"| CPU ms per request (x bare) | {' | '.join(results)} |"
    yield "| --- |" + " --- |" * len(results)
    for name in names:
        yield f"| {name} | {' | '.join(_cell(figures, name) for figures in results.values())} |"


def _cell(figures: Mapping[str, Any], name: str) -> str:
    ratio, fault = _ratio(figures[name], figures.get("bare", figures["off"]))
    return fault[:60] if ratio is None else f"{figures[name]['cpu_ms']:.3f} ({ratio:.2f})"


def main() -> int:
    """Measure, print the table and the bounds; 1 where something falls short."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", default=",".join(WORKLOADS))
    parser.add_argument("--only", help="parts to measure alone, besides bare, off and all")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--warmup", type=int, default=4)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--json", action="store_true", help="print the figures as the last line")
    options = parser.parse_args()
    if not BENCH.is_dir():
        print(f"{BENCH}: the router-bench is not beside this checkout")
        return 1
    names = ("seconds", "rounds", "warmup", "connections")
    pace = [word for name in names for word in (f"--{name}", str(getattr(options, name)))]
    only = None if options.only is None else options.only.split(",") if options.only else ()
    results = measure(options.workload.split(","), only, pace, sys.executable)
    bounds = list(compare(results))
    print("\n".join(markdown(results)))
    for bound in bounds:
        figure = bound.reason if bound.figure is None else f"{bound.figure:.3f} {bound.unit}"
        print(f"{'holds      ' if bound.holds else 'FALLS SHORT'}  {bound.text}: {figure} (bound: {bound.bound:g})")
    if options.json:
        rows = [{"text": b.text, "figure": b.figure, "bound": b.bound, "fault": b.reason} for b in bounds]
        print(json.dumps(rows))
    return int(not all(bound.holds for bound in bounds))


if __name__ == "__main__":
    sys.exit(main())
