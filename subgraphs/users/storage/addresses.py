"""Address books, sealed, in PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.users.domain.addresses import POSTAL_FIELDS, Address, PostalFields
from subgraphs.users.storage.personal import DataKey, PersonalKeys
from subgraphs.users.storage.tables import addresses, users

_SEALED: Final = tuple(field for field in POSTAL_FIELDS if not field.startswith("is_default"))
_WITH_KEY: Final = select(addresses, users.c.data_key).join(users)


async def addresses_of(session: AsyncSession, keys: PersonalKeys, user_ids: Sequence[str]) -> dict[str, list[Address]]:
    """Read the address books of many users in one statement, oldest entry first."""
    rows = await session.execute(
        _WITH_KEY.where(addresses.c.user_id.in_(user_ids)).order_by(addresses.c.user_id, addresses.c.id)
    )
    books: dict[str, list[Address]] = defaultdict(list)
    for row in rows:
        books[row.user_id].append(_address(keys.open(row.user_id, row.data_key), row))
    return books


async def address_of(session: AsyncSession, key: DataKey, address_id: str) -> Address | None:
    """Read one address, if it is in the book of the key's owner."""
    row = (await session.execute(select(addresses).where(_is(key.user_id, address_id)))).one_or_none()
    return _address(key, row) if row else None


async def count_addresses(session: AsyncSession, user_id: str) -> int:
    """Count the entries of a user's book."""
    query = select(func.count()).select_from(addresses).where(addresses.c.user_id == user_id)
    return (await session.execute(query)).scalar_one()


async def insert_address(session: AsyncSession, key: DataKey, address: Address) -> None:
    """Store a new address; a default takes the place of the one before."""
    await _unset_defaults(session, address)
    values = _values(key, address.postal)
    await session.execute(insert(addresses).values(id=address.id, user_id=address.user_id, **values))


async def update_address(session: AsyncSession, key: DataKey, address: Address) -> None:
    """Store a changed address; a default takes the place of the one before."""
    await _unset_defaults(session, address)
    values = _values(key, address.postal)
    await session.execute(update(addresses).where(_is(address.user_id, address.id)).values(**values))


async def delete_address(session: AsyncSession, key: DataKey, address_id: str) -> Address | None:
    """Remove an address from the book of the key's owner; give back what was removed."""
    removing = delete(addresses).where(_is(key.user_id, address_id)).returning(addresses)
    row = (await session.execute(removing)).one_or_none()
    return _address(key, row) if row else None


async def _unset_defaults(session: AsyncSession, address: Address) -> None:
    claimed = [
        column.name
        for column in (addresses.c.is_default_shipping, addresses.c.is_default_billing)
        if getattr(address.postal, column.name)
    ]
    if claimed:
        others = (addresses.c.user_id == address.user_id) & (addresses.c.id != address.id)
        await session.execute(update(addresses).where(others).values(dict.fromkeys(claimed, False)))


def _is(user_id: str, address_id: str) -> ColumnElement[bool]:
    return (addresses.c.user_id == user_id) & (addresses.c.id == address_id)


def _values(key: DataKey, postal: PostalFields) -> dict[str, object]:
    return {
        "personal": key.seal("addresses", {field: getattr(postal, field) for field in _SEALED}),
        "is_default_shipping": postal.is_default_shipping,
        "is_default_billing": postal.is_default_billing,
    }


def _address(key: DataKey, row: Row[Any]) -> Address:
    postal = PostalFields(
        **key.unseal("addresses", row.personal),
        is_default_shipping=row.is_default_shipping,
        is_default_billing=row.is_default_billing,
    )
    return Address(id=row.id, user_id=row.user_id, postal=postal)
