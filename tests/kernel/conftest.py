"""Fixtures of the kernel's tests: schemas with an outbox, an inbox and a table that shows effects."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kernel.database import Database
from tests.kernel.transports import EmbeddedTransport, RabbitTransport, Transport
from tests.servers import PostgresForTests

SAMPLE = Path(__file__).parent / "sample_migrations"


@pytest.fixture
async def sample_url(postgres: PostgresForTests) -> str:
    """A fresh database with a producing schema and two consuming ones."""
    return await postgres.database({"producer": SAMPLE, "first": SAMPLE, "second": SAMPLE})


@pytest.fixture
async def producer(sample_url: str) -> AsyncIterator[Database]:
    async with Database(sample_url, schema="producer") as database:
        yield database


@pytest.fixture
async def first(sample_url: str) -> AsyncIterator[Database]:
    async with Database(sample_url, schema="first") as database:
        yield database


@pytest.fixture
async def second(sample_url: str) -> AsyncIterator[Database]:
    async with Database(sample_url, schema="second") as database:
        yield database


@pytest.fixture(params=["embedded", "rabbitmq"])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    """Each transport of events in turn."""
    made = EmbeddedTransport() if request.param == "embedded" else RabbitTransport(request.getfixturevalue("rabbitmq"))
    yield made
    await made.clear()
