"""What is told of stock: availability that is never older than its bound, and forecasts that are worth having."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

import asyncpg

import subgraphs
from kernel.calls import InProcessCalls
from kernel.clock import SystemClock
from kernel.database import Database, count_statements, plain_url
from kernel.events.embedded import EmbeddedDelivery
from kernel.jobs import JobRunner
from kernel.redis import connect
from kernel.settings import Settings
from kernel.subgraph import Parts
from runtime.forecast_command import judge
from subgraphs.inventory.app import build
from subgraphs.inventory.domain.forecasting.backtest import OURS, Plan
from subgraphs.inventory.domain.forecasting.summary import SEASONAL_NAIVE, Summary, summarise
from subgraphs.inventory.domain.reservations import Wish
from subgraphs.inventory.domain.stock import MovementType
from subgraphs.inventory.service import InventoryService
from subgraphs.inventory.service.availability import AvailabilityBoard
from subgraphs.inventory.storage import bulk
from subgraphs.inventory.storage.availability_cache import AvailabilityCache
from tests.prove.checkout import HERE
from tests.prove.claims import Prover
from tests.servers import Servers

BETTER = 0.70
"""The share of SKUs on which the forecast must beat the seasonal naive one."""
COVERED = (0.75, 0.95)
"""What may fall into a band that should hold 80 %: a band of whole numbers holds more."""
MANY = 5_000
BOUND = 1.0
"""Seconds; shorter than the shop's own, so that many entries live to their end while it is watched."""
SECONDS, QUICK_SECONDS = 20, 8
INVENTORY = Path(subgraphs.__file__).parent / "inventory" / "migrations"


def prove_reading(prover: Prover) -> None:
    """Run every part on servers of its own."""
    servers = Servers()
    try:
        postgres, valkey = servers.postgres(), servers.valkey()
        with prover.part("availability: one statement, and never older than its bound"):
            url = asyncio.run(postgres.database({"inventory": INVENTORY}))
            asyncio.run(_prove_availability(prover, url, valkey.url))
        with prover.part("forecasts: backtest on the demo history"):
            environment = {
                **os.environ,
                "STOREGRAPH_DATABASE_URL": asyncio.run(postgres.database()),
                "STOREGRAPH_REDIS_URL": valkey.url,
                "STOREGRAPH_INTERNAL_KEY": servers.directory.secrets().internal_key,
            }
            _prove_forecasts(prover, environment)
    finally:
        servers.stop()


async def _prove_availability(prover: Prover, url: str, redis_url: str) -> None:
    await _stock(url, {f"SKU-{number:04}": 10 for number in range(MANY)} | {"HOT": 1_000_000})
    async with Database(url, schema="inventory", pool_size=10) as database:
        board = AvailabilityBoard.of_skus(database, SystemClock())
        names = [f"SKU-{number:04}" for number in range(MANY)]
        with count_statements(database) as counted:
            began = time.perf_counter()
            found = await board.look(names)
        prover.check(
            f"availability of {MANY} SKUs in 3 warehouses: statements",
            f"{counted.total} in {(time.perf_counter() - began) * 1000:.0f} ms",
            "= 1",
            counted.total == 1 and len(found) == MANY,
        )
        seconds = QUICK_SECONDS if prover.quick else SECONDS
        for text, told in (("no event arrives", False), ("events are delivered", True)):
            watched = await _watch(database, redis_url, seconds, told=told)
            prover.at_most(
                f"oldest figure that was shown while {text} ({watched.shown} reads, {watched.sales} sales)",
                max(watched.ages),
                BOUND,
                "s",
            )
        prover.console.print(f"  [dim]with events: 99 % are younger than {quantiles(watched.ages, n=100)[98]:.3f} s[/]")


@dataclass(slots=True)
class _Watched:
    """What sellers did and readers saw; a unit less is sold at each of the `sold` instants."""

    sold: list[float] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)
    before: int = 0

    @property
    def shown(self) -> int:
        return len(self.ages)

    @property
    def sales(self) -> int:
        return len(self.sold)

    def see(self, quantity: int, at: float) -> None:
        """Tell how long before the reader asked the figure that it was given had ceased to be true."""
        sales = self.before - quantity
        self.ages.append(max(0.0, at - self.sold[sales]) if sales < len(self.sold) else 0.0)


async def _watch(database: Database, redis_url: str, seconds: float, *, told: bool) -> _Watched:
    """Sell one SKU without a pause while others look at it through the cache."""
    settings = Settings.load(redis_url=redis_url, database_url=database.url)
    parts = Parts(database=database, calls=InProcessCalls("inventory", {}))
    os.environ["STOREGRAPH_INVENTORY_AVAILABILITY_BOUND"] = str(BOUND)
    inventory = build(settings, parts)
    delivery, jobs = EmbeddedDelivery([inventory.room]), JobRunner(inventory.jobs)
    redis = connect(redis_url)
    board = AvailabilityBoard.of_skus(database, SystemClock(), AvailabilityCache(redis, "sku", bound=BOUND))
    stock = InventoryService(database, SystemClock())
    watched = _Watched(before=(await AvailabilityBoard.of_skus(database, SystemClock()).look(["HOT"]))["HOT"].quantity)
    ends = time.monotonic() + seconds

    async def sell() -> None:
        number = 0
        while time.monotonic() < ends:
            await stock.reserve(f"chk_{number}", [Wish("HOT", 1)], 3600, f"{told}-{number}")
            watched.sold.append(time.monotonic())
            number += 1
            await asyncio.sleep(0.02)

    async def look() -> None:
        while time.monotonic() < ends:
            asked = time.monotonic()
            watched.see((await board.look(["HOT"]))["HOT"].quantity, asked)
            await asyncio.sleep(0.005)

    if told:
        await delivery.start()
        await jobs.start()
    await asyncio.gather(sell(), look(), look(), look())
    await jobs.stop()
    await delivery.stop()
    await redis.aclose()
    for close in inventory.on_close:
        await close()
    return watched


def _prove_forecasts(prover: Prover, environment: Mapping[str, str]) -> None:
    storegraph = str(HERE / ".venv" / "bin" / "storegraph")
    with tempfile.TemporaryDirectory(prefix="storegraph-prove-") as folder:
        report = Path(folder) / "backtest.html"
        environment = {**environment, "STOREGRAPH_DATA_DIR": folder}
        for command in (["migrate"], ["load-demo-data"], ["inventory", "backtest", "--out", str(report)]):
            done = subprocess.run(
                [storegraph, *command], cwd=HERE, env=environment, capture_output=True, text=True, check=False
            )
            prover.equal(f"storegraph {' '.join(command[:2])}: exit code", done.returncode, 0)
        scores = asyncio.run(judge(environment["STOREGRAPH_DATABASE_URL"], Plan()))
        prover.equal("plots in the report", len(re.findall("<figure>", report.read_text())), len(scores))
    _judge(prover, summarise(scores)[0])


def _judge(prover: Prover, total: Summary) -> None:
    measures = {"MASE": total.better, "RMSSE": total.better_rmsse, "MASE of the sum of 4 weeks": total.better_total}
    for name, shares in measures.items():
        share = shares[SEASONAL_NAIVE]
        prover.check(
            f"SKUs of {total.skus} on which the forecast beats the seasonal naive by {name}",
            f"{share:.1%}",
            f">= {BETTER:.0%}",
            share >= BETTER,
        )
    for other in ("naive", SEASONAL_NAIVE, "zero"):
        prover.check(
            f"mean MASE beside {other}",
            f"{total.mase[OURS]:.3f} against {total.mase[other]:.3f}",
            "less",
            total.mase[OURS] < total.mase[other],
        )
    low, high = COVERED
    prover.check(
        "weeks inside the 80 % band", f"{total.inside:.1%}", f"{low:.0%} to {high:.0%}", low <= total.inside <= high
    )


async def _stock(url: str, quantities: dict[str, int]) -> None:
    at = SystemClock().now()
    places = ("wh_a", "wh_b", "wh_c")
    connection = await asyncpg.connect(plain_url(url))
    try:
        await bulk.copy(
            connection,
            warehouses=[bulk.WarehouseRow(id=each, code=each.upper(), name=each, country="DE") for each in places],
            skus=[bulk.SkuRow(sku=sku, product_id=f"prod_{sku}", variant_id=f"var_{sku}") for sku in quantities],
            movements=[
                bulk.MovementRow(
                    sku=sku, warehouse_id=place, type=MovementType.RECEIVED, quantity=quantity, occurred_at=at
                )
                for sku, quantity in quantities.items()
                for place in places
            ],
        )
    finally:
        await connection.close()
