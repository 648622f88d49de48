"""Fixtures for all tests: one real PostgreSQL and one real Valkey per test process, fresh databases from it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

import subgraphs
from kernel.testing import FixedClock, PostgresForTests, ValkeyForTests

MakeDatabase = Callable[..., Awaitable[str]]


@pytest.fixture(scope="session")
async def postgres() -> AsyncIterator[PostgresForTests]:
    """A PostgreSQL server that lives as long as the test process."""
    server = await PostgresForTests.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def valkey() -> Iterator[ValkeyForTests]:
    """A Valkey server that lives as long as the test process."""
    server = ValkeyForTests()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def make_database(postgres: PostgresForTests) -> MakeDatabase:
    """Make a fresh database with these subgraphs migrated: `url = await make_database("orders")`."""
    root = Path(subgraphs.__file__).parent

    async def make(*names: str) -> str:
        return await postgres.database({name: root / name / "migrations" for name in names})

    return make


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still."""
    return FixedClock()
