"""Add to cart and a whole checkout over HTTP: CPU of all processes, beside Vendure's measured figures.

A store is started with `storegraph up` on its demo data. What is counted is the CPU of that process and everything
below it: router, eight subgraphs, PostgreSQL with all its backends, Valkey; with the events, mails and parcels that
follow, until nothing moves any more. Vendure's figures are those of an earlier run of Vendure 3.7.3 on two cores with
PostgreSQL 15, its server and PostgreSQL together: they are recorded here, not measured again.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from pyreqwest.client import SyncClient, SyncClientBuilder
from pyreqwest.exceptions import RequestError

from runtime.demo.operations import (
    CART_CREATE,
    CART_LINES_ADD,
    CHECKOUT_COMPLETE,
    CHECKOUT_CREATE,
    ORDER,
    SHIPPING_ADDRESS_SET,
    SHIPPING_METHOD_SET,
)
from runtime.ports import free_port

_ADDRESS: Final = {"name": "Ada", "line1": "Weg 1", "city": "Berlin", "postalCode": "10115", "country": "DE"}
_SHELF: Final = "{ products(first: 50) { nodes { variants { sku availability { quantityAvailable } } } } }"
_WARM_UP: Final = 30
_QUIET: Final = 3.0
_LOOKS: Final = 4
_FOLLOWS: Final = 12.0
"""Seconds in which mails are written and parcels travel after the last order."""
_TICK: Final = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Measured:
    """CPU in milliseconds of one operation, and what Vendure's took."""

    name: str
    ours: float
    requests: int
    vendure: float
    bound: float

    @property
    def ratio(self) -> float:
        """Ours as a part of Vendure's."""
        return self.ours / self.vendure


@dataclass(frozen=True, slots=True)
class Store:
    """A running store, and a client of it."""

    pid: int
    url: str
    client: SyncClient
    data_dir: Path

    def run(self, query: str, **variables: Any) -> Any:
        """Send an operation and give what its one field brought; it must not be refused."""
        body = orjson.dumps({"query": query, "variables": variables})
        request = self.client.post(self.url).header("content-type", "application/json").body_bytes(body).build()
        answer = orjson.loads(bytes(request.send().bytes()))
        assert not answer.get("errors"), answer["errors"]
        (field,) = answer["data"].values()
        assert not field.get("errors"), field["errors"]
        return field

    def cpu(self) -> float:
        """CPU milliseconds that the store and everything below it have taken so far, ended children included."""
        return sum(_ticks(pid) for pid in _tree(self.pid)) * _TICK


def main() -> int:
    """Measure, print a table in Markdown, and tell by the exit code whether the ratios are reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=200, help="how often each operation is run")
    measured = measure(parser.parse_args().times)
    print("| operation | requests | CPU ms, all processes | Vendure 3.7.3 | ratio | must be |")
    print("| --- | --- | --- | --- | --- | --- |")
    for row in measured:
        figures = f"{row.ours:.1f} | {row.vendure:.0f} | {row.ratio:.2f}"
        print(f"| {row.name} | {row.requests} | {figures} | <= {row.bound:.2f} |")
    return 0 if all(row.ratio <= row.bound for row in measured) else 1


def measure(times: int) -> Sequence[Measured]:
    """Run both operations on a store of their own."""
    with running_store() as store:
        skus = _skus(store)
        add = _cost(store, times, lambda number: _fill(store, skus[number % len(skus)]))
        buy = _cost(store, times, lambda number: _buy(store, skus[number % len(skus)], number))
    return [
        Measured("add to a new cart", add, 2, 29 + 23, 1 / 4),
        Measured("whole checkout", buy, 7, 141 + 103, 1 / 3),
    ]


def _cost(store: Store, times: int, operation: Callable[[int], None]) -> float:
    """CPU of one run: that of many, with what follows them, less what a store takes that has nothing to do.

    What is warmed up is awaited first, with its parcels, so that only the work of the runs themselves is counted.
    """
    for number in range(_WARM_UP):
        operation(number)
    idle = rest(store)
    began, cpu = time.monotonic(), store.cpu()
    for number in range(times):
        operation(_WARM_UP + number)
    time.sleep(_FOLLOWS)
    return (store.cpu() - cpu - idle * (time.monotonic() - began)) / times


def rest(store: Store) -> float:
    """Wait until the store takes no less any more than before; CPU milliseconds that it takes in a second then."""
    lately = [_idle(store) for _ in range(_LOOKS)]
    while lately[-1] < min(lately[:-1]):
        lately = [*lately[1:], _idle(store)]
    return min(lately)


def _idle(store: Store) -> float:
    """CPU milliseconds that the store takes in a second now."""
    before = store.cpu()
    time.sleep(_QUIET)
    return (store.cpu() - before) / _QUIET


def _skus(store: Store) -> Sequence[str]:
    shelf = store.run(_SHELF)["nodes"]
    variants = [variant for product in shelf for variant in product["variants"]]
    variants.sort(key=lambda variant: variant["availability"]["quantityAvailable"], reverse=True)
    return [variant["sku"] for variant in variants[:50]]


def _fill(store: Store, sku: str) -> str:
    cart = str(store.run(CART_CREATE, currency="EUR")["cart"]["id"])
    store.run(CART_LINES_ADD, id=cart, lines=[{"sku": sku, "quantity": 1}])
    return cart


def _buy(store: Store, sku: str, number: int) -> None:
    """Seven requests, as in the recorded run: from an empty cart to the order's page."""
    created = store.run(CHECKOUT_CREATE, cartId=_fill(store, sku), email="ada@example.com")["checkout"]
    checkout = created["id"]
    addressed = store.run(SHIPPING_ADDRESS_SET, id=checkout, address=_ADDRESS)["checkout"]
    method = addressed["availableShippingMethods"][0]["method"]["id"]
    total = store.run(SHIPPING_METHOD_SET, id=checkout, methodId=method)["checkout"]["total"]["gross"]
    agreed = {"expectedTotal": total, "paymentToken": "tok_approve"}
    order = store.run(CHECKOUT_COMPLETE, id=checkout, input=agreed, key=f"bench-{number}")["order"]
    store.run(ORDER, id=order["id"])


@contextmanager
def running_store(*options: str) -> Iterator[Store]:
    """Start a store in a folder of its own, on its demo data if the options say nothing else, and remove both."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="storegraph-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        data = Path(folder) / "data"
        command = [sys.executable, "-m", "runtime.cli", "up", "--port", str(port), "--data-dir", str(data), *options]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        client = SyncClientBuilder().no_proxy().error_for_status(enable=False).build()
        store = Store(process.pid, f"http://127.0.0.1:{port}/graphql", client, data)
        try:
            _wait(store, process)
            yield store
        finally:
            client.close()
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _wait(store: Store, process: subprocess.Popen[bytes], patience: float = 180) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            store.run(_SHELF)
        except (RequestError, AssertionError, ValueError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _tree(root: int) -> Iterator[int]:
    """A process and all below it, whatever thread started them."""
    yield root
    for children in Path(f"/proc/{root}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that ended just now
            for child in children.read_text().split():
                yield from _tree(int(child))


def _ticks(pid: int) -> int:
    """User and system time of a process, and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:  # it ended just now: its time is its parent's
        return 0
    return sum(map(int, fields[11:15]))


if __name__ == "__main__":
    sys.exit(main())
