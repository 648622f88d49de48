"""Delivery is killed with -9 again and again in the middle of its work; every effect still happens once."""

import asyncio
import random
import signal
import sys
from pathlib import Path

from sqlalchemy import text

from kernel.database import Database
from kernel.events.catalogue import UserRegistered
from kernel.events.outbox import record

EVENTS = 300
SUBJECTS = 7


async def test_effects_happen_once_and_in_order_through_kills(
    producer: Database, first: Database, second: Database, sample_url: str
):
    chance = random.Random(7)
    script = str(Path(__file__).with_name("delivery_process.py"))
    root = Path(__file__).parents[2]
    publishing = asyncio.create_task(_publish(producer))
    kills = 0
    async with asyncio.timeout(90):
        while not (publishing.done() and await _count(first) == await _count(second) == EVENTS):
            child = await asyncio.create_subprocess_exec(
                sys.executable, script, sample_url, stdout=asyncio.subprocess.PIPE, env={"PYTHONPATH": str(root)}
            )
            await child.stdout.readline()
            await asyncio.sleep(chance.uniform(0.02, 0.25))
            child.send_signal(signal.SIGKILL)
            await child.wait()
            kills += 1
    await publishing
    assert kills >= 3
    for database in (first, second):
        done = await _effects(database)
        assert sorted(done) == list(range(EVENTS))
        for subject in range(SUBJECTS):
            of_subject = [number for number in done if number % SUBJECTS == subject]
            assert of_subject == sorted(of_subject)


async def _publish(database: Database) -> None:
    for number in range(EVENTS):
        payload = UserRegistered(user_id=f"usr_{number}", email="a@example.com", name=str(number))
        async with database.transaction() as session:
            await record(session, payload, subject=f"s{number % SUBJECTS}")
        await asyncio.sleep(0.002)


async def _count(database: Database) -> int:
    async with database.session() as session:
        return (await session.execute(text("SELECT count(*) FROM effects"))).scalar_one()


async def _effects(database: Database) -> list[int]:
    async with database.session() as session:
        rows = await session.execute(text("SELECT note FROM effects ORDER BY position"))
        return [int(note) for note in rows.scalars()]
