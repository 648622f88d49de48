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
from tests.kernel.effects import effects
from tests.kernel.transports import RabbitTransport, Transport

EVENTS = 300
KILLS = 6
SUBJECTS = 7


async def test_effects_happen_once_and_in_order_through_kills(
    transport: Transport, producer: Database, first: Database, second: Database, sample_url: str
):
    chance = random.Random(7)
    publishing = asyncio.create_task(_publish(producer))
    for _ in range(KILLS):
        child = await _deliver(sample_url, transport)
        await asyncio.sleep(chance.uniform(0.02, 0.25))
        child.send_signal(signal.SIGKILL)
        await child.wait()
    await publishing

    child = await _deliver(sample_url, transport)
    async with asyncio.timeout(60):
        while not await _count(first) == await _count(second) == EVENTS:  # noqa: ASYNC110 # rows of another process
            await asyncio.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    await child.wait()

    for database in (first, second):
        done = [int(note) for note in await effects(database)]
        assert sorted(done) == list(range(EVENTS))
        for subject in range(SUBJECTS):
            of_subject = [number for number in done if number % SUBJECTS == subject]
            assert of_subject == sorted(of_subject)


async def _deliver(url: str, transport: Transport) -> asyncio.subprocess.Process:
    """Start a process that delivers, and wait until it is at work."""
    script, root = Path(__file__).with_name("delivery_process.py"), Path(__file__).parents[2]
    broker = [transport.url] if isinstance(transport, RabbitTransport) else []
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(script), url, *broker, stdout=asyncio.subprocess.PIPE, env={"PYTHONPATH": str(root)}
    )
    assert child.stdout is not None
    await child.stdout.readline()
    return child


async def _publish(database: Database) -> None:
    for number in range(EVENTS):
        payload = UserRegistered(user_id=f"usr_{number}", email="a@example.com", name=str(number))
        async with database.transaction() as session:
            await record(session, payload, subject=f"s{number % SUBJECTS}")
        await asyncio.sleep(0.002)


async def _count(database: Database) -> int:
    async with database.session() as session:
        return (await session.execute(text("SELECT count(*) FROM effects"))).scalar_one()
