"""The users subgraph on real PostgreSQL and Valkey, spoken to through its schema."""

from __future__ import annotations

import itertools
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from kernel.calls import InProcessCalls
from kernel.database import Counted, Database, count_statements
from kernel.events.embedded import EmbeddedDelivery
from kernel.identity import ANONYMOUS, Caller
from kernel.sealing import mail_key, unseal
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from kernel.testing import FixedClock
from subgraphs.users.app import build
from subgraphs.users.domain.roles import Role, scopes_of
from subgraphs.users.service import UsersService
from subgraphs.users.settings import UsersSettings
from tests.servers import ValkeyForTests

PASSWORD = "correct horse battery"
KINDS = (("admin", {"admin"}), ("staff", {"staff", "support"}), ("vendor", {"vendor"}))

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

    @property
    def service(self) -> UsersService:
        """The use cases, for what has no field in the schema."""
        return self.subgraph.make_context(ANONYMOUS).service

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

    async def log_in_as(self, caller: Caller) -> Caller:
        """Let a caller use a session of their own, as the router would tell it."""
        claims = jwt.decode((await self.log_in(caller.email or ""))["accessToken"], options={"verify_signature": False})
        return replace(caller, session=claims["sid"])

    async def promote(self, caller: Caller, *roles: str) -> Caller:
        """Give a caller roles, and a session in which they count."""
        async with self.subgraph.database.transaction() as session:
            given = {"roles": ["customer", *roles], "id": caller.id}
            await session.execute(text("UPDATE users SET roles = :roles WHERE id = :id"), given)
        kind: Any = next((kind for kind, some in KINDS if not some.isdisjoint(roles)), "customer")
        scopes = scopes_of(map(Role, roles))
        return replace(await self.log_in_as(caller), kind=kind, roles=frozenset(roles), scopes=scopes)

    async def administrator(self) -> Caller:
        """An administrator who has just logged in."""
        return await self.promote(await self.register(), "admin")

    async def log_in(self, email: str, password: str = PASSWORD) -> dict[str, Any]:
        """Try to log in; give the payload."""
        return (await self.ask(LOGIN, email=email, password=password))["userLogin"]

    async def mails(self) -> list[tuple[str, str, str]]:
        """Open the account mails that are due, oldest first: topic, address, secret."""
        due = await self.rows(
            "SELECT event -> 'data' AS data FROM outbox WHERE type = 'AccountMailDue' ORDER BY position"
        )
        key = mail_key(self.settings)
        return [
            (
                data["topic"],
                data["email"],
                data["sealed_secret"]
                and unseal(key, b64decode(data["sealed_secret"]), context=data["user_id"]).decode(),
            )
            for data in (row["data"] for row in due)
        ]

    async def secret(self, topic: str) -> str:
        """Give the secret of the newest mail about something."""
        return next(secret for each, _, secret in reversed(await self.mails()) if each == topic)

    async def deliver(self) -> None:
        """Let the subgraph handle the events that it sent itself."""
        await EmbeddedDelivery([self.subgraph.room]).drain()

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
    own = UsersSettings(bcrypt_rounds=4, password_threads=2, discreet_registration=False)
    parts = Parts(
        database=Database(settings.database_url, schema="users"), calls=InProcessCalls("users", {}), clock=clock
    )
    subgraph = build(settings, parts, own)
    async with subgraph.database.transaction() as session:
        await session.execute(text("TRUNCATE users, outbox, inbox, access_log, data_requests CASCADE"))
    yield World(subgraph, settings, own, clock)
    await subgraph.close()
