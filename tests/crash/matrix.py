"""Runs cells of the crash matrix: a scenario, a fault in one of its calls, the recovery, and what must hold then."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import aio_pika

import subgraphs
from kernel.events.rabbitmq.topology import DEAD_LETTERS, queue_name
from kernel.migrations import upgrade_all
from runtime.embedded.data_directory import DataDirectory
from runtime.embedded.postgres import start_postgres
from runtime.ports import free_port
from runtime.stack.rabbitmq import start_rabbitmq
from tests.crash.anomalies import Ending, execute, find_anomalies
from tests.crash.faults import KINDS, Fault
from tests.crash.store import build
from tests.sale import APPS, load_stock

HERE: Final = Path(__file__).resolve().parents[2]
_PATIENCE: Final = 120.0

_NAMES_ARE_WRITTEN: Final = 1.0
"""Seconds; RabbitMQ 3.10 writes the names of new quorum queues half a second late, and cannot open what it lost."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A buyer's payment token, the disturbed calls, and how the story must end."""

    token: str
    calls: tuple[str, ...]
    ending: Ending


SCENARIOS: Final = {
    "buy": Scenario("tok_approve", ("paymentProcess", "stockAllocate"), Ending.BOUGHT),
    "buy-late": Scenario("tok_approve", ("stockReserve",), Ending.BOUGHT),
    "voucher": Scenario("tok_approve", ("voucherRedeem",), Ending.BOUGHT_CHEAPER),
    "declined": Scenario("tok_decline_stolen_card", ("paymentProcess", "reservationRelease"), Ending.DECLINED),
    "lost-charge": Scenario("tok_timeout", ("paymentProcess", "stockAllocate"), Ending.BOUGHT),
    "lost-request": Scenario("tok_timeout_uncharged", ("paymentProcess",), Ending.BOUGHT),
    "cancel": Scenario("tok_approve", ("shipmentsHalt", "paymentRefund", "allocationRelease"), Ending.CANCELLED),
    "edit": Scenario("tok_approve", ("shipmentsHold", "allocationChange", "paymentProcess"), Ending.EDITED),
    "edit-declined": Scenario("tok_approve", ("paymentProcess", "shipmentsResume"), Ending.BOUGHT),
    "edit-smaller": Scenario("tok_approve", ("allocationChange", "paymentRefund"), Ending.MADE_SMALLER),
    "refund": Scenario("tok_approve", ("paymentRefund",), Ending.PARTLY_REFUNDED),
    "return": Scenario("tok_approve", ("stockReturn", "paymentRefund"), Ending.RETURNED),
    "exchange": Scenario(
        "tok_approve", ("stockReserve", "paymentProcess", "stockAllocate", "returnLabelCreate"), Ending.EXCHANGED
    ),
}
"""What a buyer does, and the calls of its saga that are disturbed."""

DISTURBANCES: Final = ("database-before", "database-after", "broker-before", "broker-after")
"""Faults of the machine: the database or the broker is killed and started again before or after the call."""


EVENTS_TWICE: Final = "published twice"
"""All events of the sale are published once more when it is over."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One scenario with one fault in one call."""

    scenario: str
    call: str
    fault: str

    @property
    def name(self) -> str:
        """How the cell is shown."""
        return f"{self.scenario} / {self.call} / {self.fault}"


def cells() -> list[Cell]:
    """The whole matrix."""
    return [
        Cell(scenario, call, fault)
        for scenario, played in SCENARIOS.items()
        for call in played.calls
        for fault in (*(kind for kind in KINDS if not kind.startswith("pause")), *DISTURBANCES)
    ] + [Cell(scenario, "every event", EVENTS_TWICE) for scenario in SCENARIOS]


@dataclass(slots=True)
class Machine:
    """A database and a broker that can be killed and started again, and the template that each cell begins with."""

    directory: DataDirectory
    folder: Path
    postgres: Any = None
    rabbitmq: Any = None
    port: int = field(default_factory=free_port)
    used: int = 0

    def start_database(self) -> None:
        """Start PostgreSQL on its data."""
        self.postgres = start_postgres(self.directory, {"fsync": "off"})

    def start_broker(self) -> None:
        """Start RabbitMQ on its data and its port."""
        self.rabbitmq = start_rabbitmq(self.folder / "rabbitmq", port=self.port)

    def disturb(self, what: str) -> None:
        """Kill the database or the broker as hard as possible, and start it again.

        Here and not in a thread: a child server ends with the thread that started it.
        """
        if what == "database":
            self.postgres.child.process.send_signal(signal.SIGQUIT)
            self.postgres.child.process.wait(20)
            self.start_database()
        else:
            time.sleep(_NAMES_ARE_WRITTEN)
            os.killpg(self.rabbitmq.pid, signal.SIGKILL)
            self.rabbitmq.stop()
            self.start_broker()

    async def fresh_database(self) -> str:
        """Make a database with the stock of the sale, and give its URL."""
        url = self.postgres.url
        if not self.used:
            await execute(url, "CREATE DATABASE template_of_cells")
            template = url.replace("/postgres?", "/template_of_cells?")
            root = Path(subgraphs.__file__).parent
            await upgrade_all(template, {name: root / name / "migrations" for name in APPS})
            await load_stock(template, datetime.now(UTC))
        return await self.new_database("template_of_cells")

    async def new_database(self, template: str = "template0") -> str:
        """Make a database, and give its URL."""
        self.used += 1
        await execute(self.postgres.url, f"CREATE DATABASE made_{self.used} TEMPLATE {template} STRATEGY FILE_COPY")
        return self.postgres.url.replace("/postgres?", f"/made_{self.used}?")

    async def empty_broker(self) -> None:
        """Throw away what an earlier cell left in the queues."""
        async with await aio_pika.connect(self.rabbitmq.url) as connection:
            channel = await connection.channel()
            for name in _queues():
                await channel.queue_delete(name)


def _queues() -> list[str]:
    """Name the queues of all consumers of the sale."""
    store = build("postgresql://nobody@127.0.0.1:1/none", "", Fault("", ""))
    consumers = (consumer for subgraph in store.subgraphs.values() for consumer in subgraph.consumers)
    return [DEAD_LETTERS, *map(queue_name, consumers)]


@contextmanager
def machine() -> Iterator[Machine]:
    """A machine of its own under a temporary folder, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="storegraph-crash-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with DataDirectory(Path(folder) / "data") as directory:
            made = Machine(directory, Path(folder))
            made.start_database()
            made.start_broker()
            try:
                yield made
            finally:
                made.rabbitmq.stop()
                made.postgres.child.stop_signal = signal.SIGQUIT
                made.postgres.stop()


async def run_cell(made: Machine, cell: Cell) -> list[str]:
    """Run one cell; what does not hold afterwards is returned, an empty list means that all does."""
    url, token = await made.fresh_database(), SCENARIOS[cell.scenario].token
    await made.empty_broker()
    task = {"url": url, "broker": made.rabbitmq.url, "fault": _struck(cell), "sale": {"token": token}}
    told = await _run_child(made, cell, task)
    if cell.fault == EVENTS_TWICE:
        for name in APPS:
            await execute(url, f"UPDATE {name}.outbox SET published_at = NULL")
    elif not told.struck:
        return ["the call was never made"]
    told = await _run_child(made, cell, {**task, "fault": "", "recover": True, "sale": told.sale})
    return await find_anomalies(url, SCENARIOS[cell.scenario].ending, told.answer)


def _struck(cell: Cell) -> str:
    """Tell the store what to do: the fault itself, or to wait while the machine is disturbed."""
    if cell.fault == EVENTS_TWICE:
        return ""
    kind = cell.fault if cell.fault in KINDS else f"pause-{cell.fault.rpartition('-')[2]}"
    return f"{cell.call}:{kind}"


@dataclass(slots=True)
class Told:
    """What a store said until it was done or dead: the sale, the buyer's answer, whether the fault struck."""

    sale: dict[str, Any]
    answer: dict[str, Any] | None = None
    struck: bool = False


async def _run_child(made: Machine, cell: Cell, task: dict[str, Any]) -> Told:
    """Run a store until it is done or dead, and disturb the machine when it says that the moment has come."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.crash.store", cell.scenario),
        cwd=HERE,
        env={**os.environ, **_SETTINGS},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    told = Told(task["sale"])
    try:
        async with asyncio.timeout(_PATIENCE):
            await _listen(made, cell, task, child, told)
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()
    return told


async def _listen(
    made: Machine, cell: Cell, task: dict[str, Any], child: asyncio.subprocess.Process, told: Told
) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(json.dumps(task).encode() + b"\n")
    async for line in child.stdout:
        said = json.loads(line) if line.startswith(b"{") else {"event": ""}
        match said["event"]:
            case "ready":
                told.sale = said["sale"]
            case "struck":
                told.struck = True
            case "moment":
                made.disturb(cell.fault.partition("-")[0])
                child.stdin.write(b"go on\n")
            case "done":
                told.answer = said["answer"]
                return
            case _:
                pass


_SETTINGS: Final = {
    "STOREGRAPH_ORDERS_SAGA_RETRY": "0.1",
    "STOREGRAPH_ORDERS_SAGA_EVERY": "0.1",
    "STOREGRAPH_PAYMENTS_SETTLE_AFTER": "0.2",
    "STOREGRAPH_PAYMENTS_SETTLE_EVERY": "0.1",
    "STOREGRAPH_SHIPPING_SANDBOX_TRANSIT_AFTER": "3600",
}
"""What waits for seconds in a shop waits for tenths of one here; parcels stay, so that orders can be cancelled."""
