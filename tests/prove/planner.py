"""Query planner and executor: right, bounded under hostile input, and as cheap as the Rust routers."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from benchmarks import peers
from tests.prove.checkout import REFERENCE_CASES, Checkout, clean_checkout, descendants_of
from tests.prove.claims import Prover

CASES = 118
OPERATIONS, QUICK_OPERATIONS = 2_000, 500
FEDERATIONS, QUICK_FEDERATIONS = 300, 30
OPERATIONS_IN_SUITE = 300
LEAST_WORLDS = 6
LARGE_WORLDS = 2
LARGE_WORLD_SUBGRAPHS = 6
COLD_PLAN_MS = 20
WORST_PLAN_MS = 200
HUNDRED_SUBGRAPHS_MS = 200
LINEAR = 1.15
"""The exponent up to which a growth counts as linear: caches of the processor make large answers a little dearer."""
FUZZ_SECONDS, QUICK_FUZZ_SECONDS = 600, 15
SOAK_SECONDS, QUICK_SOAK_SECONDS = 600, 20
SOAK_MEGABYTES = 25
SOAK_OBJECTS = 1.05
SPARE_CONNECTIONS = 8
"""How many idle connections to subgraphs may have been opened meanwhile: one for each client of the soak."""
PYTHON = ".venv/bin/python"
FULL_PACE = peers.Pace()
QUICK_PACE = peers.Pace(seconds=2, rounds=1, warmup=2)


def prove(prover: Prover) -> None:
    """Run every part on one clean checkout; `quick` shortens the loads and leaves the slow gateways out."""
    with clean_checkout() as checkout:
        with prover.part("set-up"):
            prover.equal("dev/bootstrap dev: exit code", checkout.run("dev/bootstrap", "dev").code, 0)
        with prover.part("conformance"):
            _prove_conformance(prover, checkout)
        with prover.part("differential"):
            _prove_differential(prover, checkout)
        with prover.part("scaling"):
            _prove_scaling(prover, checkout)
        with prover.part("hostile input and clients that leave"):
            _prove_robustness(prover, checkout)
        with prover.part("fuzzing"):
            _prove_fuzzing(prover, checkout)
        with prover.part("soak"):
            _prove_soak(prover, checkout)
        with prover.part("beside other routers"):
            _prove_peers(prover, checkout)
        prover.equal("processes left", descendants_of(checkout.root), [])


def _prove_conformance(prover: Prover, checkout: Checkout) -> None:
    runner = REFERENCE_CASES / "federation-cases" / "run.py"
    if not runner.exists():
        prover.check("federation cases over HTTP", "no reference folder beside this clone", "there", holds=False)
        return
    start = f"{checkout.root / PYTHON} -m router.cli router --supergraph {{supergraph}} --port {{port}}"
    done = checkout.run(PYTHON, str(runner), "--start", start)
    passed = re.search(r"passed (\d+) / (\d+)", done.output)
    prover.equal("federation cases over HTTP", passed.group(0) if passed else "", f"passed {CASES} / {CASES}")
    inside = checkout.run(PYTHON, "-m", "pytest", "-q", "tests/router/execution/test_conformance.py")
    prover.check("the same in-process, by make test", _last_line(inside.output), "passes", inside.code == 0)


def _prove_differential(prover: Prover, checkout: Checkout) -> None:
    operations = QUICK_OPERATIONS if prover.quick else OPERATIONS
    federations = QUICK_FEDERATIONS if prover.quick else FEDERATIONS
    options = ("--operations", str(operations), "--federations", str(federations), "--json")
    found = _figures(checkout.run(PYTHON, "-m", "tests.router.robustness.corpus", *options, timeout=3600).output)
    prover.check("random operations", found["operations"], f">= {operations}", found["operations"] >= operations)
    prover.check(
        "of them in parts, too (@defer, @stream)",
        found["deferred"],
        f">= {operations // 5}",
        found["deferred"] >= operations // 5,
    )
    prover.check("random federations", found["federations"], f">= {federations}", found["federations"] >= federations)
    prover.check("supergraphs", found["worlds"], f">= {LEAST_WORLDS}", found["worlds"] >= LEAST_WORLDS)
    large = _large_worlds(checkout)
    prover.check(f"of them with {LARGE_WORLD_SUBGRAPHS}+ subgraphs", large, f">= {LARGE_WORLDS}", large >= LARGE_WORLDS)
    if found["differences"]:
        prover.console.print(found["differences"][0])
    prover.equal("answers that differ from the monolith's", len(found["differences"]), 0)
    prover.at_most("worst plan of the corpus, CPU", found["plan_ms_worst"], WORST_PLAN_MS, "ms")
    suite = checkout.run(
        PYTHON, "-c", "from tests.router.differential.test_differential import *; print(COUNT * len(OWN))"
    )
    in_suite = int(_last_line(suite.output))
    prover.check("of them in make test", in_suite, f">= {OPERATIONS_IN_SUITE}", in_suite >= OPERATIONS_IN_SUITE)


def _large_worlds(checkout: Checkout) -> int:
    worlds = (checkout.root / "tests" / "router" / "differential" / "schemas").iterdir()
    return sum(len(list(world.glob("*.graphql"))) >= LARGE_WORLD_SUBGRAPHS for world in worlds)


def _prove_scaling(prover: Prover, checkout: Checkout) -> None:
    found = _figures(checkout.run(PYTHON, "-m", "benchmarks", "router_scaling", "--json").output)
    if found["cold_plan_ms"] is None:
        prover.check("cold plan of the benchmark query", "no reference folder beside this clone", "there", holds=False)
    else:
        prover.at_most("cold plan of the benchmark query, CPU", found["cold_plan_ms"], COLD_PLAN_MS, "ms")
    exponents = found["exponents"]
    prover.at_most("growth with the answer, 10 KB to 5 MB: exponent", exponents["answer"], LINEAR)
    prover.at_most("growth with entities, 100 to 100,000: exponent", exponents["entities"], LINEAR)
    subgraphs = next(each for each in found["growths"] if each["name"] == "subgraphs")
    last = subgraphs["points"][-1]
    prover.at_most(f"plan over {last['size']} subgraphs, CPU", last["ms"], HUNDRED_SUBGRAPHS_MS, "ms")


def _prove_robustness(prover: Prover, checkout: Checkout) -> None:
    for name in ("hostile_requests", "hostile_subgraphs", "cancellation"):
        report = checkout.root / f"{name}.xml"
        test = f"tests/router/robustness/test_{name}.py"
        done = checkout.run(PYTHON, "-m", "pytest", "-q", test, "--junitxml", str(report))
        if done.code != 0:
            prover.console.print(done.output[-3000:])
        prover.check(test, _last_line(done.output), "passes", done.code == 0)
        for figure, value in _noted(report):
            prover.console.print(f"    {figure}: {value}")


def _noted(report: Path) -> list[tuple[str, str]]:
    """Return the figures that tests wrote into their report."""
    properties = ElementTree.parse(report).getroot().iter("property")
    return [(each.get("name", ""), each.get("value", "")) for each in properties]


def _prove_fuzzing(prover: Prover, checkout: Checkout) -> None:
    seconds = QUICK_FUZZ_SECONDS if prover.quick else FUZZ_SECONDS
    command = [PYTHON, "-m", "tests.router.robustness.fuzz", "--seconds", str(seconds)]
    done = checkout.run(*command, timeout=seconds * 2 + 300)
    if done.code != 0:
        prover.console.print(done.output[-3000:])
    prover.check(f"fuzzing for {seconds} s", _last_line(done.output), "nothing found", done.code == 0)


def _prove_soak(prover: Prover, checkout: Checkout) -> None:
    seconds = QUICK_SOAK_SECONDS if prover.quick else SOAK_SECONDS
    command = [PYTHON, "-m", "tests.router.robustness.soak", "--seconds", str(seconds)]
    found = _figures(checkout.run(*command, timeout=seconds * 2 + 300).output)
    before, after = found["before"], found["after"]
    done = f"{found['answers']} answers, {found['left']} clients that left, {found['faults']} of status 5xx"
    prover.check(f"soak of {seconds} s", done, "none of status 5xx", found["faults"] == 0)
    for name, spare in (("tasks", 0), ("sockets", SPARE_CONNECTIONS)):
        seen = f"{before[name]}, then {after[name]}"
        prover.check(f"{name} at rest", seen, f"at most {spare} more", after[name] <= before[name] + spare)
    objects = after["objects"] / before["objects"]
    prover.at_most("objects at rest, after beside before", objects, SOAK_OBJECTS, "x")
    prover.at_most("growth of memory", after["memory"] - before["memory"], SOAK_MEGABYTES, "MB")
    prover.equal("subgraph requests under way at the end", found["open"], 0)


def _prove_peers(prover: Prover, checkout: Checkout) -> None:
    asked = [peers.HIVE_ROUTER, peers.HIVE_ROUTER_UNSHARED]
    if not prover.quick:
        asked += [peers.HIVE_GATEWAY, peers.APOLLO_GATEWAY]
    for line in peers.missing(asked):
        prover.console.print(f"  {line}")
    if not peers.BENCH.is_dir():
        prover.check("router-bench", "no reference folder beside this clone", "there", holds=False)
        return
    python = str(checkout.root / PYTHON)
    pace = QUICK_PACE if prover.quick else FULL_PACE
    results = peers.measure(python, f"{python} -m router.cli", peers.WORKLOADS, asked, pace)
    for bound in peers.compare(results, () if prover.quick else tuple(peers.TIMES_CHEAPER)):
        figure = bound.reason if bound.figure is None else f"{bound.figure:.3f} {bound.unit}"
        prover.check(bound.text, figure, f"<= {bound.bound:g} {bound.unit}", bound.holds)


def _figures(output: str) -> Any:
    """Read the JSON that a script printed last."""
    return json.loads(_last_line(output))


def _last_line(output: str) -> str:
    lines = output.strip().splitlines()
    return lines[-1].strip("= ") if lines else ""
