"""An event that kills whatever process handles it: it is buried in the end, and nothing else waits for it."""

import asyncio
import sys
from pathlib import Path

import pytest

from kernel.database import Database
from kernel.events.catalogue import UserRegistered
from kernel.events.dead_letters import dead_letters, retry_dead_letters
from kernel.events.outbox import record
from tests.kernel.effects import effects, note_effect
from tests.kernel.poison_process import ATTEMPTS, rooms
from tests.kernel.transports import EmbeddedTransport, settled

NAMES = ("before", "poison", "after", *(f"other-{number}" for number in range(8)))


async def publish(database: Database) -> None:
    """Three events of one subject, the second of them poison, and some of others."""
    async with database.transaction() as session:
        for name in NAMES:
            subject = name if name.startswith("other") else "same"
            await record(session, UserRegistered(user_id="usr_1", email="", name=name), subject=subject)


async def restart_until(done, url: str, batch: int) -> int:
    """Start the deadly process again whenever it has died, until something is so; tell how often it died."""
    script, root = Path(__file__).with_name("poison_process.py"), Path(__file__).parents[2]
    deaths = 0
    async with asyncio.timeout(60):
        while not await done():
            child = await asyncio.create_subprocess_exec(
                sys.executable, str(script), url, str(batch), env={"PYTHONPATH": str(root)}
            )
            while child.returncode is None and not await done():  # noqa: ASYNC110 # rows of another process
                await asyncio.sleep(0.05)
            if child.returncode is None:
                child.kill()
            else:
                deaths += 1
            await child.wait()
    return deaths


@pytest.mark.parametrize("batch", [1, 50])
async def test_an_event_that_kills_its_process_is_buried_and_blocks_nothing(
    producer: Database, first: Database, sample_url: str, batch: int
):
    await publish(producer)

    async def all_else_is_done() -> bool:
        return len(await effects(first)) == len(NAMES) - 1

    deaths = await restart_until(all_else_is_done, sample_url, batch)

    assert ATTEMPTS <= deaths <= ATTEMPTS + 1  # once more where a process met it on the swift way
    noted = await effects(first)
    assert sorted(noted) == sorted(set(NAMES) - {"poison"})
    assert noted.index("before") < noted.index("after")
    [letter] = await dead_letters(first)
    assert (letter.subject, letter.attempts) == ("same", ATTEMPTS)
    assert "The process ended while it handled this" in letter.reason
    assert letter.replay == f"storegraph events dead-letters --event {letter.event_id} --retry"


async def test_a_dead_letter_that_is_replayed_twice_has_its_effect_once(
    producer: Database, first: Database, sample_url: str
):
    async def refuse(event, session):
        raise ValueError(event.data.name)

    await publish(producer)
    world = rooms(sample_url, refuse, batch=1)
    await settled(EmbeddedTransport(), world)
    letters = await dead_letters(first)
    assert len(letters) == len(NAMES)
    assert sorted(each.reason.split()[-1] for each in letters) == sorted(NAMES)
    assert "raise ValueError(event.data.name)" in letters[0].reason

    mended = rooms(sample_url, note_effect, batch=1)
    for expected in (len(NAMES), 0):
        assert await retry_dead_letters(first) == expected
        await settled(EmbeddedTransport(), mended)
    assert sorted(await effects(first)) == sorted(NAMES)
    for room in (*world, *mended):
        await room.database.close()
