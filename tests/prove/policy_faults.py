"""The router beside subgraphs that misbehave: what is well stays fast, breakers open, are seen, and close again."""

from __future__ import annotations

import asyncio
import re
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from router.execution.transports.http.network import HttpNetwork
from router.execution.transports.port import SubgraphOperation, SubgraphRequest
from tests.prove.claims import Prover
from tests.router.robustness.process import Answer, RouterProcess, router_process
from tests.router.robustness.trouble import FAULTS, SCHEMAS, Trouble, load

OPEN_SECONDS = 1.0
TIMEOUT = 0.5
SETTINGS = f"""
telemetry: {{metrics: {{}}, access_log: none}}
sharing: {{requests: false, fetches: false}}
traffic:
  timeout: {TIMEOUT}
  response_bytes: 1000000
  breaker: {{open_for: {OPEN_SECONDS}}}
  concurrency: {{limit: 20, queue: 20, wait: 0.2}}
"""
WITHOUT_BREAKER = re.sub(r"\n  breaker: .*", "", SETTINGS)
WELL, ILL, BOTH = "{ well }", "{ ill }", "{ well ill }"
CLIENTS = 4
SLOWER_BY_MS = 25.0
MEMORY_MB = 150.0
RETRIED = """
sharing: {requests: false, fetches: false}
traffic:
  retry: {attempts: 3, share: 0.1, reserve: 10}
"""


def prove_faults(prover: Prover) -> None:
    """Check everything that is claimed of traffic to subgraphs."""
    with prover.part("Subgraphs that misbehave: what is well is as fast as ever"):
        _unharmed(prover, ("reset", "hang", "1 GB, unannounced") if prover.quick else tuple(FAULTS))
    with prover.part("Circuit breakers: open, seen, closed by one probe"):
        _breakers(prover)
    with prover.part("Retries and slow name servers"):
        _retries(prover)
        with Trouble().running() as trouble:
            asyncio.run(_slow_names(prover, trouble))


@contextmanager
def _router(settings: str) -> Iterator[tuple[Trouble, RouterProcess]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Trouble().running() as trouble,
        router_process(Path(folder), trouble.supergraph, settings) as router,
    ):
        yield trouble, router


def _latency(ask: Callable[[], Answer], times: int) -> float:
    """Return the 95th percentile in milliseconds."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        assert ask().status == 200
        taken.append((time.perf_counter() - begun) * 1_000)
    return statistics.quantiles(taken, n=20)[-1]


def _unharmed(prover: Prover, faults: tuple[str, ...]) -> None:
    times = 100 if prover.quick else 300
    with _router(WITHOUT_BREAKER) as (trouble, router):
        _latency(lambda: router.ask(WELL), times)
        with load(lambda: router.ask(ILL), CLIENTS):
            usual = _latency(lambda: router.ask(WELL), times)
        for fault in faults:
            trouble.fault = fault
            router.forget_peak()
            before = router.memory
            with load(lambda: router.ask(ILL), CLIENTS):
                latency = _latency(lambda: router.ask(WELL), times)
            prover.at_most(f"{fault}: how much slower is a healthy field (p95)", latency - usual, SLOWER_BY_MS, "ms")
            begun = time.monotonic()
            answer = router.ask(BOTH).json()
            partial = answer["data"] == {"well": 1, "ill": None} and len(answer["errors"]) == 1
            prover.check(
                f"{fault}: beside a broken field the healthy one is answered", answer["data"], "well: 1", partial
            )
            prover.at_most(f"{fault}: seconds until then", time.monotonic() - begun, TIMEOUT + 0.3, "s")
            if "GB" in fault:
                prover.at_most(f"{fault}: memory that it takes", router.peak_memory - before, MEMORY_MB, "MB")


def _breakers(prover: Prover) -> None:
    with _router(SETTINGS) as (trouble, router):
        for fault in ("503", "reset") if prover.quick else ("503", "reset", "hang", "garbage", "1 GB, announced"):
            trouble.fault = fault
            codes = [router.ask(ILL).codes for _ in range(7)]
            asked = trouble.asked
            prover.equal(f"{fault}: failures until requests are refused at once", codes.index([REFUSED]), 5)
            prover.equal(f"{fault}: requests that reach it while the circuit is open", _asked_by(trouble, router), 0)
            prover.equal(f"{fault}: state in the metrics", _state(router), "open")
            time.sleep(OPEN_SECONDS)
            router.ask(ILL)
            prover.equal(f"{fault}: requests that try whether it is back", trouble.asked - asked, 1)
            prover.equal(f"{fault}: state after a probe that failed", _state(router), "open")
            trouble.fault = None
            time.sleep(OPEN_SECONDS)
            recovered = router.ask(ILL).json() == {"data": {"ill": 1}}
            prover.check(f"{fault}: well again with the first probe", recovered, "= True", recovered)
            prover.equal(f"{fault}: state then", _state(router), "closed")


REFUSED = "SUBGRAPH_CIRCUIT_BREAKER_REJECTED"


def _asked_by(trouble: Trouble, router: RouterProcess) -> int:
    before = trouble.asked
    for _ in range(5):
        router.ask(ILL)
    return trouble.asked - before


def _state(router: RouterProcess) -> str:
    page = router.request("GET", "/metrics", None, {}).body.decode()
    found = re.findall(r'router_circuit_breaker_state\{state="(\w+)",subgraph_name="ill"\} 1\.0', page)
    return ",".join(found)


def _retries(prover: Prover) -> None:
    with _router(RETRIED) as (trouble, router):
        trouble.fault = "503"
        times = 200
        for _ in range(times):
            router.ask(ILL)
        share = trouble.asked / times
        prover.at_most("Requests to a subgraph that is down, for each of a client's", share, 1.2)


async def _slow_names(prover: Prover, trouble: Trouble) -> None:
    """Look up a name that takes seconds; the operating system's own resolver is made slow for that one name."""
    usual = socket.getaddrinfo

    def slow(host: str, *arguments: object, **named: object) -> object:
        if host == "slow.invalid":
            time.sleep(1.5)
            raise socket.gaierror("no such name")
        return usual(host, *arguments, **named)  # type: ignore[arg-type]

    socket.getaddrinfo = slow  # type: ignore[assignment]
    try:
        addresses = {"ill": "http://slow.invalid/", "well": trouble.url("well", "localhost")}
        async with HttpNetwork(addresses) as network:
            asks = [network.transports["ill"].send(_request("ill", number)) for number in range(50)]
            waiting = [asyncio.ensure_future(each) for each in asks]
            await asyncio.sleep(0.05)
            begun = time.monotonic()
            await network.transports["well"].send(_request("well", 0))
            took = time.monotonic() - begun
            prover.at_most("Seconds to connect while 50 requests wait for a slow name", took, 0.5, "s")
            await asyncio.gather(*waiting, return_exceptions=True)
    finally:
        socket.getaddrinfo = usual


def _request(name: str, number: int) -> SubgraphRequest:
    query = SCHEMAS[name].replace("type Query", "").replace(": Int", "")
    return SubgraphRequest(SubgraphOperation(name, "query", f"query Q{number} {query}", None), {}, timeout=0.5)
