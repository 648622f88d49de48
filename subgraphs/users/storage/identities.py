"""Identities at other providers in PostgreSQL: found by a keyed hash of their subject, the rest sealed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.database import constraint_name
from kernel.errors import ConflictError
from kernel.ids import new_id
from subgraphs.users.domain.identities import Claims, Identity
from subgraphs.users.storage.personal import DataKey, PersonalKeys
from subgraphs.users.storage.tables import identities


async def owner_of(session: AsyncSession, keys: PersonalKeys, claims: Claims) -> str | None:
    """Find whose account an identity opens."""
    query = select(identities.c.user_id).where(
        identities.c.provider == claims.provider,
        identities.c.subject_index == keys.subject_index(claims.provider, claims.subject),
    )
    return (await session.execute(query)).scalar_one_or_none()


async def insert_identity(
    session: AsyncSession, keys: PersonalKeys, key: DataKey, claims: Claims, now: datetime
) -> Identity:
    """Let an identity open an account.

    Raises:
        ConflictError: it opens one already.
    """
    identity = Identity(
        id=new_id("idn"), user_id=key.user_id, provider=claims.provider, email=claims.email, created_at=now
    )
    try:
        await session.execute(
            insert(identities).values(
                id=identity.id,
                user_id=identity.user_id,
                provider=identity.provider,
                subject_index=keys.subject_index(claims.provider, claims.subject),
                personal=key.seal("identities", {"email": claims.email, "subject": claims.subject}),
                created_at=now,
            )
        )
    except IntegrityError as error:
        if constraint_name(error) == "identities_subject_key":
            raise ConflictError("This identity belongs to an account already.") from error
        raise
    return identity


async def identities_of(session: AsyncSession, key: DataKey) -> list[Identity]:
    """List the identities that open somebody's account, oldest first."""
    query = select(identities).where(identities.c.user_id == key.user_id).order_by(identities.c.id)
    return [_identity(key, row) for row in await session.execute(query)]


async def delete_identity(session: AsyncSession, user_id: str, identity_id: str) -> bool:
    """Let an identity open somebody's account no longer; tell whether it did."""
    gone = await session.execute(
        delete(identities)
        .where(identities.c.id == identity_id, identities.c.user_id == user_id)
        .returning(identities.c.id)
    )
    return gone.one_or_none() is not None


def _identity(key: DataKey, row: Row[Any]) -> Identity:
    return Identity(
        id=row.id,
        user_id=row.user_id,
        provider=row.provider,
        email=key.unseal("identities", row.personal)["email"],
        created_at=row.created_at,
    )
