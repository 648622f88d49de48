"""Session families and the hashes of their refresh tokens in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.users.domain.sessions import RefreshToken
from subgraphs.users.storage.tables import refresh_tokens, session_families


async def insert_family(
    session: AsyncSession, family_id: str, *, user_id: str, now: datetime, expires_at: datetime
) -> None:
    """Open a family for a log-in."""
    await session.execute(
        insert(session_families).values(id=family_id, user_id=user_id, created_at=now, expires_at=expires_at)
    )


async def insert_token(
    session: AsyncSession,
    fingerprint: bytes,
    *,
    family_id: str,
    parent: bytes | None,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Store the hash of a token that is about to be handed out."""
    await session.execute(
        insert(refresh_tokens).values(
            fingerprint=fingerprint, family_id=family_id, parent=parent, issued_at=now, expires_at=expires_at
        )
    )


async def token_under_lock(session: AsyncSession, fingerprint: bytes) -> RefreshToken | None:
    """Read what is known of a token.

    Its family is locked, so that what is decided about one of its tokens is decided one at a time.
    """
    locked = (
        select(session_families)
        .join(refresh_tokens, refresh_tokens.c.family_id == session_families.c.id)
        .where(refresh_tokens.c.fingerprint == fingerprint)
        .with_for_update(of=session_families)
    )
    family = (await session.execute(locked)).one_or_none()
    if family is None:
        return None
    successor = refresh_tokens.alias("successor")
    query = (
        select(refresh_tokens, (successor.c.used_at.is_not(None)).label("successor_used"))
        .outerjoin(successor, successor.c.parent == refresh_tokens.c.fingerprint)
        .where(refresh_tokens.c.fingerprint == fingerprint)
    )
    token = (await session.execute(query)).one()
    return RefreshToken(
        family_id=family.id,
        user_id=family.user_id,
        expires_at=token.expires_at,
        family_expires_at=family.expires_at,
        revoked_at=family.revoked_at,
        used_at=token.used_at,
        successor_nonce=token.successor_nonce,
        successor_used=token.successor_used,
    )


async def mark_used(session: AsyncSession, fingerprint: bytes, *, nonce: bytes, now: datetime) -> None:
    """Note that a token was rotated, and the nonce from which its successor follows."""
    await session.execute(
        update(refresh_tokens)
        .where(refresh_tokens.c.fingerprint == fingerprint)
        .values(used_at=now, successor_nonce=nonce)
    )


async def revoke_family(session: AsyncSession, family_id: str, *, reason: str, now: datetime) -> None:
    """End a family; all of its tokens are worthless from now on."""
    await session.execute(
        update(session_families)
        .where(session_families.c.id == family_id, session_families.c.revoked_at.is_(None))
        .values(revoked_at=now, revoked_because=reason)
    )


async def revoke_by_token(session: AsyncSession, fingerprint: bytes, *, reason: str, now: datetime) -> None:
    """End the family of a token, if there is such a token."""
    family = select(refresh_tokens.c.family_id).where(refresh_tokens.c.fingerprint == fingerprint)
    await session.execute(
        update(session_families)
        .where(session_families.c.id == family.scalar_subquery(), session_families.c.revoked_at.is_(None))
        .values(revoked_at=now, revoked_because=reason)
    )


async def delete_expired(session: AsyncSession, now: datetime, *, at_most: int = 500) -> int:
    """Forget families that can open nothing any more, with their tokens; tell how many."""
    expired = select(session_families.c.id).where(session_families.c.expires_at < now).limit(at_most)
    forgotten = await session.execute(
        delete(session_families).where(session_families.c.id.in_(expired)).returning(session_families.c.id)
    )
    return len(forgotten.all())
