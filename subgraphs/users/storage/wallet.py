"""Consents with their history, and payment methods, sealed, in PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.users.domain.wallet import Consent, ConsentPurpose, PaymentMethod
from subgraphs.users.storage.personal import DataKey
from subgraphs.users.storage.tables import consents, payment_methods


async def insert_consent(session: AsyncSession, user_id: str, consent: Consent) -> None:
    """Note what somebody agreed to or took back."""
    await session.execute(
        insert(consents).values(
            user_id=user_id,
            purpose=consent.purpose,
            granted=consent.granted,
            wording=consent.wording,
            at=consent.at,
        )
    )


async def consents_of(session: AsyncSession, user_id: str) -> list[Consent]:
    """Read the whole history of somebody's consents, newest first."""
    query = select(consents).where(consents.c.user_id == user_id).order_by(consents.c.position.desc())
    return [
        Consent(purpose=ConsentPurpose(row.purpose), granted=row.granted, wording=row.wording, at=row.at)
        for row in await session.execute(query)
    ]


async def insert_method(session: AsyncSession, key: DataKey, method: PaymentMethod) -> None:
    """Store a way to pay; a default takes the place of the one before."""
    if method.is_default:
        await clear_default(session, method.user_id)
    await session.execute(
        insert(payment_methods).values(
            id=method.id,
            user_id=method.user_id,
            personal=key.seal("payment_methods", {"token": method.token, "label": method.label}),
            is_default=method.is_default,
            created_at=method.created_at,
        )
    )


async def methods_of(session: AsyncSession, key: DataKey) -> list[PaymentMethod]:
    """List the ways to pay of somebody, oldest first."""
    query = select(payment_methods).where(payment_methods.c.user_id == key.user_id).order_by(payment_methods.c.id)
    return [_method(key, row) for row in await session.execute(query)]


async def count_methods(session: AsyncSession, user_id: str) -> int:
    """Count the ways to pay of somebody."""
    query = select(func.count()).select_from(payment_methods).where(payment_methods.c.user_id == user_id)
    return (await session.execute(query)).scalar_one()


async def clear_default(session: AsyncSession, user_id: str) -> None:
    """Let no way to pay be the default."""
    mine = payment_methods.c.user_id == user_id
    await session.execute(update(payment_methods).where(mine, payment_methods.c.is_default).values(is_default=False))


async def delete_method(session: AsyncSession, user_id: str, method_id: str) -> bool:
    """Remove a way to pay of somebody; tell whether it was theirs."""
    gone = await session.execute(
        delete(payment_methods)
        .where(payment_methods.c.id == method_id, payment_methods.c.user_id == user_id)
        .returning(payment_methods.c.id)
    )
    return gone.one_or_none() is not None


def _method(key: DataKey, row: Row[Any]) -> PaymentMethod:
    return PaymentMethod(
        id=row.id,
        user_id=row.user_id,
        **key.unseal("payment_methods", row.personal),
        is_default=row.is_default,
        created_at=row.created_at,
    )
