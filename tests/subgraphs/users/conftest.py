"""The users subgraph on real PostgreSQL and Valkey, spoken to through its schema."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from kernel.calls import InProcessCalls
from kernel.database import Counted, Database, count_statements
from kernel.identity import ANONYMOUS, Caller
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from kernel.testing import FixedClock
from subgraphs.users.app import build
from subgraphs.users.settings import UsersSettings
from tests.servers import ValkeyForTests

PASSWORD = "correct horse battery"

REGISTER = """
mutation($input: UserRegisterInput!) {
  userRegister(input: $input) { user { id email name roles } errors { __typename code message path } }
}"""

LOGIN = """
mutation($email: String!, $password: String!) {
  userLogin(email: $email, password: $password) {
    accessToken refreshToken expiresIn user { id email }
    errors { __typename code message path ... on RateLimitedError { retryAfter } }
  }
}"""

_numbers = itertools.count(1)


@dataclass
class World:
    """The subgraph with a clock that its test moves."""

    subgraph: Subgraph
    settings: Settings
    own: UsersSettings
    clock: FixedClock
    counted: Counted = field(default_factory=Counted)

    async def ask(self, document: str, caller: Caller = ANONYMOUS, **variables: Any) -> dict[str, Any]:
        """Run a document that must succeed; give its data."""
        result = await self.subgraph.executor.execute(document, variables, caller=caller)
        assert not result.errors, result.errors
        assert result.data is not None
        return result.data

    async def refused(self, document: str, caller: Caller = ANONYMOUS, **variables: Any) -> list[str]:
        """Run a document that must fail at the top level; give the codes."""
        result = await self.subgraph.executor.execute(document, variables, caller=caller)
        return [error["extensions"]["code"] for error in result.errors]

    async def statements(self, document: str, caller: Caller, **variables: Any) -> int:
        """Count the statements of a document that must succeed."""
        with count_statements(self.subgraph.database) as counted:
            await self.ask(document, caller, **variables)
        return counted.total

    async def register(self, email: str | None = None, name: str = "Ada Lovelace") -> Caller:
        """Open an account; give its owner as a caller."""
        email = email or f"user{next(_numbers)}@example.com"
        data = await self.ask(REGISTER, input={"email": email, "password": PASSWORD, "name": name})
        assert data["userRegister"]["errors"] == []
        return Caller(
            id=data["userRegister"]["user"]["id"], kind="customer", roles=frozenset({"customer"}), email=email
        )

    async def log_in(self, email: str, password: str = PASSWORD) -> dict[str, Any]:
        """Try to log in; give the payload."""
        return (await self.ask(LOGIN, email=email, password=password))["userLogin"]

    async def rows(self, query: str) -> list[dict[str, Any]]:
        """Read rows by SQL."""
        async with self.subgraph.database.engine.connect() as connection:
            return [dict(row) for row in (await connection.exec_driver_sql(query)).mappings()]


@pytest.fixture(scope="session")
async def users_url(make_database: Callable[..., Awaitable[str]]) -> str:
    """The database that the tests of a process use one after the other."""
    return await make_database("users")


@pytest.fixture
async def world(users_url: str, valkey: ValkeyForTests, clock: FixedClock, tmp_path: Path) -> AsyncIterator[World]:
    """A users subgraph with nobody in it."""
    async with Redis.from_url(valkey.url) as redis:
        await redis.flushall()
    settings = Settings(data_dir=tmp_path, database_url=users_url, redis_url=valkey.url)
    own = UsersSettings(bcrypt_rounds=4, password_threads=2)
    parts = Parts(
        database=Database(settings.database_url, schema="users"), calls=InProcessCalls("users", {}), clock=clock
    )
    subgraph = build(settings, parts, own)
    async with subgraph.database.transaction() as session:
        await session.execute(text("TRUNCATE users, outbox, inbox CASCADE"))
    yield World(subgraph, settings, own, clock)
    await subgraph.close()
