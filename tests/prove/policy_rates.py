"""Rate limits as a fleet of workers keeps them, with the store there, killed, and back."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from redis.asyncio import Redis

from runtime.embedded.data_directory import DataDirectory
from runtime.embedded.valkey import Valkey, start_valkey
from tests.prove.claims import Prover
from tests.router.robustness.process import RouterProcess, router_process
from tests.router.robustness.trouble import Trouble, load

WORKERS = 8
CLIENTS = 16
LIMIT, QUICK_LIMIT = 4_000, 800
TEN_HOURS = 36_000
EXACT_PERCENT = 1.0
AWAY_SECONDS, QUICK_AWAY_SECONDS = 10.0, 3.0
WELL = "{ well }"


@dataclass
class Fleet:
    """Several workers of a router that count in one store, and what their clients were answered."""

    router: RouterProcess
    directory: DataDirectory
    valkey: Valkey
    statuses: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self) -> None:
        """Ask once."""
        begun = time.perf_counter()
        status = self.router.ask(WELL).status
        with self._lock:
            self.statuses[status] += 1
            self.slowest = max(self.slowest, time.perf_counter() - begun)

    @property
    def asked(self) -> int:
        """How often was asked."""
        return self.statuses.total()

    def forget(self) -> None:
        """Begin to count anew."""
        self.statuses.clear()
        self.slowest = 0.0

    def kill_store(self) -> None:
        """End the store without a word."""
        self.valkey.child.process.send_signal(signal.SIGKILL)
        self.valkey.child.process.wait()

    def restart_store(self) -> None:
        """Start the store again."""
        self.valkey = start_valkey(self.directory)


@contextmanager
def fleet(limit: int, away: str, workers: int = WORKERS) -> Iterator[Fleet]:
    """Start a fleet in which everybody together may ask so often."""
    with (
        tempfile.TemporaryDirectory() as name,
        Trouble().running() as trouble,
        DataDirectory(Path(name) / "data") as directory,
    ):
        valkey = start_valkey(directory)
        settings = f"""
server: {{workers: {workers}}}
telemetry: {{access_log: none}}
rate_limits:
  redis: {valkey.url}
  away: {away}
  timeout: 2
  rules: [{{name: all, limit: {limit}, seconds: {TEN_HOURS}, per: everybody}}]
"""
        with router_process(Path(name), trouble.supergraph, settings) as router:
            running = Fleet(router, directory, valkey)
            try:
                yield running
            finally:
                running.valkey.stop()


def prove_rates(prover: Prover) -> None:
    """Check everything that is claimed of rate limits."""
    with prover.part(f"Rate limits under {WORKERS} workers"):
        _exactness(prover, QUICK_LIMIT if prover.quick else LIMIT)
    with prover.part("Rate limits while the store is killed and restarted under load"):
        for away, expected in (("open", {200}), ("local", {200, 429}), ("closed", {200, 503})):
            _store_away(prover, away, expected)


def _exactness(prover: Prover, limit: int) -> None:
    with fleet(limit, "closed") as running:
        begun = time.monotonic()
        with load(running.ask, CLIENTS):
            while running.asked < limit * 1.5:
                time.sleep(0.05)
        earned = limit * (time.monotonic() - begun) / TEN_HOURS
    allowed = running.statuses[200]
    error = abs(allowed - limit - earned) / limit * 100
    prover.console.print(f"    asked {running.asked}, allowed {allowed} of {limit} and {earned:.1f} earned meanwhile")
    prover.at_most(f"{WORKERS} workers: allowed beside what may be", error, EXACT_PERCENT, "%")
    prover.equal("answers other than 200 and 429", set(running.statuses) - {200, 429}, set())


def _store_away(prover: Prover, away: str, expected: set[int]) -> None:
    seconds = QUICK_AWAY_SECONDS if prover.quick else AWAY_SECONDS
    # What each of four workers may allow alone is far less than is asked for; together with the store, it is not.
    limit = 1_000_000 if away != "local" else 400
    with fleet(limit, away, workers=4) as running:
        with load(running.ask, CLIENTS):
            time.sleep(seconds / 3)
            running.kill_store()
            time.sleep(seconds)
            running.restart_store()
            time.sleep(seconds / 3)
        seen = set(running.statuses)
        figures = ", ".join(f"{status}: {number}" for status, number in sorted(running.statuses.items()))
        prover.check(f"{away}: answers", figures, f"none but {sorted(expected)}", seen <= expected)
        prover.at_most(f"{away}: slowest answer", running.slowest, 5.0, "s")
        if away == "closed":
            prover.check("closed: refused while it was away", running.statuses[503], "> 0", running.statuses[503] > 0)
        running.forget()
        counted = asyncio.run(_counts_again(running))
        prover.check(f"{away}: counts in the store again", counted, "a key within 10 s", counted)


async def _counts_again(running: Fleet) -> bool:
    """Tell whether requests are counted in the restarted store."""
    async with Redis.from_url(running.valkey.url) as store:
        await store.flushall()
        end = time.monotonic() + 10
        while time.monotonic() < end:
            await asyncio.to_thread(running.ask)
            if await store.keys("storegraph:rate:*"):
                return True
    return False
