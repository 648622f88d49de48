"""What every transport of events promises; the suite runs on each of them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import telemetry
from kernel.database import Database, DatabaseUnavailableError, count_statements
from kernel.events.catalogue import CategoryChanged, UserProfileUpdated, UserRegistered
from kernel.events.consumers import Consumer, Handler
from kernel.events.delivery import Delivery, Room
from kernel.events.embedded import EmbeddedDelivery
from kernel.events.envelope import Event
from kernel.events.outbox import record, record_many
from tests.kernel.effects import effects, note_effect
from tests.kernel.transports import Transport, settled


def registered(number: int) -> UserRegistered:
    return UserRegistered(user_id=f"usr_{number}", email="a@example.com", name=f"n{number}")


def consumer(handler: Handler = note_effect, name: str = "noter", **options: Any) -> Consumer:
    options = {"first_backoff": 0.01, **options}
    return Consumer(name=name, subscriptions={"UserRegistered": handler}, **options)


async def inbox(database: Database) -> dict[str, Any]:
    async with database.session() as session:
        rows = await session.execute(text("SELECT state, count(*) AS count FROM inbox GROUP BY state"))
        return {row.state: row.count for row in rows}


async def publish(database: Database, *numbers: int, subject: str | None = None) -> None:
    async with database.transaction() as session:
        for number in numbers:
            await record(session, registered(number), subject=subject or f"usr_{number}")


@asynccontextmanager
async def running(*deliveries: Delivery) -> AsyncIterator[None]:
    for delivery in deliveries:
        await delivery.start()
    try:
        yield
    finally:
        for delivery in deliveries:
            await delivery.stop()


async def until(fact: Callable[[], Any], patience: float = 10.0) -> None:
    async with asyncio.timeout(patience):
        while not await fact():  # noqa: ASYNC110 # the fact is a row in a database
            await asyncio.sleep(0.005)


async def test_an_event_reaches_each_consumer_once(
    transport: Transport, producer: Database, first: Database, second: Database
):
    rooms = [Room(producer), Room(first, (consumer(name="a"), consumer(name="b"))), Room(second, (consumer(),))]
    await publish(producer, 1)
    assert await settled(transport, rooms) == 3
    assert await settled(transport, rooms) == 0
    assert await effects(first) == ["n1", "n1"]
    assert await effects(second) == ["n1"]


async def test_a_change_that_is_rolled_back_tells_nobody(transport: Transport, producer: Database, first: Database):
    rooms = [Room(producer), Room(first, (consumer(),))]
    with pytest.raises(RuntimeError):  # noqa: PT012 # the block is what is tested
        async with producer.transaction() as session:
            await record(session, registered(1), subject="usr_1")
            raise RuntimeError
    assert await settled(transport, rooms) == 0
    assert await effects(first) == []


async def test_only_subscribed_types_arrive(transport: Transport, producer: Database, first: Database):
    rooms = [Room(producer), Room(first, (consumer(),))]
    async with producer.transaction() as session:
        changed = CategoryChanged(category_id="cat_1", name="x", parent_id=None)
        await record_many(session, [("cat_1", changed), ("usr_7", registered(7))])
        assert await record_many(session, []) == []
    assert await settled(transport, rooms) == 1
    assert await effects(first) == ["n7"]


async def test_a_chain_over_two_subgraphs_takes_far_less_than_a_second(
    transport: Transport, producer: Database, first: Database, second: Database
):
    """The producer commits, the first consumer publishes in turn, the second one has it: all by wake-ups."""

    async def pass_on(event: Event, session: AsyncSession) -> None:
        updated = UserProfileUpdated(user_id=event.subject, email="", name=event.data.name)
        await record(session, updated, subject=event.subject)

    end = Consumer(name="end", subscriptions={"UserProfileUpdated": note_effect})
    rooms = [Room(producer), Room(first, (consumer(pass_on),)), Room(second, (end,))]
    took: list[float] = []
    async with running(transport.delivery(rooms, poll_every=60.0)):
        for number in range(5):
            await asyncio.sleep(0.05)
            started = time.perf_counter()
            await publish(producer, number)
            await until(lambda expected=number + 1: has_effects(second, expected))
            took.append(time.perf_counter() - started)
    assert min(took) < 0.25


async def has_effects(database: Database, count: int) -> bool:
    return len(await effects(database)) == count


async def test_what_fails_is_tried_again_with_its_effects_undone(
    transport: Transport, producer: Database, first: Database
):
    tries: list[str] = []

    async def flaky(event: Event, session: AsyncSession) -> None:
        await note_effect(event, session)
        tries.append(event.id)
        if len(tries) < 3:
            raise ConnectionError("away")

    async def done() -> bool:
        return (await inbox(first)).get("done") == 1

    async with running(transport.delivery([Room(producer), Room(first, (consumer(flaky),))])):
        await publish(producer, 1)
        await until(done)
    assert len(tries) == 3
    assert await effects(first) == ["n1"]


async def test_a_poison_event_becomes_a_dead_letter_and_blocks_only_its_subject_until_then(
    transport: Transport, producer: Database, first: Database
):
    async def picky(event: Event, session: AsyncSession) -> None:
        if event.data.name == "n1":
            raise ValueError("cannot stomach this")
        await note_effect(event, session)

    await publish(producer, 1, 2, subject="same")
    await publish(producer, 3, 4, subject="other")
    patient = consumer(picky, max_attempts=3, first_backoff=0.5)
    async with running(transport.delivery([Room(producer), Room(first, (patient,))])):
        await until(lambda: has_effects(first, 3))

    assert await effects(first) == ["n3", "n4", "n2"]
    async with first.session() as session:
        dead = (await session.execute(text("SELECT * FROM inbox WHERE state = 'dead'"))).one()
    assert dead.attempts == 3
    assert "ValueError: cannot stomach this" in dead.reason
    assert dead.settled_at is not None


async def test_an_event_that_the_catalogue_does_not_know_is_dead_at_once(
    transport: Transport, producer: Database, first: Database
):
    rooms = [Room(producer), Room(first, (consumer(),))]
    await publish(producer, 1)
    async with producer.transaction() as session:
        await session.execute(text("UPDATE outbox SET event = jsonb_set(event, '{data}', '{}')"))
    assert await settled(transport, rooms) == 1
    assert await inbox(first) == {"dead": 1}


async def test_a_handler_runs_under_the_events_correlation(transport: Transport, producer: Database, first: Database):
    seen: list[tuple[str, str, str]] = []

    async def look(event: Event, session: AsyncSession) -> None:
        updated = UserProfileUpdated(user_id="u", email="", name="")
        inner = await record(session, updated, subject="x")
        seen.append((telemetry.correlation_id(), inner.correlation_id, inner.causation_id))

    with telemetry.correlated("request-1"):
        await publish(producer, 1)
    await settled(transport, [Room(producer), Room(first, (consumer(look),))])
    async with producer.session() as session:
        event_id = (await session.execute(text("SELECT event_id FROM outbox"))).scalar_one()
    assert seen == [("request-1", "request-1", event_id)]


async def test_several_deliveries_share_the_work_and_keep_the_order_of_each_subject(
    transport: Transport, producer: Database, first: Database, sample_url: str
):
    async def slow(event: Event, session: AsyncSession) -> None:
        await asyncio.sleep(0.001)
        await note_effect(event, session)

    others = [(Database(sample_url, schema="producer"), Database(sample_url, schema="first")) for _ in range(2)]
    deliveries = [
        transport.delivery([Room(source), Room(target, (consumer(slow, concurrency=3),))], poll_every=0.2)
        for source, target in [(producer, first), *others]
    ]
    async with running(*deliveries):
        for number in range(120):
            await publish(producer, number, subject=f"s{number % 6}")
        await until(lambda: has_effects(first, 120))
    for databases in others:
        for database in databases:
            await database.close()

    assert_each_subject_in_order(await effects(first), list(range(120)), subjects=6)


async def test_delivery_comes_back_when_its_connections_are_cut(
    transport: Transport, producer: Database, first: Database
):
    async with running(transport.delivery([Room(producer), Room(first, (consumer(),))], poll_every=0.2)):
        await publish(producer, 1)
        await until(lambda: has_effects(first, 1))
        async with producer.session() as session:
            await session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                    " AND datname = current_database()"
                )
            )
        with suppress(DatabaseUnavailableError):
            await publish(producer, 2)
        await publish(producer, 3)

        async def third_arrived() -> bool:
            with suppress(DatabaseUnavailableError):
                return "n3" in await effects(first)
            return False

        await until(third_arrived)


@pytest.mark.parametrize("batch", [2, 7, 50])
async def test_batches_keep_the_order_of_each_subject_among_several_deliveries(
    transport: Transport, producer: Database, first: Database, sample_url: str, batch: int
):
    others = [(Database(sample_url, schema="producer"), Database(sample_url, schema="first")) for _ in range(2)]
    numbers = range(120)
    for number in numbers:
        await publish(producer, number, subject=f"s{number % 6}")
    deliveries = [
        transport.delivery([Room(source), Room(target, (consumer(concurrency=3, batch=batch),))], poll_every=0.2)
        for source, target in [(producer, first), *others]
    ]
    async with running(*deliveries):
        await until(lambda: has_effects(first, 120))
    for databases in others:
        for database in databases:
            await database.close()
    assert_each_subject_in_order(await effects(first), list(numbers), subjects=6)


async def test_one_that_fails_in_a_batch_does_so_alone(transport: Transport, producer: Database, first: Database):
    async def picky(event: Event, session: AsyncSession) -> None:
        await note_effect(event, session)
        if event.data.name == "n3":
            raise ValueError("cannot stomach this")

    await publish(producer, *range(8))
    in_batches = consumer(picky, batch=5, max_attempts=2)
    assert await settled(transport, [Room(producer), Room(first, (in_batches,))]) == 8
    assert sorted(await effects(first)) == [f"n{number}" for number in range(8) if number != 3]
    assert await inbox(first) == {"done": 7, "dead": 1}


async def test_a_batch_full_of_events_that_must_wait_holds_up_nobody_else(
    transport: Transport, producer: Database, first: Database
):
    """The first event of a subject waits for its second try, with more of the subject behind it than a batch holds."""

    async def picky(event: Event, session: AsyncSession) -> None:
        if event.data.name == "n0":
            raise ConnectionError("away")
        await note_effect(event, session)

    await publish(producer, *range(10), subject="blocked")
    await publish(producer, 77, subject="free")
    patient = consumer(picky, batch=3, max_attempts=2, first_backoff=60.0)
    async with running(transport.delivery([Room(producer), Room(first, (patient,))], poll_every=0.2)):
        await until(lambda: has_effects(first, 1))
    assert await effects(first) == ["n77"]


def assert_each_subject_in_order(notes: list[str], numbers: list[int], *, subjects: int) -> None:
    done = [int(note[1:]) for note in notes]
    assert sorted(done) == numbers
    for subject in range(subjects):
        assert [number for number in done if number % subjects == subject] == numbers[subject::subjects]


async def test_an_event_costs_a_fixed_number_of_statements(producer: Database, first: Database):
    delivery = EmbeddedDelivery([Room(producer), Room(first, (consumer(),))])
    totals: list[int] = []
    for count in (1, 1, 10):
        with count_statements(producer) as recorded:
            async with producer.transaction() as session:
                await record_many(session, [(f"s{n}", registered(n)) for n in range(count)])
        with count_statements(producer, first) as delivered:
            await delivery.drain()
        assert recorded.total == 1
        totals.append(delivered.total)
    assert totals[2] - totals[1] == 9 * 2  # the event is taken, and the handler's own
    assert totals[0] - totals[1] == 1  # what a worker finds when it comes: its attempt is counted apart


async def test_only_one_room_is_worked_for_when_told_so(producer: Database, first: Database, second: Database):
    rooms = [Room(producer), Room(first, (consumer(),)), Room(second, (consumer(),))]
    await publish(producer, 1)
    assert await EmbeddedDelivery(rooms, only="first").drain() == 0
    assert await EmbeddedDelivery(rooms, only="producer").drain() == 0
    assert await EmbeddedDelivery(rooms, only="first").drain() == 1
    assert await EmbeddedDelivery(rooms, only="second").drain() == 1


def test_a_consumer_of_an_unknown_event_cannot_be_described():
    with pytest.raises(ValueError, match="Nonsense"):
        Consumer(name="x", subscriptions={"Nonsense": note_effect})


def test_the_backoff_doubles_up_to_its_bound():
    patient = consumer(first_backoff=0.5, longest_backoff=3.0)
    assert [patient.backoff(n) for n in (1, 2, 3, 4, 50)] == [0.5, 1.0, 2.0, 3.0, 3.0]
