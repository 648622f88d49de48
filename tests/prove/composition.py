"""Composition in Python: the claims of issue 4, measured beside the reference implementation."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from pathlib import Path

from tests.prove.checkout import REFERENCE_CASES, Checkout, Finished, clean_checkout, wait_until
from tests.prove.claims import Prover

SUITES = 29
LEAST_CASES = 150
LEAST_CODES = 60
SHOP_MS = 300
LINEAR = 2.0
WATCH_SECONDS = 1.0
TESTS = Path("tests/router/composition")


def prove(prover: Prover) -> None:
    """Run every part on one clean checkout; `quick` measures smaller generated graphs."""
    with clean_checkout() as checkout:
        with prover.part("set-up"):
            prover.equal("dev/bootstrap dev: exit code", checkout.run("dev/bootstrap", "dev").code, 0)
        with prover.part("packages of the reference and of other gateways"):
            _prove_packages(prover, checkout)
        with prover.part("equal in meaning to the reference"):
            _prove_suites(prover, checkout)
            _prove_corpus(prover, checkout)
        with prover.part("other gateways serve the shop's supergraph"):
            passed = _passed(_pytest(checkout, "test_peers.py"))
            prover.equal("gateways that answer a query of the shop (Apollo, Hive)", passed, 2)
        with prover.part("order, bad input, command"):
            _prove_whole_files(prover, checkout)
        with prover.part("watching the shop's schemas"):
            _prove_watch(prover, checkout)
        with prover.part("speed"):
            _prove_speed(prover, checkout)
        with prover.part("the shop"):
            done = checkout.storegraph("export-schema", "--check")
            prover.equal("the committed supergraph is what is composed: exit code", done.code, 0)


def _pytest(checkout: Checkout, *names: str) -> Finished:
    paths = [str(TESTS / name) for name in names]
    return checkout.run(".venv/bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2", *paths)


def _passed(done: Finished) -> int:
    """Return how many tests passed, and none if any did not."""
    if done.code != 0 or "skipped" in done.output.splitlines()[-1]:
        return 0
    found = re.search(r"(\d+) passed", done.output)
    return int(found[1]) if found else 0


def _prove_packages(prover: Prover, checkout: Checkout) -> None:
    prover.check("Node is here", shutil.which("node") or "no", "yes", holds=shutil.which("node") is not None)
    for folder in ("reference", "peers"):
        done = checkout.run("npm", "ci", "--no-audit", "--no-fund", "--prefix", str(TESTS / folder))
        prover.equal(f"npm ci in {TESTS / folder}: exit code", done.code, 0)


def _prove_suites(prover: Prover, checkout: Checkout) -> None:
    if REFERENCE_CASES.is_dir():
        passed = _passed(_pytest(checkout, "test_shared_suites.py"))
        prover.equal("suites of federation-cases whose supergraph is equal in meaning", passed, SUITES)


def _prove_corpus(prover: Prover, checkout: Checkout) -> None:
    verdicts = json.loads((checkout.root / TESTS / "reference" / "verdicts.json").read_text())
    codes = {code for verdict in verdicts.values() for code in verdict.get("codes", ())}
    alike = _pytest(checkout, "test_corpus.py")
    afresh = _pytest(checkout, "test_reference.py")
    count = len(verdicts) if alike.code == 0 and _passed(afresh) else 0
    crashed = sum("crashed" in verdict for verdict in verdicts.values())
    text = "schema sets with the verdict, codes and hints of @apollo/composition, asked now"
    prover.check(text, f"{count} ({crashed} crash it)", f">= {LEAST_CASES}", holds=count - crashed >= LEAST_CASES)
    prover.check("error codes with a failing case", len(codes), f">= {LEAST_CODES}", holds=len(codes) >= LEAST_CODES)


def _prove_whole_files(prover: Prover, checkout: Checkout) -> None:
    for text, name in (
        ("order of subgraphs, types and fields never changes the meaning", "test_meaning.py"),
        ("bad input gives an error with its place", "test_bad_input.py"),
        ("bad configurations, files and urls are told", "test_config.py"),
        ("unplannable queries are shown in their shortest form", "test_satisfiability.py"),
        ("exit codes, JSON, whole files, watching, breaking changes", "test_command.py"),
    ):
        done = _pytest(checkout, name)
        prover.check(text, f"{_passed(done)} tests pass", "all", holds=_passed(done) > 0)


def _prove_watch(prover: Prover, checkout: Checkout) -> None:
    """Change a schema beside a running `compose --watch` and take the time until the file has the change."""
    out = checkout.root / "watched.graphql"
    schema = checkout.root / "schema" / "shipping.graphql"
    kept = schema.read_text()
    command = [".venv/bin/storegraph", "compose", "--watch", "--out", str(out)]
    watcher = subprocess.Popen(command, cwd=checkout.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(out.exists)
        wait_until(lambda: "type Mutation" in out.read_text())
        time.sleep(1)  # watching begins a moment after the first file is written
        began = time.monotonic()
        schema.write_text(kept + "\ntype Parcel { id: ID! }\n")
        wait_until(lambda: "type Parcel" in out.read_text())
        prover.at_most("from a change to the new supergraph", time.monotonic() - began, WATCH_SECONDS, "s")
    finally:
        schema.write_text(kept)
        watcher.terminate()
        watcher.wait()


def _prove_speed(prover: Prover, checkout: Checkout) -> None:
    options = ["--quick"] if prover.quick else []
    done = checkout.run(
        *(".venv/bin/python", "-m", "benchmarks", "composition", *options),
        *("--reference", str(TESTS / "reference")),
    )
    prover.console.print(done.output)
    shop = re.search(r"shop (\d+) ms", done.output)
    growth = re.search(r"grows ([\d.]+)-fold", done.output)
    prover.at_most("composing the shop, CPU", float(shop[1]) if shop else float("inf"), SHOP_MS, "ms")
    prover.at_most(
        "cost of a type in the largest graph by that in the smallest", float(growth[1]) if growth else 9, LINEAR
    )
