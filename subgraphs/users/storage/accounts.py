"""Accounts and their password hashes in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.database import constraint_name
from subgraphs.users.domain.accounts import Account
from subgraphs.users.domain.errors import EmailTakenError
from subgraphs.users.domain.roles import Role
from subgraphs.users.storage.tables import credentials, users


async def insert_account(session: AsyncSession, account: Account, password_hash: str) -> None:
    """Store a new account with its password, in one statement.

    Raises:
        EmailTakenError: the address has an account already.
    """
    row = insert(users).values(_values(account)).returning(users.c.id).cte("account")
    secret = insert(credentials).from_select(
        ["user_id", "password_hash", "changed_at"],
        select(row.c.id, literal(password_hash), literal(account.created_at)),
    )
    try:
        await session.execute(secret.add_cte(row))
    except IntegrityError as error:
        if constraint_name(error) == "users_email_key":
            raise EmailTakenError from error
        raise


async def account_by_id(session: AsyncSession, user_id: str, *, lock: bool = False) -> Account | None:
    """Read one account; `lock` keeps others from changing it until the transaction ends."""
    query = select(users).where(users.c.id == user_id)
    row = (await session.execute(query.with_for_update() if lock else query)).one_or_none()
    return account_of(row) if row else None


async def accounts_by_id(session: AsyncSession, ids: Sequence[str]) -> dict[str, Account]:
    """Read many accounts in one statement."""
    rows = await session.execute(select(users).where(users.c.id.in_(ids)))
    return {row.id: account_of(row) for row in rows}


async def account_with_hash(session: AsyncSession, email: str) -> tuple[Account, str] | None:
    """Read an account beside its password hash, by normalised e-mail address."""
    query = select(users, credentials.c.password_hash).join(credentials).where(users.c.email == email)
    row = (await session.execute(query)).one_or_none()
    return (account_of(row), row.password_hash) if row else None


async def update_account(session: AsyncSession, account: Account) -> None:
    """Store an account that was read under lock."""
    await session.execute(update(users).where(users.c.id == account.id).values(_values(account)))


async def replace_hash(session: AsyncSession, user_id: str, old: str, new: str, now: datetime) -> None:
    """Store the same password under a better hash, unless the password was changed meanwhile."""
    await session.execute(
        update(credentials)
        .where(credentials.c.user_id == user_id, credentials.c.password_hash == old)
        .values(password_hash=new, changed_at=now)
    )


def account_of(row: Row[Any]) -> Account:
    """Read an account out of a row of `users`."""
    return Account(
        id=row.id,
        email=row.email,
        name=row.name,
        phone=row.phone,
        language=row.language,
        roles=frozenset(Role(role) for role in row.roles),
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _values(account: Account) -> dict[str, object]:
    return {
        "id": account.id,
        "email": account.email,
        "name": account.name,
        "phone": account.phone,
        "language": account.language,
        "roles": sorted(account.roles),
        "version": account.version,
        "created_at": account.created_at,
        "updated_at": account.updated_at,
    }
