"""Many accounts at once: by COPY for demo data and imports, which publishes no events; sealing of older rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from kernel.database import plain_url
from subgraphs.users.storage.personal import DataKey, PersonalKeys

_SCHEMA: Final = "users"
_SEALED: Final = ("name", "line1", "line2", "city", "region", "postal_code", "country", "phone")


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
    keys: PersonalKeys,
    users: Iterable[UserRow],
    addresses: Iterable[AddressRow],
    password_hash: str,
) -> None:
    """Store accounts that all have one password, with verified e-mail addresses, and their postal addresses."""
    people = list(users)
    owned = {user.id: keys.make(user.id) for user in people}
    await _copy(
        connection,
        "users",
        "id data_key personal email_index search_tokens language roles created_at updated_at email_verified_at",
        (
            (
                user.id,
                owned[user.id].wrapped,
                owned[user.id].seal("users", {"email": user.email, "name": user.name, "phone": user.phone}),
                keys.email_index(user.email),
                keys.search_tokens(email=user.email, name=user.name),
                user.language,
                user.roles,
                *(user.created_at,) * 3,
            )
            for user in people
        ),
    )
    await _copy(
        connection,
        "credentials",
        "user_id password_hash changed_at",
        ((u.id, password_hash, u.created_at) for u in people),
    )
    rows = (
        (
            address.id,
            address.user_id,
            owned[address.user_id].seal("addresses", {field: getattr(address, field) for field in _SEALED}),
            address.is_default_shipping,
            address.is_default_billing,
        )
        for address in addresses
    )
    await _copy(connection, "addresses", "id user_id personal is_default_shipping is_default_billing", rows)


async def seal_older_rows(database_url: str, keys: PersonalKeys) -> int:
    """Seal what an earlier version stored in the clear; tell how many accounts that were.

    Run before anything is served. Stopped anywhere, it goes on with the rest.
    """
    connection = await asyncpg.connect(plain_url(database_url))
    try:
        sealed = 0
        while portion := await _seal_portion(connection, keys):
            sealed += portion
        return sealed
    finally:
        await connection.close()


async def _seal_portion(connection: asyncpg.Connection, keys: PersonalKeys) -> int:
    async with connection.transaction():
        rows = await connection.fetch(
            f"SELECT id, email, name, phone FROM {_SCHEMA}.users WHERE data_key IS NULL LIMIT 500 FOR UPDATE"  # noqa: S608
        )
        for row in rows:
            key = keys.make(row["id"])
            await connection.execute(
                f"UPDATE {_SCHEMA}.users SET data_key = $2, personal = $3, email_index = $4, search_tokens = $5,"  # noqa: S608
                " email = NULL, name = NULL, phone = NULL WHERE id = $1",
                row["id"],
                key.wrapped,
                key.seal("users", {field: row[field] for field in ("email", "name", "phone")}),
                keys.email_index(row["email"]),
                keys.search_tokens(email=row["email"], name=row["name"]),
            )
            await _seal_addresses(connection, key)
        return len(rows)


async def _seal_addresses(connection: asyncpg.Connection, key: DataKey) -> None:
    cleared = ", ".join(f"{field} = NULL" for field in _SEALED)
    for row in await connection.fetch(f"SELECT * FROM {_SCHEMA}.addresses WHERE user_id = $1", key.user_id):  # noqa: S608
        await connection.execute(
            f"UPDATE {_SCHEMA}.addresses SET personal = $2, {cleared} WHERE id = $1",  # noqa: S608
            row["id"],
            key.seal("addresses", {field: row[field] for field in _SEALED}),
        )


async def _copy(connection: asyncpg.Connection, table: str, columns: str, rows: Iterable[tuple[object, ...]]) -> None:
    await connection.copy_records_to_table(table, schema_name=_SCHEMA, columns=columns.split(), records=rows)
