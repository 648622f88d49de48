"""Address books in PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.users.domain.addresses import POSTAL_FIELDS, Address, PostalFields
from subgraphs.users.storage.tables import addresses


async def addresses_of(session: AsyncSession, user_ids: Sequence[str]) -> dict[str, list[Address]]:
    """Read the address books of many users in one statement, oldest entry first."""
    rows = await session.execute(
        select(addresses).where(addresses.c.user_id.in_(user_ids)).order_by(addresses.c.user_id, addresses.c.id)
    )
    books: dict[str, list[Address]] = defaultdict(list)
    for row in rows:
        books[row.user_id].append(_address(row))
    return books


async def address_of(session: AsyncSession, user_id: str, address_id: str) -> Address | None:
    """Read one address, if it is in this user's book."""
    row = (await session.execute(select(addresses).where(_is(user_id, address_id)))).one_or_none()
    return _address(row) if row else None


async def count_addresses(session: AsyncSession, user_id: str) -> int:
    """Count the entries of a user's book."""
    query = select(func.count()).select_from(addresses).where(addresses.c.user_id == user_id)
    return (await session.execute(query)).scalar_one()


async def insert_address(session: AsyncSession, address: Address) -> None:
    """Store a new address; a default takes the place of the one before."""
    await _unset_defaults(session, address)
    await session.execute(insert(addresses).values(id=address.id, user_id=address.user_id, **_values(address.postal)))


async def update_address(session: AsyncSession, address: Address) -> None:
    """Store a changed address; a default takes the place of the one before."""
    await _unset_defaults(session, address)
    await session.execute(update(addresses).where(_is(address.user_id, address.id)).values(**_values(address.postal)))


async def delete_address(session: AsyncSession, user_id: str, address_id: str) -> Address | None:
    """Remove an address from this user's book; give back what was removed."""
    row = (await session.execute(delete(addresses).where(_is(user_id, address_id)).returning(addresses))).one_or_none()
    return _address(row) if row else None


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


def _values(postal: PostalFields) -> dict[str, object]:
    return {field: getattr(postal, field) for field in POSTAL_FIELDS}


def _address(row: Row[Any]) -> Address:
    postal = PostalFields(**{field: getattr(row, field) for field in POSTAL_FIELDS})
    return Address(id=row.id, user_id=row.user_id, postal=postal)
