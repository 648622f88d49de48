"""What only a broker can do to events: be away, be killed, and hold what is no event."""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import aio_pika
import pytest
from sqlalchemy import text

from kernel.database import Database
from kernel.events.catalogue import UserRegistered
from kernel.events.consumers import Consumer
from kernel.events.delivery import Room
from kernel.events.outbox import record
from kernel.events.rabbitmq import RabbitDelivery
from kernel.events.rabbitmq.topology import DEAD_LETTERS, queue_name
from runtime.ports import free_port
from runtime.stack.debian import missing
from runtime.stack.rabbitmq import start_rabbitmq
from tests.kernel.effects import effects, note_effect
from tests.kernel.transports import RabbitTransport

NOTER = Consumer(name="noter", subscriptions={"UserRegistered": note_effect})


async def publish(database: Database, *names: str) -> None:
    async with database.transaction() as session:
        for name in names:
            await record(session, UserRegistered(user_id="usr_1", email="a@example.com", name=name), subject="usr_1")


async def until_noted(database: Database, *expected: str) -> None:
    async with asyncio.timeout(60):
        while await effects(database) != list(expected):  # noqa: ASYNC110 # rows in a database
            await asyncio.sleep(0.02)


@pytest.fixture
def broker_folder(server_folder: Path) -> Iterator[Path]:
    if missing(["rabbitmq-server"]):
        pytest.skip("RabbitMQ is not installed (apt-get install rabbitmq-server)")
    folder = server_folder / "own-broker"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


async def test_events_wait_for_a_broker_that_is_killed_and_those_inside_survive_it(
    broker_folder: Path, producer: Database, first: Database
):
    port = free_port()
    broker = start_rabbitmq(broker_folder, port=port)
    rooms = [Room(producer), Room(first, (NOTER,))]
    sender = RabbitDelivery(rooms, url=broker.url, only="producer", poll_every=0.2)
    receiver = RabbitDelivery(rooms, url=broker.url, only="first", poll_every=0.2)
    try:
        await sender.start()
        await publish(producer, "inside the broker")
        await until_published(producer)
        await until_on_disk(broker_folder, queue_name(NOTER))
        os.killpg(broker.pid, signal.SIGKILL)
        await publish(producer, "while it is away")
        broker.stop()
        broker = start_rabbitmq(broker_folder, port=port)
        await receiver.start()
        await until_noted(first, "inside the broker", "while it is away")
    finally:
        await sender.stop()
        await receiver.stop()
        broker.stop()


async def until_on_disk(folder: Path, queue: str) -> None:
    """RabbitMQ writes the names of quorum queues half a second late; killed before, it never opens them again."""
    async with asyncio.timeout(20):
        while not _on_disk(folder, queue):  # noqa: ASYNC110 # the fact is a file
            await asyncio.sleep(0.05)


def _on_disk(folder: Path, queue: str) -> bool:
    return any(queue.encode() in path.read_bytes() for path in folder.rglob("names.dets"))


async def until_published(database: Database) -> None:
    async with asyncio.timeout(60):
        while True:
            async with database.session() as session:
                waiting = text("SELECT count(*) FROM outbox WHERE published_at IS NULL")
                if (await session.execute(waiting)).scalar_one() == 0:
                    return
            await asyncio.sleep(0.02)


async def test_an_event_waits_for_a_consumer_that_was_never_up(rabbitmq: str, producer: Database, first: Database):
    transport = RabbitTransport(rabbitmq)
    rooms = [Room(producer), Room(first, (NOTER,))]
    sender = transport.delivery(rooms, only="producer")
    await sender.start()
    await publish(producer, "early")
    await until_published(producer)
    await sender.stop()

    receiver = transport.delivery(rooms, only="first")
    await receiver.start()
    await until_noted(first, "early")
    await receiver.stop()
    await transport.clear()


async def test_what_is_no_event_becomes_a_dead_letter_and_holds_up_nothing(
    rabbitmq: str, producer: Database, first: Database
):
    transport = RabbitTransport(rabbitmq)
    delivery = transport.delivery([Room(producer), Room(first, (NOTER,))])
    await delivery.start()
    async with await aio_pika.connect(rabbitmq) as connection:
        channel = await connection.channel()
        for body in (b"\xff", b"[]", b'{"id": 7}', b"{}"):
            await channel.default_exchange.publish(aio_pika.Message(body), queue_name(NOTER))
        await publish(producer, "good")
        await until_noted(first, "good")
        dead = await channel.get_queue(DEAD_LETTERS)
        bodies = [(await dead.get(timeout=5)).body for _ in range(4)]
    assert bodies == [b"\xff", b"[]", b'{"id": 7}', b"{}"]
    await delivery.stop()
    await transport.clear()
