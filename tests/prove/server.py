"""The router's face: protocols, clients, explorer, reloads and hostile input, each as its tests and measures see it."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.prove.checkout import Checkout, clean_checkout, descendants_of
from tests.prove.claims import Prover

Results = list[tuple[str, bool]]
"""Tests by their names, and whether each passed."""

PYTHON = ".venv/bin/python"
_NOT_PASSED = {"failure", "error", "skipped"}
RELOADS, QUICK_RELOADS = 100, 15
RELOAD_MEGABYTES = 10
SUBSCRIPTIONS = 1_000
EVENTS_PER_SECOND = 50
DELAY_MS = 200
SUBSCRIPTION_MEGABYTES = 100

CLIENTS = {
    "Apollo Client: query, mutation, persisted queries, multipart subscription, @defer, @stream": "test_apollo_client",
    "urql: query, mutation, persisted exchange, subscription, @defer, @stream": "test_urql",
    "graphql-ws: query, mutation, subscription": "test_clients_of_streams[graphql-ws",
    "graphql-sse: query, mutation, subscription": "test_clients_of_streams[graphql-sse",
    "graphql-sse on a single connection: query, mutation, subscriptions, @defer": "test_graphql_sse_on_a_single",
    "a Relay network layer: query, mutation": "test_a_relay_network_layer",
    "gql of Python: query, mutation, subscription": "test_gql_of_python",
}
BROWSER = {
    "runs a sample, reads the schema": "test_a_developer_runs_a_sample",
    "shows the plan view with timings and code": "test_a_developer_sees_how",
    "asks as demo users": "test_a_developer_asks_as",
    "shows a subscription's events": "test_a_developer_follows_a_subscription",
    "shows a deferred answer grow": "test_a_developer_sees_an_answer_grow",
}
HOSTILE_FILES = (
    "tests/e2e_router/test_hostile_clients.py",
    "tests/e2e_router/test_uploads.py",
    "tests/e2e_router/test_raw_http.py",
    "tests/router/robustness/test_hostile_requests.py",
    "tests/router/server",
)
HOSTILE = {
    "slow readers": ("test_a_client_that_takes_none_", "test_a_reader_that_"),
    "half-open sockets and requests": (
        "test_idle_and_half_open_",
        "test_a_half_open_",
        "test_half_requests_",
        "test_requests_that_never_end",
    ),
    "bodies that are too large or never come": (
        "test_body_of_",
        "test_an_endless_body_",
        "test_a_body_that_does_not_",
        "test_a_file_beyond_",
    ),
    "heads that are too large": ("test_head_of_", "test_a_head_has_a_bound"),
    "bad multipart and 10,000 parts": ("test_what_is_no_form",),
    "wrong content types, bad JSON and other requests that are none, as docs/http.md tells": (
        "test_the_table_is_complete",
        "test_what_is_refused_",
        "test_request[",
        "test_what_is_no_http",
    ),
    "unknown operation ids": ("test_modes",),
    "frames and handshakes of WebSocket that are none": ("test_frames_that_are_none", "test_a_handshake_that_is_none"),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How tests of some names went."""

    passed: int
    others: int

    @property
    def good(self) -> bool:
        """Whether there were any, and all of them passed; one that was skipped has shown nothing."""
        return self.passed > 0 and self.others == 0

    def __str__(self) -> str:
        return f"{self.passed} pass" + (f", {self.others} do not" if self.others else "")


def prove(prover: Prover) -> None:
    """Run every part on one clean checkout; `quick` reloads and listens for a shorter time."""
    with clean_checkout() as checkout:
        with prover.part("set-up"):
            prover.equal("dev/bootstrap dev: exit code", checkout.run("dev/bootstrap", "dev").code, 0)
            built = checkout.run(PYTHON, "-m", "router.server.explorer.build")
            prover.equal("the explorer is built from its npm sources: exit code", built.code, 0)
        with prover.part("GraphQL over HTTP"):
            _prove_audits(prover, checkout)
        with prover.part("clients"):
            results = _tests(prover, checkout, "tests/e2e_router/test_clients.py")
            for text, name in CLIENTS.items():
                _told(prover, text, results, [name])
        with prover.part("Chromium with the network blocked apart from the router"):
            results = _tests(prover, checkout, "tests/e2e_router/test_explorer_in_a_browser.py")
            for text, name in BROWSER.items():
                _told(prover, f"the explorer {text}", results, [name])
        with prover.part("subscriptions"):
            _prove_subscriptions(prover, checkout)
        with prover.part("reloads under load"):
            _prove_reloads(prover, checkout)
        with prover.part("hostile input"):
            results = _tests(prover, checkout, *HOSTILE_FILES)
            for text, names in HOSTILE.items():
                _told(prover, f"{text}: documented answer, the router stays up", results, names)
        prover.equal("processes left", descendants_of(checkout.root), [])


def _prove_audits(prover: Prover, checkout: Checkout) -> None:
    results = _tests(prover, checkout, "tests/e2e_router/test_http_audits.py")
    source = (checkout.root / "tests/e2e_router/test_http_audits.py").read_text()
    count = re.search(r"^AUDITS = (\d+)", source, re.MULTILINE)
    number = count[1] if count else "?"
    _told(prover, f"all {number} audits of npm graphql-http, MUST and SHOULD and MAY", results, ["test_every_audit"])


def _prove_subscriptions(prover: Prover, checkout: Checkout) -> None:
    options = ["--quick"] if prover.quick else []
    found = _figures(checkout.run(PYTHON, "-m", "benchmarks", "subscriptions", "--json", *options).output)
    prover.equal("subscriptions open on one worker", found["subscriptions"], SUBSCRIPTIONS)
    rate = found["per_second"]
    prover.check("events a second to each of them", rate, f">= {EVENTS_PER_SECOND}", rate >= EVENTS_PER_SECOND)
    prover.equal("events delivered", found["delivered"], found["expected"])
    prover.at_most("delay of the median event", found["delay_ms_p50"], DELAY_MS, "ms")
    prover.console.print(f"    delay of the 99th percentile: {found['delay_ms_p99']:.0f} ms")
    prover.at_most("memory for all of them", found["memory_mb"], SUBSCRIPTION_MEGABYTES, "MB")


def _prove_reloads(prover: Prover, checkout: Checkout) -> None:
    count = QUICK_RELOADS if prover.quick else RELOADS
    command = [PYTHON, "-m", "tests.router.robustness.reloads", "--reloads", str(count)]
    found = _figures(checkout.run(*command, timeout=1200).output)
    before, after = found["before"], found["after"]
    prover.check("reloads", found["reloads"], f">= {count}", found["reloads"] >= count)
    prover.console.print(f"    besides, {found['refused']} schemas of no use were refused")
    prover.console.print(f"    the slowest of {found['answers']} answers took {found['slowest'] * 1000:.0f} ms")
    prover.equal("requests that failed", found["failed"], 0)
    prover.equal("connections that were cut", found["connections"] - found["clients"], 0)
    prover.check(
        "tasks at rest", f"{before['tasks']}, then {after['tasks']}", "no more", after["tasks"] <= before["tasks"]
    )
    prover.equal("engines in memory", after["engines"], 1)
    prover.at_most("growth of memory after the first tenth", after["memory"] - before["memory"], RELOAD_MEGABYTES, "MB")


def _tests(prover: Prover, checkout: Checkout, *paths: str) -> Results:
    """Run tests; each by its name, and whether it passed."""
    report = checkout.root / "report.xml"
    done = checkout.run(PYTHON, "-m", "pytest", "-q", "-n", "2", *paths, "--junitxml", str(report))
    if done.code != 0:
        prover.console.print(done.output[-3000:], markup=False)
    cases = ElementTree.parse(report).getroot().iter("testcase")
    return [(case.get("name", ""), not _NOT_PASSED & {each.tag for each in case}) for case in cases]


def _told(prover: Prover, text: str, results: Results, names: Iterable[str]) -> None:
    outcomes = [_outcome(results, name) for name in names]
    seen = Outcome(sum(each.passed for each in outcomes), sum(each.others for each in outcomes))
    prover.check(text, seen, "all pass", all(each.good for each in outcomes))


def _outcome(results: Results, beginning: str) -> Outcome:
    found = [passed for name, passed in results if name.startswith(beginning)]
    return Outcome(sum(found), len(found) - sum(found))


def _figures(output: str) -> Any:
    """Read the JSON that a script printed last."""
    return json.loads(output.strip().splitlines()[-1])
