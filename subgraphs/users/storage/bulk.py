"""Many accounts at once by COPY: for demo data and imports. Publishes no events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

_SCHEMA: Final = "users"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    """An account; `email` is lower case already."""

    id: str
    email: str
    name: str
    created_at: datetime
    roles: tuple[str, ...] = ("customer",)
    phone: str | None = None
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRow:
    """An entry of somebody's address book."""

    id: str
    user_id: str
    name: str
    line1: str
    city: str
    postal_code: str
    country: str
    line2: str = ""
    region: str = ""
    phone: str | None = None
    is_default_shipping: bool = True
    is_default_billing: bool = True


async def copy(
    connection: asyncpg.Connection,
    *,
    users: Iterable[UserRow],
    addresses: Iterable[AddressRow],
    password_hash: str,
) -> None:
    """Store accounts that all have one password, and their addresses."""
    people = list(users)
    await _copy(
        connection,
        "users",
        "id email name phone language roles created_at updated_at",
        ((u.id, u.email, u.name, u.phone, u.language, u.roles, u.created_at, u.created_at) for u in people),
    )
    await _copy(
        connection,
        "credentials",
        "user_id password_hash changed_at",
        ((u.id, password_hash, u.created_at) for u in people),
    )
    columns = "id user_id name line1 line2 city region postal_code country phone is_default_shipping is_default_billing"
    rows = (tuple(getattr(address, column) for column in columns.split()) for address in addresses)
    await _copy(connection, "addresses", columns, rows)


async def _copy(connection: asyncpg.Connection, table: str, columns: str, rows: Iterable[tuple[object, ...]]) -> None:
    await connection.copy_records_to_table(table, schema_name=_SCHEMA, columns=columns.split(), records=rows)
