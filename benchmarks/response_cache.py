"""The router's cache on product pages of the shop: hits, CPU of the whole store and of a page, with and without.

Each page asks products for one of a hundred products, some more popular than others, by its slug. The store is one
process, so that its CPU is what the router and the subgraphs take together.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runtime.ports import free_port
from tests.prove.checkout import HERE, Checkout, Running, graphql, running

PAGE = """query ProductPage($slug: String!) {
  product(slug: $slug) {
    id name description brand category { id name slug }
    attributes { attribute { label unit } values }
    variants { id sku name price { amount currency } }
    priceRange { minimum { amount currency } onSale }
  }
}"""
SLUGS = "{ products(first: 100) { nodes { slug } } }"
REQUESTS = 2_000
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; the hit ratio is None without a cache."""

    cached: bool
    cpu_ms: float
    p50_ms: float
    hit_ratio: float | None


@contextmanager
def store(data_dir: Path, *, cached: bool) -> Iterator[tuple[Running, int]]:
    """Run a store; gives it, and the port of its metrics."""
    port, metrics = free_port(), free_port()
    command = [
        "env", f"STOREGRAPH_RESPONSE_CACHE={int(cached)}", f"STOREGRAPH_METRICS_PORT={metrics}",
        str(HERE / ".venv/bin/storegraph"), "up", "--port", str(port), "--data-dir", str(data_dir),
    ]  # fmt: skip
    with running(Checkout(HERE), command, port) as store:
        yield store, metrics


def measure(running_store: Running, metrics: int, requests: int, *, cached: bool) -> Figures:
    """Ask for pages and say what they cost."""
    nodes = graphql(running_store.url, SLUGS)["data"]["products"]["nodes"]
    slugs = [node["slug"] for node in nodes]
    chance = random.Random(1)
    wanted = chance.choices(slugs, [1 / rank for rank in range(1, len(slugs) + 1)], k=requests)
    graphql(running_store.url, PAGE, {"slug": slugs[0]})
    cpu, taken = _cpu_seconds(running_store.process.pid), []
    for slug in wanted:
        begun = time.perf_counter()
        assert graphql(running_store.url, PAGE, {"slug": slug})["data"]["product"]
        taken.append(time.perf_counter() - begun)
    spent = _cpu_seconds(running_store.process.pid) - cpu
    ratio = _hit_ratio(metrics) if cached else None
    return Figures(cached, spent / requests * 1_000, sorted(taken)[requests // 2] * 1_000, ratio)


def _cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _hit_ratio(port: int) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        text = page.read().decode()
    found = re.findall(r'router_cache_lookups_total\{result="(\w+)",[^}]*\} ([\d.e+]+)', text)
    counts = {result: sum(float(count) for each, count in found if each == result) for result in ("hit", "miss")}
    return counts["hit"] / max(sum(counts.values()), 1)


def measure_both(requests: int) -> tuple[Figures, Figures]:
    """Return what pages cost without and with the cache."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for cached in (False, True):
            with store(Path(folder) / "data", cached=cached) as (each, metrics):
                found.append(measure(each, metrics, requests, cached=cached))
    return found[0], found[1]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    options = parser.parse_args()
    print("| cache | hit ratio | CPU per page | p50 |\n| --- | --- | --- | --- |")
    for each in measure_both(options.requests):
        ratio = "" if each.hit_ratio is None else f"{each.hit_ratio:.1%}"
        print(f"| {'on' if each.cached else 'off'} | {ratio} | {each.cpu_ms:.2f} ms | {each.p50_ms:.2f} ms |")
    return 0
