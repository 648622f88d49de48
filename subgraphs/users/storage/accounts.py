"""Accounts, sealed, and their password hashes in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Insert, Row, Update, delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.database import constraint_name
from kernel.errors import NotFoundError
from subgraphs.users.domain.accounts import Account
from subgraphs.users.domain.errors import EmailTakenError
from subgraphs.users.domain.roles import Role
from subgraphs.users.storage.personal import DataKey, PersonalKeys
from subgraphs.users.storage.tables import credentials, users


async def insert_account(
    session: AsyncSession, keys: PersonalKeys, account: Account, password_hash: str | None
) -> None:
    """Store a new account; in one statement with its password, where it has one.

    Raises:
        EmailTakenError: the address has an account already.
    """
    key = keys.make(account.id)
    adding = insert(users).values(data_key=key.wrapped, **_values(keys, key, account))
    if password_hash is not None:
        row = adding.returning(users.c.id).cte("account")
        adding = (
            insert(credentials)
            .from_select(
                ["user_id", "password_hash", "changed_at"],
                select(row.c.id, literal(password_hash), literal(account.created_at)),
            )
            .add_cte(row)
        )
    await _told_if_taken(session, adding)


async def account_by_id(
    session: AsyncSession, keys: PersonalKeys, user_id: str, *, lock: bool = False
) -> Account | None:
    """Read one account; `lock` keeps others from changing it until the transaction ends."""
    query = select(users).where(users.c.id == user_id)
    row = (await session.execute(query.with_for_update() if lock else query)).one_or_none()
    return account_of(keys, row) if row else None


async def lock_account(session: AsyncSession, user_id: str) -> bool:
    """Let changes of one account happen one after the other; tell whether it is there."""
    query = select(users.c.id).where(users.c.id == user_id).with_for_update()
    return (await session.execute(query)).one_or_none() is not None


async def accounts_by_id(session: AsyncSession, keys: PersonalKeys, ids: Sequence[str]) -> dict[str, Account]:
    """Read many accounts in one statement."""
    rows = await session.execute(select(users).where(users.c.id.in_(ids)))
    return {row.id: account_of(keys, row) for row in rows}


async def account_by_email(session: AsyncSession, keys: PersonalKeys, email: str) -> tuple[Account, str | None] | None:
    """Read an account beside its password hash, by normalised e-mail address."""
    query = (
        select(users, credentials.c.password_hash)
        .outerjoin(credentials)
        .where(users.c.email_index == keys.email_index(email))
    )
    row = (await session.execute(query)).one_or_none()
    return (account_of(keys, row), row.password_hash) if row else None


async def data_key_of(session: AsyncSession, keys: PersonalKeys, user_id: str) -> DataKey | None:
    """Open somebody's data key."""
    wrapped = (await session.execute(select(users.c.data_key).where(users.c.id == user_id))).scalar_one_or_none()
    return keys.open(user_id, wrapped) if wrapped else None


async def required_key(session: AsyncSession, keys: PersonalKeys, user_id: str) -> DataKey:
    """Open the data key of somebody who must be there.

    Raises:
        NotFoundError: there is no such account.
    """
    key = await data_key_of(session, keys, user_id)
    if key is None:
        raise NotFoundError("There is no such account.", path=("id",))
    return key


async def update_account(session: AsyncSession, keys: PersonalKeys, account: Account) -> None:
    """Store an account that was read under lock.

    Raises:
        EmailTakenError: its new address has an account already.
    """
    key = await data_key_of(session, keys, account.id)
    if key is not None:
        changed = update(users).where(users.c.id == account.id).values(_values(keys, key, account))
        await _told_if_taken(session, changed)


async def delete_account(session: AsyncSession, user_id: str) -> None:
    """Remove an account with all that belongs to it, its data key above all."""
    await session.execute(delete(users).where(users.c.id == user_id))


async def password_hash_of(session: AsyncSession, user_id: str) -> str | None:
    """Read somebody's password hash; None for whoever logs in by other means only."""
    query = select(credentials.c.password_hash).where(credentials.c.user_id == user_id)
    return (await session.execute(query)).scalar_one_or_none()


async def set_hash(session: AsyncSession, user_id: str, password_hash: str, now: datetime) -> None:
    """Store a new password."""
    adding = upsert(credentials).values(user_id=user_id, password_hash=password_hash, changed_at=now)
    newest = {name: adding.excluded[name] for name in ("password_hash", "changed_at")}
    await session.execute(adding.on_conflict_do_update(index_elements=["user_id"], set_=newest))


async def replace_hash(session: AsyncSession, user_id: str, old: str, new: str) -> None:
    """Store the same password under a better hash, unless the password was changed meanwhile."""
    await session.execute(
        update(credentials)
        .where(credentials.c.user_id == user_id, credentials.c.password_hash == old)
        .values(password_hash=new)
    )


async def rewrap_some(session: AsyncSession, keys: PersonalKeys, *, at_most: int = 500) -> int:
    """Wrap data keys of some accounts under the ring's newest key; tell how many there were."""
    query = select(users.c.id, users.c.data_key).where(_wrapped_by_older(keys)).limit(at_most)
    rows = (await session.execute(query.with_for_update(skip_locked=True))).all()
    for row in rows:
        await session.execute(
            update(users).where(users.c.id == row.id).values(data_key=keys.rewrap(row.id, row.data_key))
        )
    return len(rows)


async def count_wrapped_by_older(session: AsyncSession, keys: PersonalKeys) -> int:
    """Count the accounts whose data key is wrapped under an older key of the ring."""
    query = select(func.count()).select_from(users).where(_wrapped_by_older(keys))
    return (await session.execute(query)).scalar_one()


def _wrapped_by_older(keys: PersonalKeys) -> ColumnElement[bool]:
    newest = keys.ring.newest.encode() + b"."
    return func.substring(users.c.data_key, 1, len(newest)) != newest


def account_of(keys: PersonalKeys, row: Row[Any]) -> Account:
    """Read an account out of a row of `users`."""
    personal = keys.open(row.id, row.data_key).unseal("users", row.personal)
    return Account(
        id=row.id,
        email=personal["email"],
        name=personal["name"],
        phone=personal["phone"],
        language=row.language,
        currency=row.currency,
        roles=frozenset(Role(role) for role in row.roles),
        email_verified_at=row.email_verified_at,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def _told_if_taken(session: AsyncSession, statement: Insert | Update) -> None:
    try:
        await session.execute(statement)
    except IntegrityError as error:
        if constraint_name(error) == "users_email_index_key":
            raise EmailTakenError from error
        raise


def _values(keys: PersonalKeys, key: DataKey, account: Account) -> dict[str, object]:
    personal = {"email": account.email, "name": account.name, "phone": account.phone}
    return {
        "id": account.id,
        "personal": key.seal("users", personal),
        "email_index": keys.email_index(account.email),
        "search_tokens": keys.search_tokens(email=account.email, name=account.name),
        "language": account.language,
        "currency": account.currency,
        "roles": sorted(account.roles),
        "email_verified_at": account.email_verified_at,
        "version": account.version,
        "created_at": account.created_at,
        "updated_at": account.updated_at,
    }
