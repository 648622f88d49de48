"""The soak itself: record many events while relays, consumers, the broker, the line and the database are struck."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg

from kernel.database import Database, plain_url
from kernel.errors import InfrastructureError
from kernel.events.catalogue import UserRegistered
from kernel.events.outbox import record_many
from kernel.migrations import upgrade_all
from tests.crash.matrix import Machine
from tests.soak.network import Line
from tests.soak.tables import MIGRATIONS, READERS, SCHEMAS

HERE: Final = Path(__file__).resolve().parents[2]
SUBJECTS: Final = 300
_BATCH: Final = 100


@dataclass(slots=True)
class Report:
    """What came out: anomalies by name, seconds, how often each thing was struck, lags in seconds, memory in MB."""

    events: int
    seconds: float = 0.0
    struck: dict[str, int] = field(default_factory=dict)
    anomalies: list[str] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    memory: float = 0.0

    @property
    def lag_p99(self) -> float:
        """Seconds from record to effect that 99 % of the effects stayed under."""
        return statistics.quantiles(self.lags, n=100)[98] if len(self.lags) > 1 else 0.0


class Soak:
    """One run; `events` are recorded and must have their effect once in each reader.

    Args:
        machine: the database and the broker.
        events: how many.
        seed: of all chance in it.
        strikes: what is struck, in turn; empty leaves everything in peace.
        every: seconds between two strikes.
    """

    def __init__(
        self, machine: Machine, events: int, *, seed: int, strikes: Sequence[str] = (), every: float = 2.0
    ) -> None:
        self._machine = machine
        self._chance = random.Random(seed)
        self._strikes = strikes
        self._every = every
        self._children: dict[str, asyncio.subprocess.Process] = {}
        self._line = Line(machine.port)
        self._url = ""
        self.report = Report(events)

    async def run(self) -> Report:
        """Run to the end and look at what is there."""
        self._url = await self._machine.new_database()
        await upgrade_all(self._url, dict.fromkeys(SCHEMAS, MIGRATIONS))
        await self._line.start()
        began = time.monotonic()
        for name in (f"{schema}-{number}" for schema in SCHEMAS for number in range(2)):
            await self._spawn(name)
        disturbing = asyncio.create_task(self._disturb())
        try:
            await self._record()
            disturbing.cancel()
            await asyncio.gather(disturbing, return_exceptions=True)
            await self._until_all_had_their_effect()
        finally:
            disturbing.cancel()
            self.report.seconds = time.monotonic() - began
            await self._end()
        await self._judge()
        return self.report

    async def _record(self) -> None:
        """Record all events, in batches; a batch whose commit is not known to have happened is looked for."""
        async with Database(self._url, schema="producer", pool_size=1) as database:
            for start in range(0, self.report.events, _BATCH):
                numbers = range(start, min(start + _BATCH, self.report.events))
                await self._keep_pace((numbers[-1] + 1) / self.report.events)
                while not await self._recorded(numbers[-1]):
                    await self._insist(lambda numbers=numbers: _record_batch(database, numbers))

    async def _keep_pace(self, progress: float) -> None:
        """Let the first round of strikes go along with the recording, so that each finds work under way."""
        while sum(self.report.struck.values()) < int(progress * len(self._strikes)):  # noqa: ASYNC110 # a count
            await asyncio.sleep(0.05)

    async def _recorded(self, number: int) -> bool:
        statement = "SELECT count(*) FROM producer.outbox WHERE event #>> '{data,name}' = $1 AND position > $2"
        return bool(await self._value(statement, str(number), number))

    async def _insist(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except (InfrastructureError, OSError):
            await asyncio.sleep(0.2)

    async def _value(self, statement: str, *facts: object) -> int:
        """Ask the database for a number, again and again while it is away."""
        while True:
            try:
                connection = await asyncpg.connect(plain_url(self._url))
                try:
                    return await connection.fetchval(statement, *facts)
                finally:
                    connection.terminate()
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(0.2)

    async def _until_all_had_their_effect(self) -> None:
        while True:
            counts = [await self._value(f"SELECT count(*) FROM {reader}.effects") for reader in READERS]
            waiting = await self._value("SELECT count(*) FROM producer.outbox WHERE published_at IS NULL")
            if min(counts) >= self.report.events and not waiting:
                return
            self._note_memory()
            await asyncio.sleep(0.5)

    async def _disturb(self) -> None:
        while self._strikes:
            for what in self._strikes:
                await asyncio.sleep(self._every * self._chance.uniform(0.5, 1.5))
                self._note_memory()
                await self._strike(what)
                self.report.struck[what] = self.report.struck.get(what, 0) + 1

    async def _strike(self, what: str) -> None:
        match what:
            case "relay" | "consumer":
                kind = [name for name in self._children if name.startswith("producer") == (what == "relay")]
                await self._kill_and_spawn(self._chance.choice(kind))
            case "network":
                self._line.cut()
            case _:
                self._machine.disturb(what)

    async def _kill_and_spawn(self, name: str) -> None:
        child = self._children.pop(name)
        child.send_signal(signal.SIGKILL)
        await child.wait()
        await self._spawn(name)

    async def _spawn(self, name: str) -> None:
        broker = self._machine.rabbitmq.url.replace(f":{self._machine.port}/", f":{self._line.port}/")
        self._children[name] = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.soak.deliver", name.partition("-")[0]),
            cwd=HERE,
            env={**os.environ, "SOAK_DATABASE": self._url, "SOAK_BROKER": broker},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    def _note_memory(self) -> None:
        for child in self._children.values():
            status = Path(f"/proc/{child.pid}/status")
            if status.exists():
                peak = next(
                    (line for line in status.read_text().splitlines() if line.startswith("VmHWM")), "VmHWM 0 kB"
                )
                self.report.memory = max(self.report.memory, int(peak.split()[1]) / 1024)

    async def _end(self) -> None:
        for child in self._children.values():
            child.kill()
            await child.wait()
        await self._line.stop()

    async def _judge(self) -> None:
        """Look for effects that are missing, doubled or out of order."""
        connection = await asyncpg.connect(plain_url(self._url))
        try:
            for reader in READERS:
                rows = await connection.fetch(f"SELECT subject, note FROM {reader}.effects ORDER BY position")
                self._judge_reader(reader, [(row["subject"], *row["note"].split()) for row in rows])
            dead = await connection.fetchval(
                "SELECT (SELECT count(*) FROM first.inbox WHERE state = 'dead')"
                " + (SELECT count(*) FROM second.inbox WHERE state = 'dead')"
            )
        finally:
            await connection.close()
        if dead:
            self.report.anomalies.append(f"{dead} dead letters")

    def _judge_reader(self, reader: str, effects: list[tuple[str, str, str]]) -> None:
        numbers = [int(number) for _, number, _ in effects]
        self.report.lags += [float(lag) for _, _, lag in effects]
        missing = self.report.events - len(set(numbers))
        if missing or len(numbers) != self.report.events:
            self.report.anomalies.append(f"{reader}: {missing} missing, {len(numbers) - len(set(numbers))} doubled")
        latest: dict[str, int] = {}
        disordered = 0
        for (subject, _, _), number in zip(effects, numbers, strict=True):
            disordered += number < latest.get(subject, -1)
            latest[subject] = number
        if disordered:
            self.report.anomalies.append(f"{reader}: {disordered} out of their subject's order")


async def _record_batch(database: Database, numbers: range) -> None:
    async with database.transaction() as session:
        await record_many(
            session,
            [
                (
                    f"s{number % SUBJECTS}",
                    UserRegistered(user_id=f"usr_{number}", email="a@example.com", name=str(number)),
                )
                for number in numbers
            ],
        )
