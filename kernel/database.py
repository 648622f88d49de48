"""A subgraph's own room in PostgreSQL: one engine bound to one schema, short transactions, counted statements.

Round trips are what a resolver pays for, so: statements are prepared once per connection (asyncpg does that),
connections are not pinged before use (a broken one raises a retryable error and is replaced), and reads run
in autocommit, which saves the BEGIN and the ROLLBACK around each of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, Self

import orjson
from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from kernel.errors import InfrastructureError, InvalidInputError
from kernel.tracing import watch_statements

_PATIENCE: Final = 10.0
"""Seconds to wait for a connection when all are in use."""

_UNSTORABLE: Final = frozenset({"22021", "22P05"})
"""SQLSTATEs of text that PostgreSQL cannot hold; only a client can have sent it."""


class DatabaseUnavailableError(InfrastructureError):
    """PostgreSQL cannot be reached or dropped the connection; the same call may succeed later."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


_open_transaction: ContextVar[bool] = ContextVar("open_transaction", default=False)


def in_transaction() -> bool:
    """Tell whether the current task holds a transaction open; then it must not wait for the network."""
    return _open_transaction.get()


@dataclass(slots=True)
class Counted:
    """The statements that were sent while they were being counted."""

    statements: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many statements were sent."""
        return len(self.statements)


class Database:
    """One subgraph's schema in one PostgreSQL database."""

    def __init__(self, url: str, *, schema: str, pool_size: int = 5, max_overflow: int = 10) -> None:
        self.url = async_url(url)
        self.schema = schema
        self.engine = create_async_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=max_overflow,
            pool_timeout=_PATIENCE,
            pool_use_lifo=True,  # the connection used last has its statements and PostgreSQL's caches warm
            hide_parameters=True,  # they may be personal data, and errors end up in logs
            json_serializer=_to_json,
            json_deserializer=orjson.loads,
            connect_args={
                "server_settings": {
                    "search_path": schema,
                    "application_name": f"storegraph:{schema}",
                    "jit": "off",
                    "timezone": "UTC",
                }
            },
        )
        watch_statements(self.engine.sync_engine, schema)
        self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession]:
        """Open a transaction: committed when the block ends, rolled back when it raises."""
        async with (
            self._connected(self.engine) as connection,
            AsyncSession(connection, expire_on_commit=False) as session,
            session.begin(),
        ):
            outer = _open_transaction.set(True)
            try:
                yield session
            finally:
                _open_transaction.reset(outer)

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncSession]:
        """Open a session for reads; each statement sees the latest committed state."""
        async with (
            self._connected(self._reading) as connection,
            AsyncSession(connection, expire_on_commit=False, autoflush=False) as session,
        ):
            yield session

    @asynccontextmanager
    async def _connected(self, engine: AsyncEngine) -> AsyncGenerator[AsyncConnection]:
        """Take a connection, and tell its loss as an error of ours; what the block itself raises stays as it is."""
        try:
            connection = await engine.connect()
        except (OSError, TimeoutError, PoolTimeoutError, DBAPIError) as error:
            raise DatabaseUnavailableError(f"PostgreSQL is not reachable: {type(error).__name__}.") from error
        try:
            yield connection
        except DBAPIError as error:
            if error.connection_invalidated:
                raise DatabaseUnavailableError("The connection to PostgreSQL was lost.") from error
            if getattr(error.orig, "sqlstate", None) in _UNSTORABLE:
                raise InvalidInputError("Text must not hold NUL characters.") from error
            raise
        finally:
            # Shielded, so that a second cancellation cannot keep the connection from its pool.
            await asyncio.shield(connection.close())

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()


@contextmanager
def count_statements(*databases: Database) -> Generator[Counted]:
    """Record every statement that is sent to these databases inside the block."""
    counted = Counted()

    def listen(
        _connection: Connection,
        _cursor: DBAPICursor,
        statement: str,
        _parameters: Any,
        _context: ExecutionContext | None,
        _many: bool,
    ) -> None:
        counted.statements.append(statement)

    for database in databases:
        event.listen(database.engine.sync_engine, "before_cursor_execute", listen)
    try:
        yield counted
    finally:
        for database in databases:
            event.remove(database.engine.sync_engine, "before_cursor_execute", listen)


def constraint_name(error: IntegrityError) -> str | None:
    """Name the constraint that was violated, so that it can be told as a domain error."""
    cause = error.orig.__cause__ if error.orig is not None else None
    name = getattr(cause, "constraint_name", None)
    return name if isinstance(name, str) else None


def async_url(url: str) -> str:
    """Spell a PostgreSQL URL so that SQLAlchemy uses asyncpg for it."""
    scheme, separator, rest = url.partition("://")
    if scheme not in {"postgresql", "postgres", "postgresql+asyncpg"} or not separator:
        raise InfrastructureError("The database URL must start with postgresql://.")
    return f"postgresql+asyncpg://{rest}"


def plain_url(url: str) -> str:
    """Spell a PostgreSQL URL as libpq and bare asyncpg read it."""
    return async_url(url).replace("+asyncpg", "", 1)


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()
