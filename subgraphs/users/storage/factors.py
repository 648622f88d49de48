"""Second factors, sealed, and the hashes of recovery codes in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.database import constraint_name
from kernel.errors import ConflictError
from subgraphs.users.domain.factors import Factor, FactorKind
from subgraphs.users.storage.personal import DataKey, PersonalKeys
from subgraphs.users.storage.tables import factors, recovery_codes, users


async def insert_factor(
    session: AsyncSession, key: DataKey, factor: Factor, *, credential_id: bytes | None = None
) -> None:
    """Store a new factor.

    Raises:
        ConflictError: the authenticator is known already.
    """
    try:
        await session.execute(
            insert(factors).values(
                id=factor.id,
                user_id=factor.user_id,
                kind=factor.kind,
                name=factor.name,
                secret=key.seal("factors", factor.secret),
                credential_id=credential_id,
                counter=factor.counter,
                created_at=factor.created_at,
                confirmed_at=factor.confirmed_at,
            )
        )
    except IntegrityError as error:
        if constraint_name(error) == "factors_credential_key":
            raise ConflictError("This authenticator is known already.") from error
        raise


async def factors_of(session: AsyncSession, key: DataKey, *, lock: bool = False) -> list[Factor]:
    """Read all factors of the key's owner, oldest first; `lock` keeps a code from being used twice at once."""
    query = select(factors).where(factors.c.user_id == key.user_id).order_by(factors.c.id)
    rows = await session.execute(query.with_for_update() if lock else query)
    return [_factor(key, row) for row in rows]


async def confirmed_kinds(session: AsyncSession, user_id: str) -> list[str]:
    """Name the kinds of factor that somebody logs in with."""
    query = select(factors.c.kind).where(factors.c.user_id == user_id, factors.c.confirmed_at.is_not(None)).distinct()
    return sorted((await session.execute(query)).scalars())


async def owner_of_credential(
    session: AsyncSession, keys: PersonalKeys, credential_id: bytes
) -> tuple[DataKey, Factor] | None:
    """Find an authenticator and its owner; it is locked until the transaction ends."""
    query = (
        select(factors, users.c.data_key)
        .join(users)
        .where(factors.c.credential_id == credential_id, factors.c.confirmed_at.is_not(None))
        .with_for_update(of=factors)
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        return None
    key = keys.open(row.user_id, row.data_key)
    return key, _factor(key, row)


async def note_use(session: AsyncSession, factor_id: str, *, counter: int, now: datetime) -> None:
    """Note that a factor was used; a first use confirms it."""
    await session.execute(
        update(factors)
        .where(factors.c.id == factor_id)
        .values(counter=counter, last_used_at=now, confirmed_at=func.coalesce(factors.c.confirmed_at, now))
    )


async def delete_factor(session: AsyncSession, user_id: str, factor_id: str) -> bool:
    """Remove a factor of somebody; tell whether it was theirs."""
    gone = await session.execute(
        delete(factors).where(factors.c.id == factor_id, factors.c.user_id == user_id).returning(factors.c.id)
    )
    return gone.one_or_none() is not None


async def delete_unconfirmed(session: AsyncSession, user_id: str, kind: FactorKind) -> None:
    """Remove factors that were begun and never confirmed."""
    await session.execute(
        delete(factors).where(factors.c.user_id == user_id, factors.c.kind == kind, factors.c.confirmed_at.is_(None))
    )


async def replace_recovery_codes(session: AsyncSession, user_id: str, fingerprints: Sequence[bytes]) -> None:
    """Store a new set of recovery codes; the old ones open nothing any more."""
    await session.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    if fingerprints:
        rows = [{"user_id": user_id, "fingerprint": each} for each in fingerprints]
        await session.execute(insert(recovery_codes).values(rows))


async def use_recovery_code(session: AsyncSession, user_id: str, fingerprint: bytes, now: datetime) -> bool:
    """Use a recovery code up; tell whether there was such a one."""
    used = await session.execute(
        update(recovery_codes)
        .where(
            recovery_codes.c.user_id == user_id,
            recovery_codes.c.fingerprint == fingerprint,
            recovery_codes.c.used_at.is_(None),
        )
        .values(used_at=now)
        .returning(recovery_codes.c.user_id)
    )
    return used.one_or_none() is not None


async def count_recovery_codes(session: AsyncSession, user_id: str) -> int:
    """Count the recovery codes that are left."""
    query = (
        select(func.count())
        .select_from(recovery_codes)
        .where(recovery_codes.c.user_id == user_id, recovery_codes.c.used_at.is_(None))
    )
    return (await session.execute(query)).scalar_one()


def _factor(key: DataKey, row: Row[Any]) -> Factor:
    return Factor(
        id=row.id,
        user_id=row.user_id,
        kind=FactorKind(row.kind),
        name=row.name,
        secret=key.unseal("factors", row.secret),
        counter=row.counter,
        created_at=row.created_at,
        confirmed_at=row.confirmed_at,
        last_used_at=row.last_used_at,
    )
