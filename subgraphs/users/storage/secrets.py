"""One-time secrets in PostgreSQL: only their hashes, and what they bring along sealed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.users.domain.secrets import OneTimeSecret, Purpose
from subgraphs.users.storage.personal import DataKey, PersonalKeys
from subgraphs.users.storage.tables import one_time_secrets, users


async def insert_secret(session: AsyncSession, key: DataKey, fingerprint: bytes, secret: OneTimeSecret) -> None:
    """Store a new secret by its hash."""
    await session.execute(
        insert(one_time_secrets).values(
            fingerprint=fingerprint,
            user_id=secret.user_id,
            purpose=secret.purpose,
            payload=key.seal("one_time_secrets", secret.payload),
            expires_at=secret.expires_at,
        )
    )


async def secret_under_lock(
    session: AsyncSession, keys: PersonalKeys, fingerprint: bytes, purpose: Purpose, now: datetime
) -> OneTimeSecret | None:
    """Read a secret that holds; nobody else redeems it before the transaction ends."""
    query = (
        select(one_time_secrets, users.c.data_key)
        .join(users)
        .where(
            one_time_secrets.c.fingerprint == fingerprint,
            one_time_secrets.c.purpose == purpose,
            one_time_secrets.c.expires_at > now,
        )
        .with_for_update(of=one_time_secrets)
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        return None
    return OneTimeSecret(
        user_id=row.user_id,
        purpose=Purpose(row.purpose),
        payload=keys.open(row.user_id, row.data_key).unseal("one_time_secrets", row.payload),
        expires_at=row.expires_at,
    )


async def delete_secret(session: AsyncSession, fingerprint: bytes) -> None:
    """Use a secret up."""
    await session.execute(delete(one_time_secrets).where(one_time_secrets.c.fingerprint == fingerprint))


async def delete_secrets_of(session: AsyncSession, user_id: str, purpose: Purpose) -> None:
    """Take back all secrets of one purpose."""
    await session.execute(
        delete(one_time_secrets).where(one_time_secrets.c.user_id == user_id, one_time_secrets.c.purpose == purpose)
    )


async def delete_expired(session: AsyncSession, now: datetime, *, at_most: int = 500) -> int:
    """Forget secrets that open nothing any more; tell how many."""
    expired = select(one_time_secrets.c.fingerprint).where(one_time_secrets.c.expires_at < now).limit(at_most)
    gone = await session.execute(
        delete(one_time_secrets)
        .where(one_time_secrets.c.fingerprint.in_(expired))
        .returning(one_time_secrets.c.fingerprint)
    )
    return len(gone.all())
