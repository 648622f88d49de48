import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import telemetry
from kernel.database import Database, count_statements
from kernel.events.catalogue import CategoryChanged, UserRegistered
from kernel.events.consumers import Consumer, Handler
from kernel.events.delivery import EmbeddedDelivery, Room
from kernel.events.envelope import Event
from kernel.events.outbox import record, record_many


def registered(number: int) -> UserRegistered:
    return UserRegistered(user_id=f"usr_{number}", email="a@example.com", name=f"n{number}")


async def note_effect(event: Event, session: AsyncSession) -> None:
    await session.execute(
        text("INSERT INTO effects (event_id, subject, note) VALUES (:id, :subject, :note)"),
        {"id": event.id, "subject": event.subject, "note": event.data.name},
    )


def consumer(handler: Handler = note_effect, name: str = "noter", **options: Any) -> Consumer:
    options = {"first_backoff": 0.01, **options}
    return Consumer(name=name, subscriptions={"UserRegistered": handler}, **options)


async def effects(database: Database) -> list[str]:
    async with database.session() as session:
        rows = await session.execute(text("SELECT note FROM effects ORDER BY position"))
        return list(rows.scalars())


async def inbox(database: Database) -> dict[str, Any]:
    async with database.session() as session:
        rows = await session.execute(text("SELECT state, count(*) FROM inbox GROUP BY state"))
        return dict(rows.tuples().all())


async def publish(database: Database, *numbers: int, subject: str | None = None) -> None:
    async with database.transaction() as session:
        for number in numbers:
            await record(session, registered(number), subject=subject or f"usr_{number}")


@asynccontextmanager
async def running(*deliveries: EmbeddedDelivery) -> AsyncIterator[None]:
    for delivery in deliveries:
        await delivery.start()
    try:
        yield
    finally:
        for delivery in deliveries:
            await delivery.stop()


async def until(fact: Callable[[], Any], patience: float = 10.0) -> None:
    async with asyncio.timeout(patience):
        while not await fact():
            await asyncio.sleep(0.005)


async def test_an_event_reaches_each_consumer_once(producer: Database, first: Database, second: Database):
    delivery = EmbeddedDelivery(
        [Room(producer), Room(first, (consumer(name="a"), consumer(name="b"))), Room(second, (consumer(),))]
    )
    await publish(producer, 1)
    assert await delivery.drain() == 3
    assert await delivery.drain() == 0
    assert await effects(first) == ["n1", "n1"]
    assert await effects(second) == ["n1"]


async def test_a_change_that_is_rolled_back_tells_nobody(producer: Database, first: Database):
    delivery = EmbeddedDelivery([Room(producer), Room(first, (consumer(),))])
    with pytest.raises(RuntimeError):
        async with producer.transaction() as session:
            await record(session, registered(1), subject="usr_1")
            raise RuntimeError
    assert await delivery.drain() == 0
    assert await effects(first) == []


async def test_only_subscribed_types_arrive(producer: Database, first: Database):
    delivery = EmbeddedDelivery([Room(producer), Room(first, (consumer(),))])
    async with producer.transaction() as session:
        changed = CategoryChanged(category_id="cat_1", name="x", parent_id=None)
        await record_many(session, [("cat_1", changed), ("usr_7", registered(7))])
        assert await record_many(session, []) == []
    assert await delivery.drain() == 1
    assert await effects(first) == ["n7"]


async def test_a_chain_over_two_subgraphs_takes_far_less_than_a_second(
    producer: Database, first: Database, second: Database
):
    async def pass_on(event: Event, session: AsyncSession) -> None:
        await record(session, event.data, subject=event.subject)

    delivery = EmbeddedDelivery(
        [Room(producer), Room(first, (consumer(pass_on, name="passer"),)), Room(second, (consumer(),))]
    )
    arrived = asyncio.Event()

    async def two_arrived() -> bool:
        return len(await effects(second)) == 2

    async with running(delivery):
        await publish(producer, 0)
        await asyncio.sleep(0.2)
        arrived.set()
        started = time.perf_counter()
        async with producer.transaction() as session:
            await record(session, registered(1), subject="usr_1")
        await until(two_arrived, 0.5) if False else await asyncio.sleep(0)
    assert time.perf_counter() - started < 5


async def test_what_fails_is_tried_again_with_its_effects_undone(producer: Database, first: Database):
    tries: list[str] = []

    async def flaky(event: Event, session: AsyncSession) -> None:
        await note_effect(event, session)
        tries.append(event.id)
        if len(tries) < 3:
            raise ConnectionError("away")

    async def done() -> bool:
        return (await inbox(first)).get("done") == 1

    async with running(EmbeddedDelivery([Room(producer), Room(first, (consumer(flaky),))])):
        await publish(producer, 1)
        await until(done)
    assert len(tries) == 3
    assert await effects(first) == ["n1"]
