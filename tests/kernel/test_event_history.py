"""Replay, dead letters and retention, on real tables."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.database import Database
from kernel.events.catalogue import UserRegistered
from kernel.events.consumers import Consumer
from kernel.events.dead_letters import dead_letters, discard_dead_letters, retry_dead_letters
from kernel.events.delivery import Room
from kernel.events.embedded import EmbeddedDelivery
from kernel.events.envelope import Event
from kernel.events.history import last_position, recorded, replay
from kernel.events.outbox import record
from kernel.events.retention import forget_delivered
from tests.kernel.effects import effects, note_effect

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


async def refuse(event: Event, _session: AsyncSession) -> None:
    raise ValueError(f"cannot stomach {event.subject}")


def consumer(handler=note_effect, **options) -> Consumer:
    return Consumer(name="noter", subscriptions={"UserRegistered": handler}, **options)


async def publish(database: Database, *numbers: int) -> None:
    async with database.transaction() as session:
        for number in numbers:
            payload = UserRegistered(user_id=f"usr_{number}", email="a@example.com", name=f"n{number}")
            await record(session, payload, subject=f"usr_{number}")


async def deliver(producer: Database, *rooms: Room) -> int:
    return await EmbeddedDelivery([Room(producer), *rooms]).drain()


async def test_an_outbox_is_read_in_its_order_and_by_type_subject_and_place(producer: Database):
    await publish(producer, 1, 2, 3)
    subjects = [event["subject"] async for _, event in recorded(producer, since=LONG_AGO)]
    one = [event["subject"] async for _, event in recorded(producer, since=LONG_AGO, subject="usr_2")]
    other = [event async for _, event in recorded(producer, since=LONG_AGO, types=["OrderPlaced"])]
    after = [event async for _, event in recorded(producer, since=LONG_AGO, after=await last_position(producer))]
    assert subjects == ["usr_1", "usr_2", "usr_3"]
    assert one == ["usr_2"]
    assert other == after == []
    assert [event async for _, event in recorded(producer, since=datetime.now(UTC) + timedelta(hours=1))] == []


async def test_a_new_consumer_gets_what_was_published_before_it_was_there(producer: Database, first: Database):
    await publish(producer, 1, 2)
    await deliver(producer)
    assert await replay([producer], first, consumer(), since=LONG_AGO) == 2
    assert await deliver(producer, Room(first, (consumer(),))) == 2
    assert await effects(first) == ["n1", "n2"]


@pytest.mark.parametrize(("again", "expected"), [(False, ["n1"]), (True, ["n1", "n1"])])
async def test_what_was_handled_is_handled_again_only_on_demand(
    producer: Database, first: Database, again: bool, expected: list[str]
):
    await publish(producer, 1)
    room = Room(first, (consumer(),))
    await deliver(producer, room)
    await replay([producer], first, consumer(), since=LONG_AGO, again=again)
    await deliver(producer, room)
    assert await effects(first) == expected


async def test_dead_letters_are_told_tried_again_and_given_up(producer: Database, first: Database):
    await publish(producer, 1, 2)
    await deliver(producer, Room(first, (consumer(refuse, max_attempts=1),)))
    letters = await dead_letters(first)
    assert [(letter.consumer, letter.subject, letter.attempts) for letter in letters] == [
        ("noter", "usr_1", 1),
        ("noter", "usr_2", 1),
    ]
    assert "cannot stomach usr_1" in letters[0].reason
    assert await dead_letters(first, "another") == []

    assert await retry_dead_letters(first, event_id=letters[0].event_id) == 1
    assert await deliver(producer, Room(first, (consumer(),))) == 1
    assert await effects(first) == ["n1"]

    assert await discard_dead_letters(first, "noter") == 1
    assert await dead_letters(first) == []
    assert await deliver(producer, Room(first, (consumer(),))) == 0


async def test_what_was_delivered_long_ago_is_forgotten_and_nothing_else(producer: Database, first: Database):
    room = Room(first, (consumer(),))
    await publish(producer, 1)
    await deliver(producer, room)
    for database in (producer, first):
        async with database.transaction() as session:
            await session.execute(text("UPDATE outbox SET published_at = published_at - interval '31 days'"))
            await session.execute(text("UPDATE inbox SET settled_at = settled_at - interval '31 days'"))
    await publish(producer, 2)
    await deliver(producer, room)
    await publish(producer, 3)

    assert await forget_delivered(producer) == 1
    assert await forget_delivered(first) == 1
    assert await forget_delivered(producer) == await forget_delivered(first) == 0
    await deliver(producer, room)
    assert await effects(first) == ["n1", "n2", "n3"]


async def test_dead_letters_are_not_forgotten(producer: Database, first: Database):
    await publish(producer, 1)
    await deliver(producer, Room(first, (consumer(refuse, max_attempts=1),)))
    async with first.transaction() as session:
        await session.execute(text("UPDATE inbox SET settled_at = settled_at - interval '400 days'"))
    assert await forget_delivered(first) == 0
    assert len(await dead_letters(first)) == 1
