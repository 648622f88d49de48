"""Session families and the hashes of their refresh tokens in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Text, cast, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.users.domain.devices import Device
from subgraphs.users.domain.sessions import RefreshToken
from subgraphs.users.storage.personal import DataKey, PersonalKeys
from subgraphs.users.storage.tables import refresh_tokens, session_families, users

_LIVE: Final = session_families.c.revoked_at.is_(None)


async def insert_family(
    session: AsyncSession, key: DataKey, device: Device, *, expires_at: datetime, csrf: str | None = None
) -> None:
    """Open a family for a log-in."""
    await session.execute(
        insert(session_families).values(
            id=device.id,
            user_id=device.user_id,
            created_at=device.created_at,
            expires_at=expires_at,
            authenticated_at=device.authenticated_at,
            last_used_at=device.last_used_at,
            methods=sorted(device.methods),
            device=key.seal("session_families", {"agent": device.agent, "address": device.address}),
            csrf=csrf,
            impersonator_id=device.impersonator_id,
        )
    )


async def live_devices(
    session: AsyncSession, keys: PersonalKeys, user_id: str, now: datetime, *, only: str | None = None
) -> list[Device]:
    """Read the sessions of somebody that have not ended, the one used last first; or `only` the one of this id."""
    query = (
        select(session_families, users.c.data_key)
        .join(users)
        .where(session_families.c.user_id == user_id, _LIVE, session_families.c.expires_at > now)
        .order_by(func.coalesce(session_families.c.last_used_at, session_families.c.created_at).desc())
    )
    if only is not None:
        query = query.where(cast(session_families.c.id, Text) == only)
    return [_device(keys, row) for row in await session.execute(query)]


async def csrf_of(session: AsyncSession, family_id: str) -> str | None:
    """Read the hash that the CSRF secret of a cookie session must have."""
    return (
        await session.execute(select(session_families.c.csrf).where(session_families.c.id == family_id))
    ).scalar_one_or_none()


async def note_use(session: AsyncSession, family_id: str, now: datetime) -> None:
    """Note that a session went on."""
    await session.execute(update(session_families).where(session_families.c.id == family_id).values(last_used_at=now))


async def note_proof(session: AsyncSession, device: Device) -> None:
    """Note that somebody proved again who they are."""
    await session.execute(
        update(session_families)
        .where(session_families.c.id == device.id)
        .values(authenticated_at=device.authenticated_at, methods=sorted(device.methods))
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
        family_id=str(family.id),
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


async def revoke_of_user(
    session: AsyncSession, user_id: str, *, reason: str, now: datetime, only: str | None = None, but: str | None = None
) -> list[str]:
    """End sessions of somebody: `only` one, all, or all `but` one; give their ids."""
    name = cast(session_families.c.id, Text)
    ending = update(session_families).where(session_families.c.user_id == user_id, _LIVE)
    if only is not None:
        ending = ending.where(name == only)
    if but is not None:
        ending = ending.where(name != but)
    ended = await session.execute(ending.values(revoked_at=now, revoked_because=reason).returning(name))
    return [str(family_id) for family_id in ended.scalars()]


async def revoke_by_token(session: AsyncSession, fingerprint: bytes, *, reason: str, now: datetime) -> list[str]:
    """End the family of a token, if there is such a token; give its id."""
    family = select(refresh_tokens.c.family_id).where(refresh_tokens.c.fingerprint == fingerprint)
    ended = await session.execute(
        update(session_families)
        .where(session_families.c.id == family.scalar_subquery(), session_families.c.revoked_at.is_(None))
        .values(revoked_at=now, revoked_because=reason)
        .returning(cast(session_families.c.id, Text))
    )
    return [str(family_id) for family_id in ended.scalars()]


async def revoked_since(session: AsyncSession, since: datetime) -> list[str]:
    """Give the ids of families that were ended since some time."""
    name = cast(session_families.c.id, Text)
    found = await session.execute(select(name).where(session_families.c.revoked_at > since))
    return [str(family_id) for family_id in found.scalars()]


async def delete_expired(session: AsyncSession, now: datetime, *, at_most: int = 500) -> int:
    """Forget families that can open nothing any more, with their tokens; tell how many."""
    expired = select(session_families.c.id).where(session_families.c.expires_at < now).limit(at_most)
    forgotten = await session.execute(
        delete(session_families).where(session_families.c.id.in_(expired)).returning(session_families.c.id)
    )
    return len(forgotten.all())


def _device(keys: PersonalKeys, row: Row[Any]) -> Device:
    told = keys.open(row.user_id, row.data_key).unseal("session_families", row.device) if row.device else {}
    return Device(
        id=str(row.id),
        user_id=row.user_id,
        created_at=row.created_at,
        last_used_at=row.last_used_at or row.created_at,
        authenticated_at=row.authenticated_at or row.created_at,
        methods=frozenset(row.methods),
        agent=told.get("agent", ""),
        address=told.get("address", ""),
        impersonator_id=row.impersonator_id,
    )
